"""The Library tab in a real headless Chromium, over a real engine with a fake embedding: `pytest -m browser`."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest
from fakes import WAIT, write_articles
from library_page import NEW, WHALE, add, ask, entries, to_library
from shelves import FERRY

from rag import Engine

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),  # Gradio's own statistics, under pandas 3
]
HOSTILE_TITLE = "<img src=x onerror=\"alert('title')\"> **bold** <script>alert('script')</script>"
HOSTILE_TEXT = (
    "<b id='injected'>needle</b> [link](javascript:alert(2)) ${alert(3)} {{value}} <style>*{display:none}</style> "
    f"<iframe src='javascript:alert(4)'></iframe> {'W' * 10_000}"
)
HOSTILE = f"{HOSTILE_TITLE}\n\n{HOSTILE_TEXT}\n"


def test_upload_ask_remove_ask_undo_ask(library: Any, tmp_path: Path) -> None:
    files = write_articles(tmp_path / "new", {"whale.txt": NEW})
    with library() as page:
        add(page, files / "whale.txt")
        expect(page.locator(".dl-result")).to_contain_text("Added whale.txt “A whale is seen”, 1 passage")
        expect(entries(page)).to_have_count(3)  # the other two may have been added in one second or in two
        expect(entries(page).first).to_have_text("A whale is seen")
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
        expect(lines.nth(0)).to_contain_text("Refused photo.jpg is a picture; add its text")
        expect(lines.nth(1)).to_contain_text("Refused empty.txt is empty; remove it or fill it")
        expect(lines.nth(2)).to_contain_text("Added whale.txt")
        expect(lines.nth(3)).to_contain_text("Unchanged again.txt")
        expect(page.locator("#dl-tab-library .dl-intake")).to_contain_text("1 added, 1 unchanged, 2 refused")
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
        expect(page.locator(".dl-coming")).to_have_text("Reading b.txt")
        expect(page.locator("#dl-tab-library .dl-status")).to_have_text("Reading file 2 of 2")
        expect(page.locator("#dl-drop").get_by_text("Drop File Here")).to_be_visible()  # more can be added meanwhile
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
        page.locator("#dl-tab-library .dl-library").get_by_role("button", name="Ask all again").click()
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
