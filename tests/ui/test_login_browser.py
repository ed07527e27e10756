"""The login page in a real headless Chromium, and what a browser that two users share keeps of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import quick_hashes
from samples import AID, sample_chat, sample_engine
from served import KEPT, MARKS, ask
from test_page_browser import violations

from rag import Role, Users
from ui import Access, build, serve
from ui.server.oidc import Provider

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = MARKS
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with (
        pytest.MonkeyPatch.context() as patch,
        sample_engine(tmp_path_factory.mktemp("login")) as engine,
        Users(engine.settings.store) as users,
    ):
        quick_hashes.use(patch)
        for name, role in (("rita", Role.READER), ("ada", Role.ADMIN)):
            users.add(name, PASSWORD, role)
        access = Access(users=users, provider=Provider("https://login.example", "dateline"))
        with serve(build(engine, chat=sample_chat, access=access), access=access) as url:
            yield url


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_login_page_is_accessible(browser: Browser, url: str, scheme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(url)
    expect(page.get_by_label("Name")).to_be_focused()
    log_in(page, "rita", "wrong password")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    expect(page.get_by_role("link", name="Log in with login.example")).to_be_visible()
    assert violations(page) == [] and page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 22, 20)"
    assert dark is (scheme == "dark")
    context.close()


def test_two_users_share_a_browser(browser: Browser, url: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    log_in(page, "rita")
    expect(page.get_by_text("rita (reader)")).to_be_visible()
    expect(page.get_by_role("tab", name="Quality")).to_be_hidden()
    page.get_by_role("tab", name="Library").click()
    expect(page.get_by_text("Which articles you choose to ask is yours alone")).to_be_visible()
    expect(page.get_by_text("What you add or remove here")).to_be_hidden()  # a reader may not
    page.get_by_role("tab", name="Chat").click()
    page.locator(".dl-thread > *").first.wait_for()
    ask(page, AID)
    page.get_by_role("button", name="Log out").click()
    log_in(page, "ada")
    expect(page.get_by_text("ada (admin)")).to_be_visible()
    expect(page.get_by_role("tab", name="Quality")).to_be_visible()
    page.locator(".dl-thread > *").first.wait_for()
    expect(page.locator(".dl-turn")).to_have_count(0)
    page.get_by_role("button", name="Log out").click()
    log_in(page, "rita")
    expect(page.locator(".dl-turn")).to_have_count(1)
    names = page.evaluate("Object.keys(localStorage)")
    assert KEPT not in names and any(name.startswith(f"{KEPT}-") for name in names)
    context.close()
