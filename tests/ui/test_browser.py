"""The page in a real headless Chromium, over the fake engine: `pytest -m browser`, skipped where there is none."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit

import pytest
from fake_engine import (
    AID,
    AID_QUOTE,
    AUSTRALIA,
    CALL,
    FAILS,
    HOSTILE,
    HOSTILE_TITLE,
    MINISTER,
    SLOW,
    FakeChat,
    FakeEngine,
)

from ui import build, serve
from ui.page import WarmUp

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, Request, expect  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]
OpenPage = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def engine() -> FakeEngine:
    return FakeEngine(pace=0.03, hostile=True)


@pytest.fixture(scope="module")
def url(engine: FakeEngine) -> Iterator[str]:
    with serve(build(engine, chat=FakeChat)) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, "--disable-component-update"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, url: str) -> OpenPage:
    @contextmanager
    def opened(address: str = url, *, width: int = 1280, height: int = 900, scheme: str = "light") -> Iterator[Page]:
        """Open the chat; on leaving, nothing may have failed and no other host may have been asked."""
        bad: list[str] = []
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        page = context.new_page()
        page.set_default_timeout(10_000)
        host = urlsplit(address).netloc
        page.on("request", lambda r: urlsplit(r.url).netloc == host or bad.append(f"other host: {r.url}"))
        page.on("requestfailed", lambda r: is_closed_stream(r) or bad.append(f"failed: {r.url} {r.failure}"))
        page.on("response", lambda r: r.status < 400 or bad.append(f"{r.status}: {r.url}"))
        page.on("pageerror", lambda e: bad.append(f"script error: {e}"))
        page.on("console", lambda m: m.type == "error" and bad.append(f"console: {m.text}"))
        page.on("dialog", lambda d: (bad.append(f"dialog: {d.message}"), d.dismiss()))
        page.goto(address)
        page.locator(".dl-welcome").wait_for()
        try:
            yield page
            assert bad == []
        finally:
            context.close()

    return opened


def is_closed_stream(request: Request) -> bool:
    """Return whether this is Gradio's own client hanging up an event stream that has told it everything."""
    return "/gradio_api/queue/data" in request.url and request.failure == "net::ERR_ABORTED"


def ask(page: Page, question: str) -> None:
    """Type the question, press Enter, and wait for the checked answer."""
    before = page.locator(".dl-turn").count()
    box = page.get_by_label("Your question")
    box.fill(question)
    box.press("Enter")
    expect(page.locator(".dl-turn")).to_have_count(before + 1)
    expect(page.locator(".dl-turn.dl-pending")).to_have_count(0)


def test_ask_stream_and_click_the_marker(open_page: OpenPage) -> None:
    with open_page(height=420) as page:
        box = page.get_by_label("Your question")
        box.fill(AID)
        box.press("Enter")
        expect(box).to_have_value("")
        expect(page.locator(".dl-draft")).to_be_visible()
        expect(page.locator(".dl-status")).to_contain_text("checking")
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        expect(page.locator(".dl-draft")).to_have_count(0)
        expect(page.locator(".dl-answer")).to_have_text("US $310 million [1]")
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        page.evaluate("scrollTo(0, 0)")
        mark = page.locator("#t1-s1 mark")
        expect(mark).not_to_be_in_viewport(ratio=1)
        page.get_by_role("button", name=re.compile("^Source 1: “Harris")).click()
        expect(mark).to_be_in_viewport(ratio=1)
        assert mark.text_content() == AID_QUOTE
        expect(page.locator("#t1-s1")).to_be_focused()
        box_top = page.locator("#dl-composer").bounding_box()
        shown = mark.bounding_box()
        assert box_top and shown and shown["y"] + shown["height"] <= box_top["y"]  # not behind the question box


def test_markers_of_a_later_answer_lead_to_its_own_sources(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        ask(page, MINISTER)
        page.locator(".dl-turn").nth(1).get_by_role("button", name=re.compile("^Source 1")).click()
        expect(page.locator("#t2-s1")).to_be_focused()
        expect(page.locator("#t2-s1 mark")).to_contain_text("Marcelo Ebrard")


def test_follow_up_shows_what_it_became(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, MINISTER)
        ask(page, CALL)
        last = page.locator(".dl-turn").last
        expect(last.locator(".dl-question")).to_have_text(CALL)
        expect(last.locator(".dl-understood")).to_contain_text("How did Marcelo Ebrard describe the call?")
        expect(last.locator("mark")).to_contain_text("cordial")


def test_abstention_shows_no_citation(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AUSTRALIA)
        expect(page.locator(".dl-abstained")).to_contain_text("The articles do not say.")
        expect(page.get_by_role("heading", name="Related passages")).to_be_visible()
        expect(page.locator(".dl-marker, .dl-source, #dl-thread mark")).to_have_count(0)


def test_hostile_article_is_text(open_page: OpenPage) -> None:
    with open_page(width=390) as page:
        ask(page, HOSTILE)
        ask(page, "<img src=x onerror=alert(4)>")
        expect(page.locator("#t1-s1 .dl-title")).to_have_text(HOSTILE_TITLE)
        expect(page.locator("#t1-s1 mark")).to_contain_text("${alert(3)} {{value}} <b id='injected'>")
        expect(page.locator("#injected, #dl-thread :is(img, script, a, b, strong)")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_error_is_a_line_and_can_be_asked_again(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, FAILS)
        expect(page.get_by_role("alert")).to_contain_text("the model <b>went away</b>; start it again")
        page.get_by_role("button", name="Ask again").click()
        expect(page.get_by_role("alert")).to_have_count(2)
        ask(page, AID)
        expect(page.locator("#t3-s1 mark")).to_have_text(AID_QUOTE)


def test_stop_ends_the_stream(open_page: OpenPage, engine: FakeEngine) -> None:
    with open_page() as page:
        opened = engine.opened
        page.get_by_label("Your question").fill(SLOW)
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".dl-draft")).to_contain_text("word")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("alert")).to_contain_text("Stopped")
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        assert engine.opened == engine.closed == opened + 1
        ask(page, AID)


def test_closing_the_tab_ends_the_stream(open_page: OpenPage, engine: FakeEngine) -> None:
    with open_page() as page:
        page.get_by_label("Your question").fill(SLOW)
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".dl-draft")).to_contain_text("word")
    end = time.monotonic() + 8
    while engine.closed < engine.opened and time.monotonic() < end:
        time.sleep(0.05)
    assert engine.closed == engine.opened


def test_example_and_new_chat(open_page: OpenPage) -> None:
    with open_page() as page:
        expect(page.locator(".dl-example")).to_have_count(4)
        page.get_by_role("button", name=AID).click()
        expect(page.locator(".dl-turn mark")).to_have_text(AID_QUOTE)
        page.get_by_role("button", name="New chat").click()
        expect(page.locator(".dl-welcome")).to_be_visible()
        expect(page.locator(".dl-turn")).to_have_count(0)
        ask(page, CALL)  # nothing is remembered
        expect(page.locator(".dl-understood")).to_have_count(0)


def test_two_readers_at_once(open_page: OpenPage) -> None:
    with open_page() as one, open_page() as two:
        one.get_by_label("Your question").fill(SLOW)
        one.get_by_role("button", name="Send").click()
        expect(one.locator(".dl-draft")).to_be_visible()
        ask(two, MINISTER)  # is answered while the other is still being written
        expect(two.locator(".dl-turn")).to_have_count(1)
        expect(one.locator(".dl-turn")).to_have_count(1)
        expect(one.locator(".dl-draft")).to_be_visible()
        expect(one.get_by_text("Marcelo Ebrard")).to_have_count(0)
        one.get_by_role("button", name="Stop").click()
        expect(one.get_by_role("alert")).to_be_visible()


def test_all_by_keyboard(open_page: OpenPage) -> None:
    with open_page() as page:
        expect(page.get_by_label("Your question")).to_be_focused()
        page.keyboard.type("two\nlines".replace("\n", " "))
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(MINISTER)
        page.keyboard.press("Enter")
        expect(page.locator(".dl-source")).to_have_count(2)
        expect(page.get_by_label("Your question")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        expect(page.locator(".dl-marker").first).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#t1-s1")).to_be_focused()
        expect(page.locator("#t1-s1 mark")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_enough(open_page: OpenPage, scheme: str) -> None:
    with open_page(scheme=scheme) as page:
        low = page.evaluate(CONTRAST)
        ask(page, MINISTER)
        low += page.evaluate(CONTRAST)
        ask(page, AUSTRALIA)
        ask(page, FAILS)
        low += page.evaluate(CONTRAST)
        assert low == []
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 22, 20)"
        assert dark == (scheme == "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_page_does_not_scroll_sideways(open_page: OpenPage, scheme: str) -> None:
    with open_page(width=390, height=844, scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        ask(page, MINISTER)
        ask(page, AUSTRALIA)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)


def test_page_says_that_models_load(open_page: OpenPage) -> None:
    gate = threading.Event()

    class Loading(FakeEngine):
        def warm_up(self) -> None:
            gate.wait(20)

    engine = Loading()
    warm_up = WarmUp(engine)
    with serve(build(engine, warm_up=warm_up, chat=FakeChat)) as address:
        warm_up.start()
        with open_page(address) as page:
            expect(page.locator(".dl-loading")).to_contain_text("Loading the models")
            gate.set()
            expect(page.locator(".dl-loading")).to_have_count(0)


# Every text on the page against what is painted behind it: WCAG AA asks for 4.5, and 3 for large text.
CONTRAST = """() => {
  const numbers = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = numbers(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
  const low = [];
  for (const e of document.querySelectorAll("#dl-top *, #dl-thread *, #dl-composer *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.placeholder;
    if (!own || !e.checkVisibility() || e.closest(".sr-only")) continue;
    const style = getComputedStyle(e, e.placeholder ? "::placeholder" : null);
    const [a, b] = [light(numbers(style.color)), light(behind(e))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < least) low.push(`${e.className || e.tagName}: ${ratio.toFixed(2)}`);
  }
  return low;
}"""
