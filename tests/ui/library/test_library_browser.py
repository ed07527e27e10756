"""The Library tab in a real headless Chromium, over a real engine with a fake embedding: `pytest -m browser`."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import WAIT, FakeEmbedding, make_engine, write_articles

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
FERRY = "A ferry returns\n\nThe ferry Maria came back into service on Monday after nine weeks of repairs in Eidsund.\n"
BRIDGE = "The bridge reopens\n\nPublished: 2024-03-05\n\nThe swing bridge of Harborough opens again, the mayor said.\n"
NEW = "A whale is seen\n\nA humpback whale was seen off Eidsund by 40 passengers of the ferry on Sunday evening.\n"
WHALE = "How many passengers saw the humpback whale?"
HOSTILE_TITLE = "<img src=x onerror=\"alert('title')\"> **bold** <script>alert('script')</script>"
HOSTILE_TEXT = (
    "<b id='injected'>needle</b> [link](javascript:alert(2)) ${alert(3)} {{value}} <style>*{display:none}</style> "
    f"<iframe src='javascript:alert(4)'></iframe> {'W' * 10_000}"
)
HOSTILE = f"{HOSTILE_TITLE}\n\n{HOSTILE_TEXT}\n"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents={"ferry.txt": FERRY, "sub/bridge.txt": BRIDGE}) as engine:
        yield engine


@pytest.fixture
def url(engine: Engine) -> Iterator[str]:
    with serve(build(engine)) as url:
        yield url


@pytest.fixture
def library(open_page: OpenPage) -> Any:
    """Opens the page at the Library tab."""

    @contextmanager
    def opened(**options: Any) -> Iterator[Page]:
        with open_page(**options) as page:
            to_library(page)
            yield page

    return opened


def to_library(page: Page) -> None:
    page.get_by_role("tab", name="Library").click()
    page.locator(".dl-shelf :is(.dl-count, .dl-welcome)").wait_for()


def add(page: Page, *files: Path) -> None:
    page.locator("#dl-drop input[type=file]").set_input_files(list(files))
    expect(page.locator(".dl-result")).to_have_count(len(files))
    expect(page.locator(".dl-progress")).to_have_count(0)


def ask(page: Page, question: str) -> None:
    page.get_by_role("tab", name="Chat").click()
    before = page.locator(".dl-turn").count()
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    expect(page.locator(".dl-turn")).to_have_count(before + 1)
    expect(page.locator(".dl-turn.dl-pending")).to_have_count(0)


def entries(page: Page) -> Any:
    return page.locator(".dl-entry-title")


def test_upload_ask_remove_ask_undo_ask(library: Any, tmp_path: Path) -> None:
    files = write_articles(tmp_path / "new", {"whale.txt": NEW})
    with library() as page:
        add(page, files / "whale.txt")
        expect(page.locator(".dl-result")).to_contain_text("Added whale.txt “A whale is seen”, 1 passage")
        expect(entries(page)).to_have_text(["A whale is seen", "A ferry returns", "The bridge reopens"])
        ask(page, WHALE)
        expect(page.locator(".dl-turn").last).to_contain_text("40 passengers")
        to_library(page)
        page.get_by_role("button", name="Remove A whale is seen").click()
        expect(page.locator(".dl-told")).to_contain_text("Removed “A whale is seen”.")
        expect(entries(page)).to_have_count(2)
        ask(page, WHALE)
        expect(page.locator(".dl-turn").last.locator(".dl-abstained")).to_be_visible()
        to_library(page)
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".dl-told")).to_contain_text("Put back “A whale is seen”.")
        expect(entries(page)).to_have_count(3)
        ask(page, WHALE)
        expect(page.locator(".dl-turn").last).to_contain_text("40 passengers")


def test_every_file_has_a_line_and_the_page_stays_usable(library: Any, tmp_path: Path) -> None:
    files = write_articles(tmp_path / "new", {"whale.txt": NEW, "empty.txt": "", "again.txt": FERRY})
    (files / "photo.jpg").write_bytes(b"\xff\xd8\xff\x00")
    with library() as page:
        add(page, *(files / name for name in ("photo.jpg", "empty.txt", "whale.txt", "again.txt")))
        lines = page.locator(".dl-result")
        expect(lines.nth(0)).to_contain_text("Failed photo.jpg is a picture; add its text")
        expect(lines.nth(1)).to_contain_text("Failed empty.txt is empty; remove it or fill it")
        expect(lines.nth(2)).to_contain_text("Added whale.txt")
        expect(lines.nth(3)).to_contain_text("Unchanged again.txt")
        expect(page.locator(".dl-intake")).to_contain_text("1 added, 1 unchanged, 2 failed")
        add(page, files / "empty.txt")  # the drop zone is ready again
        expect(entries(page)).to_have_count(3)


def test_progress_is_shown_file_by_file(library: Any, engine: Engine, tmp_path: Path) -> None:
    gate, second = threading.Event(), threading.Event()
    files = write_articles(tmp_path / "new", {"a.txt": NEW, "b.txt": NEW.replace("40", "41")})
    add_one = engine.add

    def gated(source: str, *rest: Any, **options: Any) -> Any:
        if source == "b.txt":
            second.set()
            assert gate.wait(WAIT)
        return add_one(source, *rest, **options)

    engine.add = gated  # type: ignore[method-assign]
    with library() as page:
        page.locator("#dl-drop input[type=file]").set_input_files([files / "a.txt", files / "b.txt"])
        assert second.wait(WAIT)
        expect(page.locator(".dl-progress")).to_have_attribute("value", "1")
        expect(page.locator(".dl-progress")).to_have_attribute("max", "2")
        expect(page.locator(".dl-result")).to_have_count(1)
        page.get_by_label("Search the library").fill("bridge")  # the list stays usable
        expect(entries(page)).to_have_text(["The bridge reopens"])
        gate.set()
        expect(page.locator(".dl-result")).to_have_count(2)
        expect(page.locator(".dl-progress")).to_have_count(0)
        expect(entries(page)).to_have_text(["The bridge reopens"])  # what was searched for meanwhile


def test_drag_and_drop(library: Any) -> None:
    with library() as page:
        data = page.evaluate_handle(
            """(text) => { const data = new DataTransfer();
            data.items.add(new File([text], "dropped.txt", { type: "text/plain" })); return data; }""",
            NEW,
        )
        page.locator("#dl-drop button").first.dispatch_event("drop", {"dataTransfer": data})
        expect(page.locator(".dl-result")).to_contain_text("Added dropped.txt")


def test_search_order_and_read(library: Any) -> None:
    with library() as page:
        search = page.get_by_label("Search the library")
        search.fill("REOPENS mayor")
        expect(entries(page)).to_have_text(["The bridge reopens"])
        expect(page.locator(".dl-snippet mark")).to_have_text("mayor")
        expect(page.locator(".dl-file").first).to_contain_text("sub/bridge.txt · published 5 Mar 2024 · 1 passage")
        search.fill("no such words")
        expect(page.locator(".dl-none")).to_contain_text("No article holds “no such words”.")
        search.fill("")
        expect(entries(page)).to_have_count(2)
        page.get_by_label("Order").select_option("Title")
        expect(entries(page)).to_have_text(["A ferry returns", "The bridge reopens"])
        entries(page).first.click()
        expect(page.locator(".dl-panel .dl-headline")).to_have_text("A ferry returns")
        expect(page.locator(".dl-panel .dl-text")).to_contain_text("nine weeks of repairs")


def test_ask_only_these_then_all_again(library: Any) -> None:
    with library() as page:
        page.get_by_label("Choose A ferry returns").check()
        expect(page.locator(".dl-picked")).to_contain_text("1 article chosen")
        page.get_by_role("button", name="Ask only these").click()
        expect(page.locator(".dl-only")).to_contain_text("The chat looks only in “A ferry returns”.")
        expect(page.locator(".dl-picked")).to_be_hidden()
        ask(page, "What opens again in Harborough?")
        expect(page.locator(".dl-turn").last.locator(".dl-abstained")).to_be_visible()
        to_library(page)
        page.locator(".dl-library").get_by_role("button", name="Ask all again").click()
        expect(page.locator(".dl-told")).to_contain_text("The chat looks in all articles again.")
        ask(page, "What opens again in Harborough?")
        expect(page.locator(".dl-turn").last).to_contain_text("swing bridge")


def test_two_readers_share_the_library_and_nothing_else(library: Any) -> None:
    with library() as one, library() as two:
        one.get_by_label("Choose A ferry returns").check()
        one.get_by_role("button", name="Ask only these").click()
        expect(one.locator(".dl-only")).to_be_visible()
        one.get_by_label("Search the library").fill("ferry")
        entries(two).filter(has_text="The bridge reopens").click()
        expect(two.locator(".dl-panel")).to_be_visible()
        expect(entries(one)).to_have_text(["A ferry returns"])
        expect(entries(two)).to_have_count(2)
        expect(two.locator(".dl-only, .dl-badge")).to_have_count(0)
        expect(two.locator(".dl-picked")).to_be_hidden()
        expect(one.locator(".dl-panel")).to_be_hidden()
        ask(two, "What opens again in Harborough?")
        expect(two.locator(".dl-turn").last).to_contain_text("swing bridge")


def test_an_article_that_another_reader_removes_does_no_harm(library: Any) -> None:
    with library() as one, library() as two:
        entries(one).filter(has_text="A ferry returns").click()
        expect(one.locator(".dl-panel .dl-text")).to_contain_text("Eidsund")
        two.get_by_role("button", name="Remove A ferry returns").click()
        expect(entries(two)).to_have_count(1)
        expect(one.locator(".dl-panel .dl-text")).to_contain_text("Eidsund")  # it stays open
        one.locator(".dl-panel").get_by_role("button", name="Close").click()
        one.get_by_role("button", name="Remove A ferry returns").click()
        expect(one.locator(".dl-told")).to_contain_text("That article was removed already.")
        expect(entries(one)).to_have_count(1)


def test_hostile_article_is_text(library: Any, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)> **b** {{value}} ${alert(5)}.txt"
    files = write_articles(tmp_path / "new", {name: HOSTILE})
    with library(width=390) as page:
        add(page, files / name)
        expect(page.locator(".dl-result")).to_contain_text("img src=x onerror=alert(1)")
        expect(entries(page).first).to_have_text(HOSTILE_TITLE)
        page.get_by_label("Search the library").fill("needle")
        expect(page.locator(".dl-snippet")).to_contain_text("<b id='injected'>needle</b> [link](javascript:alert(2))")
        page.get_by_label("Search the library").fill("<b>none</b>{{value}}${alert(6)}")
        expect(page.locator(".dl-none")).to_contain_text("<b>none</b>{{value}}${alert(6)}")
        page.get_by_label("Search the library").fill("needle")
        expect(entries(page)).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        entries(page).click()
        expect(page.locator(".dl-panel .dl-headline")).to_have_text(HOSTILE_TITLE)
        expect(page.locator(".dl-panel .dl-text")).to_contain_text(
            "${alert(3)} {{value}} <style>*{display:none}</style>"
        )
        page.locator(".dl-panel").get_by_role("button", name="Close").click()
        page.get_by_label(re.compile("^Choose <img")).check()
        page.get_by_role("button", name="Ask only these").click()
        expect(page.locator(".dl-only")).to_contain_text(HOSTILE_TITLE)
        page.get_by_role("button", name=re.compile("^Remove <img")).click()
        expect(page.locator(".dl-told")).to_contain_text(HOSTILE_TITLE)
        strange = page.locator(
            ".dl-library :is(img, script, iframe, style, a), #injected, .dl-panel :is(img, script, b)"
        )
        expect(strange).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") == 390


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
        expect(page.locator(".dl-library")).to_contain_text("The library is empty.")
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
