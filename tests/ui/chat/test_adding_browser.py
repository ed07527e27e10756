"""Adding articles from the chat, in a real headless Chromium: files, a pasted text and an address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import WAIT, make_engine, write_articles
from library_page import NEW, WHALE
from served import MARKS, ask

from ui import build, serve
from ui.server.access import Access

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import OpenPage
    from playwright.sync_api import Locator, Page

pytestmark = MARKS
LONG = 1000 * WAIT  # milliseconds; the first article of a process is read by modules that are loaded then


@pytest.fixture
def empty(open_page: OpenPage, tmp_path: Path) -> Any:
    """Opens the page of an empty library."""

    @contextmanager
    def opened(**options: Any) -> Iterator[Page]:
        engine = make_engine(tmp_path, documents={}, caution=0.0)
        with engine, serve(build(engine)) as url, open_page(url, **options) as page:
            expect(page.locator(".dl-welcome")).to_contain_text("library is empty")
            yield page

    return opened


def place(page: Page) -> Locator:
    """Return the place for adding, which the button of the empty conversation opens."""
    page.get_by_role("button", name="Add articles").first.click()
    expect(page.locator("#dl-drop-chat")).to_be_visible()
    return page.locator("#dl-add")


def test_files_are_added_from_the_empty_conversation(empty: Any, tmp_path: Path) -> None:
    files = write_articles(tmp_path / "new", {"whale.txt": NEW, "empty.txt": ""})
    with empty() as page:
        added = place(page)
        added.get_by_text("Paste a text").click()
        writing = added.get_by_role("textbox", name="The first line is the title")
        writing.fill("Half a sentence")
        added.locator("input[type=file]").set_input_files([files / "whale.txt", files / "empty.txt"])
        expect(added.locator(".dl-result")).to_have_count(2, timeout=LONG)
        expect(added.locator(".dl-result").nth(0)).to_contain_text("Added whale.txt “A whale is seen”, 1 passage")
        expect(added.locator(".dl-result").nth(1)).to_contain_text("Refused empty.txt is empty; remove it or fill it")
        expect(writing).to_have_value("Half a sentence")
        expect(page.locator(".dl-welcome")).to_contain_text("Ask the articles")
        expect(page.locator(".dl-edition")).to_contain_text("1 article")
        ask(page, WHALE)
        expect(page.locator(".dl-answer")).to_contain_text("40 passengers")
        page.get_by_role("tab", name="Library").click()
        expect(page.locator(".dl-entry-title")).to_have_text("A whale is seen")


def test_files_dropped_on_the_conversation_are_added(empty: Any) -> None:
    with empty() as page:
        data = page.evaluate_handle(
            """(text) => { const data = new DataTransfer();
            data.items.add(new File([text], "dropped.txt", { type: "text/plain" })); return data; }""",
            NEW,
        )
        for event in ("dragenter", "dragover"):
            page.locator(".dl-welcome").dispatch_event(event, {"dataTransfer": data})
        expect(page.locator("#dl-drop-chat")).to_be_visible()
        page.locator(".dl-welcome").dispatch_event("drop", {"dataTransfer": data})
        expect(page.locator("#dl-add .dl-result")).to_contain_text("Added dropped.txt", timeout=LONG)


@pytest.mark.parametrize("width", [1280, 390])
def test_text_is_pasted(empty: Any, width: int) -> None:
    with empty(width=width) as page:
        added = place(page)
        added.get_by_text("Paste a text").click()
        box = added.get_by_role("textbox", name="The first line is the title")
        box.fill(NEW.split("\n", 1)[0])
        for _ in range(2):
            box.press("End")
            box.press("Enter")  # a new line, not the end of the form
        box.press_sequentially("A humpback whale was seen by 40 passengers.")
        added.get_by_role("button", name="Add this text").click()
        said = "Added pasted: A whale is seen.txt “A whale is seen”"
        expect(added.locator(".dl-result")).to_contain_text(said, timeout=LONG)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ask(page, WHALE)
        expect(page.locator(".dl-quote")).to_contain_text("40 passengers")


def test_address_behind_the_page_is_refused(empty: Any) -> None:
    with empty() as page:
        added = place(page)
        added.get_by_label("From the web").fill("http://127.0.0.1:1/secret")
        added.get_by_role("button", name="Add", exact=True).click()
        expect(added.locator(".dl-result")).to_contain_text("Refused http://127.0.0.1:1/secret", timeout=LONG)
        expect(page.locator(".dl-welcome")).to_contain_text("library is empty")


def test_library_that_is_read_only_offers_no_adding(open_page: OpenPage, tmp_path: Path) -> None:
    access = Access(read_only=True)
    with (
        make_engine(tmp_path, documents={}) as engine,
        serve(build(engine, access=access), access=access) as url,
        open_page(url) as page,
    ):
        expect(page.locator(".dl-welcome")).to_contain_text("library is empty")
        expect(page.get_by_text("Add articles")).to_have_count(0)
