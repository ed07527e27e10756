"""The page under a path of its own, behind a proxy, in a real headless Chromium: every address stays below the path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import quick_hashes
from fakes import FakeLLM, make_engine
from front import front
from identity import ID, SECRET, providing
from samples import sample_chat
from served import MARKS

from rag import Users
from ui import Access, build, serve

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = MARKS
ARTICLE = "The cod left the harbour in May 2019."
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page behind the proxy."""
    from ui.server.oidc import Provider

    folder, model = tmp_path_factory.mktemp("subpath"), FakeLLM(default="in May 2019")
    with (
        pytest.MonkeyPatch.context() as patch,
        make_engine(folder, documents={"cod.txt": ARTICLE}, model=model, caution=0.0) as engine,
        Users(engine.settings.store) as users,
        providing() as identity,
    ):
        quick_hashes.use(patch)
        users.add("rita", PASSWORD)
        access = Access(users=users, provider=Provider(identity.url, ID, SECRET))
        page = build(engine, chat=sample_chat, access=access)
        with serve(page, access=access, root_path="/news") as server, front(server.rstrip("/"), "/news") as url:
            yield url


def test_log_in_ask_and_read(browser: Browser, url: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    wrong: list[str] = []
    home = urlsplit(url).netloc
    page.on(
        "response", lambda r: urlsplit(r.url).netloc != home or r.status < 400 or wrong.append(f"{r.status} {r.url}")
    )
    page.on("request", lambda r: urlsplit(r.url).netloc != home or r.url.startswith(f"{url}/") or wrong.append(r.url))
    page.goto(f"{url}/")
    expect(page).to_have_url(f"{url}/login")
    page.get_by_label("Name").fill("rita")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    read(page)
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{url}/login")
    page.get_by_role("link", name=re.compile("Log in with 127.0.0.1")).click()
    expect(page).to_have_url(re.compile(f"^{re.escape(url)}/"))
    read(page)
    context.close()
    assert wrong == []


def test_who_is_refused_after_the_provider_may_try_again(browser: Browser, url: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/login/oidc/back?state=forged&code=forged")
    expect(page.get_by_role("alert")).to_contain_text("not begun in this browser")
    page.get_by_label("Name").fill("rita")
    page.get_by_label("Password").fill("wrong password")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{url}/login")
    expect(page.get_by_label("Name")).to_have_value("rita")
    expect(page.get_by_label("Password")).to_be_focused()
    context.close()


def read(page: Page) -> None:
    """Ask a question, and open the article of its source."""
    expect(page.get_by_text("rita (reader)")).to_be_visible(timeout=30_000)
    page.locator(".dl-thread > *").first.wait_for(timeout=30_000)
    box = page.get_by_label("Your question")
    box.fill("When did the cod leave the harbour?")
    box.press("Enter")
    expect(page.locator(".dl-turn").last).to_contain_text("May 2019", timeout=30_000)
    page.locator(".dl-turn").last.locator(".dl-marker").first.click()
    expect(page.locator(".dl-article")).to_contain_text(ARTICLE)
