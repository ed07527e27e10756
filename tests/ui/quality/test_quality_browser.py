"""The Quality tab in a real headless Chromium, over a fake engine: `pytest -m browser`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import FakeLLM, make_engine

from eval import report
from eval.datasets.dataset import DataSet, read
from rag import Engine
from ui import build, page, serve
from ui.quality.runner import Runner
from ui.quality.tab import QualityTab, quality_tab

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import OpenPage
    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),  # Gradio's own statistics, under pandas 3
]
LONG = 30_000  # milliseconds: a run loads the eval suite, and a report draws its plots


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """While it is closed the answer model stops in the middle of its answers."""
    gate = threading.Event()
    gate.set()
    yield gate
    gate.set()


@pytest.fixture
def url(tmp_path: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    def tab(engine: Engine) -> QualityTab:
        return quality_tab(engine, Runner(engine, data=lambda: DataSet("seeds", tuple(read()), None, "dev")))

    monkeypatch.setattr(page, "quality_tab", tab)
    with (
        make_engine(tmp_path, model=FakeLLM(default="Marcelo Ebrard", gate=gate), llm="openai:fake") as engine,
        serve(build(engine, examples=[])) as url,
    ):
        yield url


@pytest.fixture
def quality(open_page: OpenPage) -> Any:
    """Opens the page at the Quality tab."""

    @contextmanager
    def opened(**options: Any) -> Iterator[Page]:
        with open_page(**options) as page:
            page.get_by_role("tab", name="Quality").click()
            page.get_by_role("button", name="Run", exact=True).wait_for()
            yield page

    return opened


def start(page: Page, *systems: str, limit: int = 3) -> None:
    for name in ("Dateline", "Answered by quoting", "Naive"):
        page.get_by_role("checkbox", name=name).set_checked(name in systems)
    page.get_by_label("At most").fill(str(limit))
    page.get_by_role("button", name="Run", exact=True).click()


def run(page: Page, *systems: str, limit: int = 3) -> None:
    start(page, *systems, limit=limit)
    expect(page.locator(".dl-progress-now")).to_contain_text("Finished.", timeout=LONG)


def rows(page: Page) -> Any:
    return page.locator(".dl-kept tbody tr")


def test_run_report_compare_and_files(quality: Any) -> None:
    with quality() as page:
        expect(page.locator(".dl-kept")).to_contain_text("No run is kept yet.")
        run(page, "Dateline", "Answered by quoting")
        expect(rows(page)).to_have_count(2)
        expect(rows(page).filter(has_text="Answered by quoting")).to_contain_text("3 dev")
        page.get_by_role("button", name="Show report of Answered by quoting").click()
        frame = page.frame_locator("iframe[title='Report of the run']")
        expect(frame.locator("body")).to_contain_text("extractive", timeout=LONG)
        page.locator(".dl-report").get_by_role("button", name="Close").click()
        expect(page.locator("iframe")).to_be_hidden()
        expect(page.get_by_role("button", name="Show report of Answered by quoting")).to_be_focused()
        page.get_by_role("button", name="Compare").click()
        expect(page.locator(".dl-comparison")).to_contain_text("3 questions in both", timeout=LONG)
        expect(page.locator(".dl-comparison")).to_be_focused()
        for name, ending, begins in (("HTML report of", ".html", "<!"), ("JSON lines of", ".jsonl", '{"system":')):
            with page.expect_download() as download:
                page.get_by_role("button", name=name).first.click()
            assert download.value.suggested_filename.endswith(ending)
            assert download.value.path().read_text(encoding="utf-8").lstrip().startswith(begins)


def test_cancel_and_the_chat_meanwhile(quality: Any, gate: threading.Event) -> None:
    gate.clear()
    with quality() as page:
        start(page, "Dateline", limit=9)
        expect(page.locator(".dl-status").filter(has_text="Dateline: 0 of 9 questions")).to_be_visible(timeout=LONG)
        page.get_by_role("tab", name="Library").click()  # the page goes on
        expect(page.locator(".dl-entry")).to_have_count(5)
        page.get_by_role("tab", name="Quality").click()
        page.get_by_role("button", name="Cancel the run").click()
        expect(page.locator(".dl-run-now")).to_contain_text("Ending after the questions that are being asked")
        gate.set()
        expect(page.locator(".dl-progress-now")).to_contain_text("what was answered is kept", timeout=LONG)
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).not_to_contain_text("9 dev")


def test_another_reader_is_told_that_a_run_goes_on(quality: Any, gate: threading.Event) -> None:
    gate.clear()
    with quality() as one, quality() as two:
        start(one, "Dateline", limit=2)
        expect(one.locator(".dl-progress")).to_be_visible(timeout=LONG)
        start(two, "Answered by quoting")
        expect(two.locator(".dl-progress-now")).to_contain_text("one runs at a time; wait for its end, or cancel it")
        expect(two.locator(".dl-progress")).to_be_visible()
        gate.set()
        for page in (one, two):
            expect(page.locator(".dl-progress-now")).to_contain_text("Finished.", timeout=LONG)
            expect(rows(page)).to_have_count(1)


def test_a_report_runs_no_script_and_reaches_nothing(
    browser: Browser, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = (
        "<!doctype html><title>x</title><p>needle</p><script>parent.document.title = 'taken'; alert(1)</script>"
        "<img src='data:,' onerror='parent.document.title = `taken`'>"
    )
    monkeypatch.setattr(report, "html", lambda runs: hostile)
    # A page of its own, unwatched: Chromium tells the console that it blocked the script.
    page = browser.new_page()
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.goto(url)
    page.get_by_role("tab", name="Quality").click()
    run(page, "Answered by quoting", limit=1)
    page.get_by_role("button", name="Show report").click()
    expect(page.frame_locator("iframe").locator("p")).to_have_text("needle")
    assert (page.evaluate("document.title"), said) == ("Dateline", [])
    page.close()


def test_deleting_a_run_asks_twice(quality: Any) -> None:
    with quality() as page:
        run(page, "Answered by quoting", limit=1)
        delete = page.get_by_role("button", name="Delete")
        delete.click()
        expect(delete).to_have_text("Delete?")
        expect(rows(page)).to_have_count(1)
        page.get_by_label("At most").focus()
        expect(delete).to_have_text("Delete")  # thought better of
        delete.press("Enter")
        delete.press("Enter")
        expect(rows(page)).to_have_count(0)
        expect(page.locator(".dl-kept")).to_contain_text("No run is kept yet.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_overflows(quality: Any, scheme: str) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    with quality(scheme=scheme, width=390) as page:
        run(page, "Dateline", "Answered by quoting", limit=2)
        page.get_by_role("button", name="Compare").click()
        expect(page.locator(".dl-comparison")).to_be_visible(timeout=LONG)
        start(page)  # no system: the line that says what is wrong
        expect(page.locator(".dl-bad").filter(has_text="at least one system")).to_be_visible()
        found = axe.run(page)["violations"]
        bad = [
            (v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")
        ]
        assert bad == []
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_all_by_keyboard(quality: Any) -> None:
    with quality() as page:
        page.get_by_role("checkbox", name="Dateline").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")  # extractive
        for _ in range(3):
            page.keyboard.press("Tab")
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        expect(page.locator(".dl-progress-now")).to_contain_text("Finished.", timeout=LONG)
        expect(rows(page)).to_contain_text(["Answered by quoting"])
        page.keyboard.press("Tab")  # the button Run
        page.keyboard.press("Tab")  # Propose questions
        page.keyboard.press("Tab")  # Write one
        page.keyboard.press("Tab")  # the list, which scrolls sideways
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Show report")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".dl-report").get_by_role("button", name="Close")).to_be_focused(timeout=LONG)
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Show report")).to_be_focused()


def test_questions_about_the_library_are_made_one_by_one(quality: Any) -> None:
    with quality() as page:
        own = page.locator(".dl-own")
        expect(own).to_contain_text("No question is kept yet.")
        own.get_by_role("button", name="Propose questions").focus()
        page.keyboard.press("Enter")
        question = own.get_by_label("Question")
        expect(question).to_be_focused(timeout=LONG)  # the whole way by keyboard
        first, quote = question.input_value(), str(own.locator(".dl-quote").text_content())
        assert own.get_by_label("Answer").input_value() in quote
        own.locator(".dl-title").click()
        expect(page.locator(".dl-panel mark").first).to_be_visible()
        page.keyboard.press("Escape")
        own.get_by_role("button", name="Drop").click()
        expect(question).not_to_have_value(first, timeout=LONG)
        second = question.input_value()
        question.fill(f"{second} Really?")
        page.keyboard.press("Enter")
        expect(own.locator("summary")).to_have_text("1 question is kept")
        expect(question).to_be_focused(timeout=LONG)
        own.get_by_role("button", name="Done").click()
        own.get_by_role("button", name="Write one").click()
        expect(question).to_be_focused()
        question.fill("Who won the cup?")
        own.get_by_role("button", name="Keep").click()
        expect(own.locator("summary")).to_have_text("2 questions are kept")
        own.locator("summary").click()
        expect(own.locator(".dl-asked")).to_have_text(["Who won the cup?", f"{second} Really?"])
        page.get_by_role("radio", name="Your library").check()
        run(page, "Answered by quoting")
        expect(rows(page)).to_contain_text(["2 your library"])
        page.reload()
        page.get_by_role("tab", name="Quality").click()
        own.locator("summary").click()
        own.get_by_role("button", name="Delete Who won").click()
        page.keyboard.press("Enter")
        expect(own.locator("summary")).to_have_text("1 question is kept")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_in_the_card(quality: Any, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    with quality(scheme=scheme, width=width) as page:
        page.get_by_role("button", name="Propose questions").click()
        page.locator(".dl-own-card").wait_for(timeout=LONG)
        found = axe.run(page)["violations"]
        assert [
            (v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")
        ] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
