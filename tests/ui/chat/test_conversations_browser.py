"""Conversations in a real headless Chromium: kept over a reload, renamed, deleted, searched and exported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from samples import (
    AID,
    AID_QUOTE,
    AUSTRALIA,
    HOSTILE,
    HOSTILE_QUOTE,
    HOSTILE_TITLE,
    MINISTER,
    sample_chat,
    sample_engine,
)
from served import MARKS, ask

from ui import build, serve

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import OpenPage
    from playwright.sync_api import Page

pytestmark = MARKS
NASTY = "<img src=x onerror=alert(1)> **b** " + "N" * 150


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with (
        sample_engine(tmp_path_factory.mktemp("conversations"), hostile=True) as engine,
        serve(build(engine, chat=sample_chat)) as url,
    ):
        yield url


def manage(page: Page) -> None:
    page.locator(".dl-open[aria-current] + .dl-more > summary").click()


def exported(page: Page, kind: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=kind, exact=True).click()
    return str(download.value.path().read_text(encoding="utf-8"))


def test_reload_keeps_the_conversation_and_follow_ups(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, MINISTER)
        ask(page, AUSTRALIA)
        page.reload()
        expect(page.locator(".dl-question")).to_have_text([MINISTER, AUSTRALIA])
        page.locator(".dl-marker").first.click()
        expect(page.locator(".dl-panel mark")).to_contain_text("Marcelo Ebrard")
        page.keyboard.press("Escape")
        ask(page, AID)
        expect(page.locator(".dl-open")).to_have_count(1)


def test_another_browser_starts_empty(open_page: OpenPage) -> None:
    with open_page() as one, open_page() as two:
        ask(one, AID)
        two.reload()
        expect(two.locator(".dl-welcome")).to_be_visible()
        expect(two.locator(".dl-open")).to_have_count(0)


def test_two_tabs_of_one_browser_lose_nothing(open_page: OpenPage, url: str) -> None:
    with open_page() as one:
        ask(one, AID)
        two = one.context.new_page()
        two.goto(url)
        expect(two.locator(".dl-question")).to_have_text(AID)
        for tab, question in ((two, MINISTER), (one, AUSTRALIA)):
            tab.get_by_role("button", name="New conversation").click()
            expect(tab.locator(".dl-welcome")).to_be_visible()
            ask(tab, question)
        one.reload()
        expect(one.locator(".dl-open")).to_have_text([AUSTRALIA, MINISTER, AID])


@pytest.mark.parametrize("value", ["", "nonsense", "AAAA:broken", "{}"])
def test_corrupt_storage_is_an_empty_page(open_page: OpenPage, url: str, value: str) -> None:
    kept = [{"name": f"dateline-{name}", "value": value} for name in ("conversations", "settings")]
    state = {"cookies": [], "origins": [{"origin": url.rstrip("/"), "localStorage": kept}]}
    with open_page(storage_state=state) as page:
        expect(page.locator(".dl-welcome")).to_be_visible()
        ask(page, AID)
        page.reload()
        expect(page.locator(".dl-question")).to_have_text(AID)


def test_new_open_rename_search(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator(".dl-welcome")).to_be_visible()
        ask(page, MINISTER)
        expect(page.locator(".dl-open")).to_have_text([MINISTER, AID])
        page.get_by_role("button", name=AID).click()
        expect(page.locator(".dl-question")).to_have_text(AID)
        manage(page)
        page.locator(".dl-more[open]").get_by_label("Name of the conversation").fill(NASTY)
        page.get_by_role("button", name="Rename", exact=True).click()
        expect(page.locator(".dl-open[aria-current]")).to_contain_text("<img src=x onerror=alert(1)> **b** NNN")
        expect(page.locator("#dl-side img")).to_have_count(0)
        search = page.get_by_label("Search the conversations")
        search.fill("marcelo")
        expect(page.locator(".dl-open")).to_have_text([MINISTER])
        search.fill("no such words")
        expect(page.locator(".dl-hint")).to_contain_text("No conversation holds these words.")
        search.fill("")
        expect(page.locator(".dl-open")).to_have_count(2)


def test_delete_and_undo(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        manage(page)
        page.get_by_role("button", name="Delete").click()
        expect(page.locator(".dl-welcome")).to_be_visible()
        expect(page.locator(".dl-open")).to_have_count(0)
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".dl-question")).to_have_text(AID)
        manage(page)
        page.get_by_role("button", name="Delete").click()
        expect(page.locator(".dl-open")).to_have_count(0)
        page.reload()
        expect(page.locator(".dl-welcome")).to_be_visible()
        expect(page.locator(".dl-open")).to_have_count(0)


def test_export_of_each_kind(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        ask(page, HOSTILE)
        manage(page)
        markdown = exported(page, "Markdown")
        assert f"## {AID}\n\nUS $310 million [^1-1]" in markdown and AID_QUOTE in markdown
        assert "<script" not in markdown.replace("\\<", "")
        data = json.loads(exported(page, "JSON"))
        assert [t["question"] for t in data["turns"]] == [AID, HOSTILE]
        assert data["turns"][1]["answer"]["citations"][0]["quote"] == HOSTILE_QUOTE
        html = exported(page, "Page to print")
        printed = page.context.new_page()
        alerts: list[str] = []
        printed.on("dialog", lambda d: (alerts.append(d.message), d.dismiss()))
        printed.set_content(html)
        expect(printed.locator("h2")).to_have_text([AID, HOSTILE])
        expect(printed.locator(".footnotes li").nth(1)).to_contain_text(HOSTILE_TITLE)
        expect(printed.locator(":is(script, img, b, i, strong)")).to_have_count(0)
        printed.locator("sup a").first.click()
        assert alerts == [] and printed.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_conversation_has_a_menu(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator(".dl-turn")).to_have_count(0)
        ask(page, MINISTER)
        menus = page.locator(".dl-more > summary")
        expect(menus).to_have_count(2)
        menus.nth(0).focus()
        page.keyboard.press("Enter")
        expect(page.locator(".dl-more[open]")).to_have_count(1)
        menus.nth(1).focus()
        page.keyboard.press("Enter")
        expect(page.locator(".dl-more[open]")).to_have_count(1)  # one at a time
        with page.expect_download() as download:
            page.locator(".dl-more[open]").get_by_role("button", name="Markdown").click()
        assert AID in download.value.path().read_text(encoding="utf-8")  # not the open one
        menus.nth(1).focus()
        page.keyboard.press("Escape")
        expect(page.locator(".dl-more[open]")).to_have_count(0)
        expect(menus.nth(1)).to_be_focused()
        menus.nth(1).click()
        page.locator(".dl-more[open]").get_by_role("button", name="Delete").click()
        expect(page.locator(".dl-open")).to_have_text([MINISTER])
        expect(page.locator(".dl-question")).to_have_text(MINISTER)
