"""The Library tab in a browser: by keyboard, for assistive technology, page by page, empty, and from the web."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import FakeEmbedding, make_engine, write_articles
from library_page import NEW, WHALE, add, ask, entries, to_library

from rag import Engine
from ui import build, serve

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import OpenPage
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),  # Gradio's own statistics, under pandas 3
]


def press_for_files(page: Page) -> Any:
    """Press Enter on the upload button until it asks for files: it listens a moment later than it is there."""
    for _ in range(5):
        try:
            with page.expect_file_chooser(timeout=4000) as chooser:
                page.locator("#dl-drop button").first.press("Enter")
            return chooser.value
        except PlaywrightTimeoutError:
            continue
    raise AssertionError("Enter on the upload button asks for no file")


def test_all_by_keyboard(library: Any, tmp_path: Path) -> None:
    files = write_articles(tmp_path / "new", {"whale.txt": NEW})
    with library() as page:
        expect(entries(page)).to_have_count(2)  # until then the page may still be drawn anew, and focus is lost
        press_for_files(page).set_files(files / "whale.txt")
        expect(page.locator(".dl-result")).to_contain_text("Added whale.txt")
        expect(entries(page)).to_have_count(3)
        page.get_by_label("Search the library").focus()
        page.keyboard.type("whale")
        expect(entries(page)).to_have_count(1)
        expect(page.get_by_label("Search the library")).to_be_focused()
        page.keyboard.press("Tab")  # the order
        page.keyboard.press("Tab")
        expect(page.get_by_label("Choose A whale is seen")).to_be_focused()
        page.keyboard.press("Space")
        expect(page.locator(".dl-picked")).to_be_visible()
        page.keyboard.press("Tab")
        expect(entries(page)).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".dl-panel .dl-article")).to_be_focused()
        page.keyboard.press("Escape")
        expect(entries(page)).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Remove A whale is seen")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".dl-told").get_by_role("button", name="Undo")).to_be_focused()
        page.keyboard.press("Enter")
        expect(entries(page)).to_have_count(1)
        expect(page.get_by_label("Search the library")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(library: Any, tmp_path: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    files = write_articles(tmp_path / "new", {"whale.txt": NEW, "empty.txt": ""})
    with library(scheme=scheme) as page:
        add(page, files / "whale.txt", files / "empty.txt")
        page.get_by_label("Choose A ferry returns").check()
        page.get_by_role("button", name="Ask only these").click()
        expect(page.locator(".dl-only")).to_be_visible()
        page.get_by_label("Choose The bridge reopens").check()
        page.get_by_role("button", name="Remove A whale is seen").click()
        expect(page.locator(".dl-undo")).to_be_visible()
        found = axe.run(page)["violations"]
        bad = [
            (v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")
        ]
        assert bad == []


def test_many_articles_are_paged(open_page: OpenPage, tmp_path: Path) -> None:
    embedding = FakeEmbedding()
    documents = {f"n{n:03}.txt": f"Headline {n:03}\n\nThe council met for the {n}th time today.\n" for n in range(60)}
    with (
        make_engine(tmp_path / "many", documents=documents, embedding=embedding) as many,
        serve(build(many)) as url,
        open_page(url) as page,
    ):
        to_library(page)
        page.get_by_label("Order").select_option("Title")
        expect(entries(page).first).to_have_text("Headline 000")
        expect(entries(page)).to_have_count(25)
        page.get_by_label("Choose Headline 001").check()
        page.get_by_role("button", name="Next page").click()
        expect(entries(page).first).to_have_text("Headline 025")
        page.get_by_label("Choose Headline 026").check()
        page.get_by_role("button", name="Last page").click()
        expect(entries(page)).to_have_count(10)
        expect(page.locator(".dl-pager")).to_contain_text("Page 3 of 3")
        expect(page.locator(".dl-picked")).to_contain_text("2 articles chosen")
        page.get_by_label("This page").check()
        expect(page.locator(".dl-picked")).to_contain_text("12 articles chosen")
        page.locator(".dl-picked").get_by_role("button", name="Remove").click()
        expect(page.locator(".dl-told")).to_contain_text("Removed 12 articles: ")
        expect(page.locator(".dl-count")).to_have_text("48 articles")
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".dl-count")).to_have_text("60 articles")


def test_empty_library_is_filled_from_the_page(open_page: OpenPage, tmp_path: Path) -> None:
    files = write_articles(tmp_path / "new", {"whale.txt": NEW})
    with (
        make_engine(tmp_path / "none", documents={}) as none,
        serve(build(none)) as url,
        open_page(url) as page,
    ):
        to_library(page)
        expect(page.locator("#dl-tab-library .dl-library")).to_contain_text("The library is empty.")
        add(page, files / "whale.txt")
        expect(entries(page)).to_have_text(["A whale is seen"])
        ask(page, WHALE)
        expect(page.locator(".dl-turn").last).to_contain_text("40 passengers")


class Paper(BaseHTTPRequestHandler):
    """A site with one article."""

    def do_GET(self) -> None:
        body = (f"<article><h1>A whale is seen</h1>{f'<p>{NEW}</p>' * 3}</article>").encode()
        self.send_response(200 if self.path == "/whale" else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def paper() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Paper) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def add_from(page: Page, address: str) -> None:
    page.get_by_label("From the web").fill(address)
    page.get_by_label("From the web").press("Enter")
    expect(page.locator(".dl-result")).to_contain_text(address)


def test_add_by_address(library: Any, paper: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "rag.network.connect._is_public", lambda address: True
    )  # the site stands for one on the internet
    with library() as page:
        add_from(page, f"{paper}/whale")
        expect(page.locator(".dl-result")).to_contain_text("Added")
        expect(page.locator(".dl-result")).to_contain_text("“A whale is seen”")
        expect(entries(page).first).to_have_text("A whale is seen")
        expect(page.get_by_label("From the web")).to_have_value("")
        add_from(page, f"{paper}/gone")
        expect(page.locator(".dl-result")).to_contain_text("does not exist (404); check the address")


def test_an_address_behind_the_page_is_refused(library: Any, paper: str) -> None:
    with library() as page:
        add_from(page, f"{paper}/whale")
        expect(page.locator(".dl-result")).to_contain_text("is not on the public internet")
        expect(entries(page)).to_have_count(2)
