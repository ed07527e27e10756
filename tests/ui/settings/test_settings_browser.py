"""The Settings tab in a real headless Chromium; above all, where a key may and may not turn up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from samples import AID, AID_QUOTE, sample_chat, sample_engine
from served import MARKS, ask
from test_endpoint import GOOD, server

from ui import build, serve

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import OpenPage
    from playwright.sync_api import Page, Response

pytestmark = MARKS
KEY = "sk-very-secret-0123456789"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sample_engine(tmp_path_factory.mktemp("settings")) as engine, serve(build(engine, chat=sample_chat)) as url:
        yield url


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def settings(page: Page) -> None:
    page.get_by_role("tab", name="Settings").click()


def endpoint(page: Page, address: str, key: str) -> None:
    settings(page)
    page.get_by_label("Another model").check()
    page.get_by_label("Address", exact=True).fill(address)
    page.get_by_label("Name of the model there").fill("some-model")
    page.locator("#dl-key input").fill(key)


def test_each_reader_has_a_model_of_their_own(open_page: OpenPage) -> None:
    with open_page() as one, open_page() as two:
        settings(one)
        one.get_by_label("No model").check()
        one.get_by_role("button", name="Save").click()
        expect(one.locator(".dl-said")).to_contain_text("Saved. The next answer is by quoting")
        expect(one.locator(".dl-edition")).to_contain_text("quoting")
        expect(two.locator(".dl-edition")).to_contain_text("the built-in model")
        one.get_by_role("tab", name="Chat").click()
        for page, said in ((one, AID_QUOTE), (two, "US $310 million")):
            ask(page, AID)
            expect(page.locator(".dl-answer")).to_contain_text(said)
        one.reload()
        expect(one.locator(".dl-edition")).to_contain_text("quoting")
        settings(one)
        expect(one.get_by_label("No model")).to_be_checked()


def test_key_is_never_sent_back(open_page: OpenPage) -> None:
    bodies: list[str] = []

    def read(response: Response) -> None:
        if "event-stream" not in response.headers.get("content-type", ""):
            bodies.append(response.text())

    with server(200, GOOD) as (address, asked), open_page() as page:
        page.on("response", read)
        endpoint(page, address, KEY)
        expect(page.locator("#dl-key input")).to_have_attribute("type", "password")
        page.get_by_role("button", name="Test the model").click()
        expect(page.locator(".dl-said")).to_have_text("It works.")
        assert [a["key"] for a in asked] == [f"Bearer {KEY}"]
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".dl-said")).to_contain_text("Saved.")
        expect(page.locator("#dl-key input")).to_have_value("")
        page.get_by_role("button", name="Test the model").click()  # with the key that the server remembers
        expect(page.locator(".dl-said")).to_have_text("It works.")
        assert [a["key"] for a in asked] == [f"Bearer {KEY}"] * 2
        told = page.evaluate("async () => (await fetch('/config')).text()")  # what a new page learns of this server
        assert KEY not in told and KEY not in page.content()
        assert KEY not in page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
        page.reload()
        settings(page)
        expect(page.get_by_label("Address", exact=True)).to_have_value(address)
        expect(page.locator("#dl-key input")).to_have_value("")
        expect(page.locator(".dl-said")).to_contain_text("key is not kept in the browser")
    assert len(bodies) > 3 and not any(KEY in body for body in bodies)


def test_what_is_wrong_is_said(open_page: OpenPage) -> None:
    with server(401, {"error": {"message": f"bad key {KEY}"}}) as (address, _), open_page() as page:
        endpoint(page, address, KEY)
        page.get_by_role("button", name="Test the model").click()
        expect(page.locator(".dl-said.dl-bad")).to_have_text("The key was refused.")
        page.get_by_label("Address", exact=True).fill("nonsense")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".dl-said.dl-bad")).to_contain_text("no web address")
        page.get_by_label("Small built-in model").check()
        expect(page.get_by_label("Address", exact=True)).to_be_hidden()
        page.get_by_role("button", name="Test the model").click()
        expect(page.locator(".dl-said.dl-bad")).to_contain_text("rag models pull")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_appearance_is_kept_and_wins_over_the_system(open_page: OpenPage, scheme: str) -> None:
    other = {"light": "Dark", "dark": "Light"}[scheme]
    dark = re.compile(r"\bdark\b")
    with open_page(scheme=scheme) as page:

        def is_dark(wanted: bool) -> None:
            has = expect(page.locator("body"))
            has.to_have_class(dark) if wanted else has.not_to_have_class(dark)

        is_dark(scheme == "dark")
        settings(page)
        page.get_by_label(other, exact=True).check()
        is_dark(scheme == "light")
        page.reload()
        is_dark(scheme == "light")
        settings(page)
        expect(page.get_by_label(other, exact=True)).to_be_checked()
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        is_dark(scheme == "light")
        page.get_by_label("As the system").check()
        is_dark(scheme == "dark")
