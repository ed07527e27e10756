"""The whole page in a real headless Chromium: accessible, by keyboard alone, narrow, and with the network cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from samples import AID, AID_QUOTE, AUSTRALIA, FAILS, MINISTER, sample_chat, sample_engine
from served import MARKS, ask

from ui import build, serve

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import OpenPage
    from playwright.sync_api import BrowserContext, Page

pytestmark = MARKS
TABS = ("Chat", "Check", "Library", "Quality", "Settings")
OUTERMOST = {  # what ends at the right edge of each tab
    "Check": ["#dl-check-text textarea"],
    "Library": ["#dl-drop", "#dl-tab-library .dl-search input"],
    "Quality": [".dl-run"],
    "Settings": ["#dl-settings", "#dl-settings .dl-part:first-child > .column"],
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with (
        sample_engine(tmp_path_factory.mktemp("page"), hostile=True) as engine,
        serve(build(engine, chat=sample_chat)) as url,
    ):
        yield url


def violations(page: Page) -> list[Any]:
    """Return what axe-core finds wrong: the rule, and the first elements that break it."""
    axe = pytest.importorskip("axe_core_python.sync_playwright")
    found = axe.Axe().run(page)["violations"]
    return [(v["id"], v["help"], [node["html"][:200] for node in v["nodes"][:3]]) for v in found]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violation_on_any_tab(open_page: OpenPage, scheme: str, width: int) -> None:
    with open_page(scheme=scheme, width=width) as page:
        for tab in TABS:
            page.get_by_role("tab", name=tab).click()
            expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
            if tab == "Settings":
                page.get_by_label("Another model").check()
                expect(page.locator("#dl-key")).to_be_visible()
            assert violations(page) == [], tab
            assert page.evaluate("document.documentElement.scrollWidth") <= width, tab


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_no_violation_in_a_conversation(open_page: OpenPage, scheme: str, width: int) -> None:
    with open_page(scheme=scheme, width=width) as page:
        for question in (AID, AUSTRALIA, FAILS):
            ask(page, question)
        page.get_by_role("button", name="Bad answer").first.click()
        expect(page.locator(".dl-note")).to_be_visible()
        page.locator(".dl-edit summary").first.click()
        expect(page.get_by_role("textbox", name="Edit the question")).to_be_visible()
        if width == 390:
            page.get_by_role("button", name="Conversations").click()
        page.locator(".dl-more > summary").click()
        expect(page.get_by_role("button", name="Rename")).to_be_visible()
        page.locator(".dl-marker").first.focus()
        expect(page.get_by_role("tooltip")).to_be_visible()
        assert violations(page) == []
        page.locator(".dl-source .dl-title").first.click()
        expect(page.locator(".dl-panel mark")).to_be_visible()
        assert violations(page) == []


def tab_to(page: Page, target: Any, key: str = "Tab", most: int = 40) -> None:
    """Press `key` until the target has the focus."""
    for _ in range(most):
        if target.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press(key)
    pytest.fail(f"{target} is not reached by {key}")


def test_all_by_keyboard(open_page: OpenPage) -> None:
    with open_page() as page:
        box = page.get_by_label("Your question")
        expect(box).to_be_focused()
        page.keyboard.type(MINISTER)
        page.keyboard.press("Enter")
        expect(page.locator(".dl-answer")).to_contain_text("Marcelo Ebrard")
        expect(box).to_be_focused()
        marker = page.locator(".dl-marker").first
        tab_to(page, marker, "Shift+Tab")
        expect(page.get_by_role("tooltip")).to_be_visible()
        assert marker.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        expect(page.locator(".dl-panel mark")).to_be_focused()
        tab_to(page, page.get_by_role("button", name="Close"), "Shift+Tab")
        page.keyboard.press("Enter")
        expect(marker).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".dl-panel mark")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator(".dl-panel")).to_be_hidden()
        expect(marker).to_be_focused()
        tab_to(page, page.get_by_role("button", name="Good answer"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
        expect(page.get_by_role("button", name="Good answer")).to_be_focused()
        tab_to(page, page.locator(".dl-edit summary"), "Shift+Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("textbox", name="Edit the question")).to_be_focused()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(AID)
        page.keyboard.press("Enter")
        expect(page.locator(".dl-question")).to_have_text([AID])
        expect(page.locator(".dl-pending")).to_have_count(0)
        page.locator("body").press("Home")
        tab_to(page, page.get_by_role("button", name="New conversation"), "Shift+Tab")
        page.keyboard.press("Enter")
        expect(page.locator(".dl-welcome")).to_be_visible()
        tab_to(page, page.locator(".dl-open").first)
        page.keyboard.press("Enter")
        expect(page.locator(".dl-question")).to_have_text([AID])
        tab_to(page, page.get_by_role("tab", name="Settings"), "Shift+Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Built-in model", exact=False).first).to_be_visible()


FOCUSED = """() => {
    const at = document.activeElement, ring = getComputedStyle(at), box = at.getBoundingClientRect();
    const seen = ring.outlineStyle === "solid" && parseFloat(ring.outlineWidth) >= 2 && box.width > 0;
    return [at === document.body, seen, at.outerHTML.slice(0, 120)];
}"""


def test_tab_goes_down_the_page_and_is_seen_everywhere(open_page: OpenPage) -> None:
    """From the head of the page to the last source and back to the box, each stop with a ring around it."""
    with open_page() as page:
        ask(page, MINISTER)
        page.get_by_role("tab", name="Chat").focus()
        told = []
        for _ in range(40):
            page.keyboard.press("Tab")
            nowhere, seen, element = page.evaluate(FOCUSED)
            if nowhere:
                break
            assert seen, element
            told.append(element)
        names = [
            "New conversation",
            "Search the conv",
            "dl-open",
            "<summary title",
            "dl-marker",
            "dl-title",
            "data-copy",
        ]
        names += ["retry", 'vote="up"', 'vote="down"', "Filter by", "Add articles", "<textarea"]
        stops = [next((n for n, element in enumerate(told) if name in element), -1) for name in names]
        assert stops == sorted(stops) and stops[0] >= 0, list(zip(names, stops, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_page(open_page: OpenPage, scheme: str) -> None:
    with open_page(width=390, height=844, scheme=scheme) as page:
        ask(page, MINISTER)
        ask(page, AUSTRALIA)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
        expect(page.locator(".dl-open")).to_be_hidden()
        page.get_by_role("button", name="Conversations").click()
        expect(page.locator(".dl-open")).to_be_visible()
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator(".dl-welcome")).to_be_visible()
        page.get_by_role("button", name="Conversations").click()
        page.locator(".dl-open").click()
        page.locator(".dl-marker").first.click()
        expect(page.locator(".dl-panel mark")).to_be_in_viewport(ratio=1)
        box = page.locator(".dl-panel").bounding_box()
        assert box and (box["x"], box["width"]) == (0, 390)


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_clicked_is_large_enough_and_in_one_column(open_page: OpenPage, width: int) -> None:
    hit = "([x, y]) => document.elementFromPoint(x, y)?.closest('.dl-marker') !== null"
    right = "e => Math.round(e.getBoundingClientRect().right)"
    with open_page(width=width) as page:
        ask(page, MINISTER)
        page.locator(".dl-marker").first.scroll_into_view_if_needed()
        box = page.locator(".dl-marker").first.bounding_box()
        assert box
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for x, y in ((-12, 0), (12, 0), (0, -12), (0, 12)):
            assert page.evaluate(hit, [middle[0] + x, middle[1] + y]), (x, y)
        looks = page.locator(".dl-title").first.evaluate("e => getComputedStyle(e).textDecorationLine")
        assert looks == "underline"
        of_chat = (".dl-masthead", ".dl-question", ".dl-answer", ".dl-source", "#dl-ask")
        edges = {page.locator(one).first.evaluate(right) for one in of_chat}
        for tab, parts in OUTERMOST.items():
            page.get_by_role("tab", name=tab).click()
            expect(page.locator(parts[-1])).to_be_visible()
            edges |= {page.locator(part).evaluate(right) for part in parts}
        assert len(edges) == 1


def test_up_brings_back_the_last_question(open_page: OpenPage) -> None:
    long = "What is the capital of Australia? " + "Please look at every article. " * 20
    with open_page() as page:
        box = page.get_by_label("Your question")
        box.press("ArrowUp")
        expect(box).to_have_value("")
        ask(page, long.strip())
        expect(page.locator(".dl-whole p")).to_be_hidden()
        page.locator(".dl-whole summary").click()
        expect(page.locator(".dl-whole p")).to_have_text(long.strip())
        box.press("ArrowUp")
        expect(box).to_have_value(long.strip())
        box.fill("Some words")
        box.press("ArrowUp")
        expect(box).to_have_value("Some words")


def test_network_cut_after_nothing_but_this_host(open_page: OpenPage, url: str) -> None:
    """Every request to another host is cut, and the page still does all it does (`open_page` fails on any of them)."""

    def cut(context: BrowserContext) -> None:
        context.route(
            "**/*", lambda r: r.continue_() if r.request.url.startswith(url) else r.abort("internetdisconnected")
        )

    with open_page(prepare=cut) as page:
        expect(page.locator(".dl-welcome")).to_be_visible()
        ask(page, AID)
        page.locator(".dl-marker").click()
        expect(page.locator(".dl-panel mark")).to_have_text(AID_QUOTE)
        page.keyboard.press("Escape")
        for tab in TABS[1:]:
            page.get_by_role("tab", name=tab).click()
            expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")


def test_nothing_of_gradio_is_left_over(open_page: OpenPage) -> None:
    with open_page() as page:
        expect(page.locator("footer")).to_have_count(0)
        expect(page.get_by_text("Gradio")).to_have_count(0)
        expect(page.get_by_text("Use via API")).to_have_count(0)
        expect(page).to_have_title("Dateline")


def test_article_that_does_not_come_is_told_plainly(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        page.route(re.compile("component_server"), lambda r: r.fulfill(status=200, body="not what was asked for"))
        page.locator(".dl-marker").click()
        expect(page.locator(".dl-panel")).to_contain_text("The article cannot be shown")
        page.keyboard.press("Escape")
        expect(page.locator(".dl-marker")).to_be_focused()
