"""Articles that are hard to show, in a real headless Chromium: Markdown, mails, and writing from right to left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from articles_to_read import ANSWERS, DOCUMENTS, REFUSED, reading_chat
from fakes import make_engine
from served import MARKS, ask

from ui import build, serve

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import OpenPage
    from playwright.sync_api import Locator, Page

pytestmark = MARKS
COUNCIL, FERRY, ARABIC, HEBREW, DATED = ANSWERS


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    engine = make_engine(tmp_path_factory.mktemp("read"), documents=DOCUMENTS, caution=0.0)
    with engine, serve(build(engine, chat=reading_chat, examples=[])) as url:
        yield url


def read(page: Page, question: str) -> Locator:
    """Ask, open the source and return the article."""
    ask(page, question)
    page.locator(".dl-marker").click()
    expect(page.locator(".dl-panel mark").first).to_be_visible()
    return page.locator(".dl-panel")


def starts_right(text: Locator) -> bool:
    """Return whether a text is read from the right, and its lines begin at the right edge of its box."""
    return bool(
        text.evaluate(
            """element => {
                const range = document.createRange();
                range.selectNodeContents(element);
                const box = element.getBoundingClientRect(), style = getComputedStyle(element);
                const right = Math.max(...[...range.getClientRects()].map((part) => part.right));
                const aligned = ["start", "right"].includes(style.textAlign) && box.right - right < 60;
                return style.direction === "rtl" && aligned;
            }"""
        )
    )


def test_markdown_is_formatted_and_the_sentence_marked(open_page: OpenPage) -> None:
    with open_page() as page:
        panel = read(page, COUNCIL)
        expect(page.locator(".dl-answer")).to_have_text("The council voted to reopen the swing bridge [1]")
        expect(page.locator(".dl-quote")).to_have_text(
            "The council of Harborough voted to reopen the swing bridge, which has been closed since a storm."
        )
        marked = "".join(panel.locator("mark").all_text_contents())
        assert marked == page.locator(".dl-quote").text_content()
        expect(panel.locator("mark").first).to_be_focused()
        expect(panel.locator("h2")).to_have_text("The swing bridge opens again")
        expect(panel.locator("h3")).to_have_text("What it costs")
        expect(panel.locator("li")).to_have_text(["Repairs cost 4.2 million euros.", "The county pays half."])
        expect(panel.locator("td")).to_have_text(["Bridge", "4 million", "Pier", "200,000"])
        expect(panel.locator("#injected")).to_have_count(0)
        expect(panel.get_by_role("link")).to_have_attribute("href", "https://example.org/council")
        assert panel.locator("li").first.evaluate("e => getComputedStyle(e).listStyleType") == "disc"


def test_mail_flows(open_page: OpenPage) -> None:
    with open_page(width=900) as page:
        panel = read(page, FERRY)
        expect(panel.locator("mark")).to_have_text(
            "The company said that repairs would take nine weeks, and that a bus would run instead."
        )
        assert "\n" not in str(panel.locator("p", has_text="the ferry to Eidsund").text_content())
        assert "\n" in str(panel.locator("p", has_text="Best wishes").text_content())
        expect(panel.locator("blockquote")).to_contain_text("in the middle of the sound, and nobody told us")


@pytest.mark.parametrize("question", [ARABIC, HEBREW])
@pytest.mark.parametrize("width", [1280, 390])
def test_right_to_left_is_shown_from_the_right(open_page: OpenPage, question: str, width: int) -> None:
    with open_page(width=width) as page:
        panel = read(page, question)
        expect(panel.locator("mark")).to_have_text(ANSWERS[question][1])
        assert starts_right(panel.locator("h2"))
        for paragraph in panel.locator(".dl-text p").all():
            assert starts_right(paragraph)
        page.keyboard.press("Escape")
        for part in (".dl-question", ".dl-answer", ".dl-title", ".dl-quote"):
            assert starts_right(page.locator(part)), part
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 390])
def test_publisher_and_date_are_beside_the_sentence_and_above_the_article(open_page: OpenPage, width: int) -> None:
    """A name that is written from right to left does not turn the date after it."""
    with open_page(width=width) as page:
        panel = read(page, DATED)
        page.keyboard.press("Escape")
        page.locator(".dl-marker").focus()
        expect(page.get_by_role("tooltip")).to_contain_text("صحيفة الميناء, 12 Jul 2024")
        page.locator(".dl-title").click()
        for origin in (page.locator(".dl-source-body .dl-origin"), panel.locator(".dl-panel-title .dl-origin")):
            expect(origin).to_have_text("صحيفة الميناء, 12 Jul 2024")
            runs = origin.locator("bdi").evaluate_all("all => all.map((one) => getComputedStyle(one).direction)")
            assert runs == ["rtl", "ltr"]
        assert page.locator(".dl-panel-top").evaluate("e => e.scrollWidth <= e.clientWidth")


def test_passages_beside_a_refusal_run_as_their_articles_do(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, REFUSED)
        passages = page.locator(".dl-related .dl-quote")
        assert [starts_right(passage) for passage in passages.all()] == [False, True, True]
        assert starts_right(page.locator(".dl-abstained .dl-answer"))


@pytest.mark.parametrize("question", [COUNCIL, ARABIC])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_serious(open_page: OpenPage, question: str, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    with open_page(scheme=scheme, width=width) as page:
        read(page, question)
        found = axe.run(page)["violations"]
        bad = [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found]
        assert [each for each, v in zip(bad, found, strict=True) if v["impact"] in ("serious", "critical")] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
