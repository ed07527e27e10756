"""The Chat tab in a real headless Chromium, over a real engine with fake models: `pytest -m browser`."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from fakes import WAIT, FakeLLM
from samples import (
    AID,
    AID_QUOTE,
    AUSTRALIA,
    CALL,
    CALL_ALONE,
    COURSE,
    COURSE_DATES,
    FAILS,
    HOSTILE,
    HOSTILE_QUOTE,
    HOSTILE_TITLE,
    MINISTER,
    REPLIES,
    SLOW,
    sample_chat,
    sample_engine,
)
from served import MARKS, ask, send

from rag import Engine
from rag.users.feedback import feedback_path
from ui import build, serve
from ui.page import WarmUp
from ui.server.queue import queue_of

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import OpenPage
    from playwright.sync_api import Page

pytestmark = MARKS
PATIENCE = 60_000  # milliseconds: questions are offered when nobody else is being answered


@pytest.fixture(scope="module")
def model() -> FakeLLM:
    return FakeLLM(replies=REPLIES, pace=0.02)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, model: FakeLLM) -> Iterator[Engine]:
    with sample_engine(tmp_path_factory.mktemp("chat"), hostile=True, model=model) as engine:
        yield engine


@pytest.fixture(scope="module")
def url(engine: Engine) -> Iterator[str]:
    with serve(build(engine, chat=sample_chat)) as url:
        yield url


def open_source(page: Page, number: int = 0) -> None:
    page.locator(".dl-marker").nth(number).click()
    expect(page.locator(".dl-panel mark")).to_be_visible()


def test_ask_stream_and_see_the_sentence_in_its_article(open_page: OpenPage) -> None:
    with open_page() as page:
        send(page, SLOW)
        expect(page.get_by_label("Your question")).to_have_value("")
        expect(page.locator(".dl-draft")).to_contain_text("word word")
        expect(page.locator(".dl-status")).to_contain_text("checking")
        page.get_by_role("button", name="Stop").click()
        ask(page, AID)
        expect(page.locator(".dl-draft")).to_have_count(0)
        expect(page.locator(".dl-answer")).to_have_text("US $310 million [1]")
        expect(page.locator(".dl-support")).to_contain_text("support")
        open_source(page)
        mark = page.locator(".dl-panel mark")
        assert mark.text_content() == AID_QUOTE
        expect(mark).to_be_in_viewport(ratio=1)
        expect(mark).to_be_focused()
        expect(page.locator("#dl-main")).to_be_in_viewport()  # beside it, not under it
        page.keyboard.press("Escape")
        expect(page.locator(".dl-panel")).to_be_hidden()
        expect(page.locator(".dl-marker")).to_be_focused()


def test_sentence_is_shown_on_hover_and_on_focus(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        marker, tip = page.locator(".dl-marker"), page.get_by_role("tooltip")
        expect(tip).to_have_count(0)
        marker.hover()
        expect(tip).to_be_in_viewport(ratio=1)
        expect(tip).to_contain_text(AID_QUOTE)
        page.mouse.move(5, 5)
        expect(tip).to_have_count(0)
        marker.focus()
        expect(tip).to_contain_text(AID_QUOTE)
        expect(marker).to_have_accessible_description(re.compile(re.escape(AID_QUOTE)))
        good = page.get_by_role("button", name="Good answer")
        good.evaluate("e => e.click()")  # the answer is drawn anew
        expect(good).to_have_attribute("aria-pressed", "true")
        expect(tip).to_contain_text(AID_QUOTE)
        page.keyboard.press("Escape")
        expect(tip).to_have_count(0)
        expect(marker).to_be_focused()


def test_source_title_opens_the_article_too(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        page.locator(".dl-source .dl-title").click()
        expect(page.locator(".dl-panel mark")).to_have_text(AID_QUOTE)
        page.get_by_role("button", name="Close").click()
        expect(page.locator(".dl-source .dl-title")).to_be_focused()


def test_follow_up_shows_what_it_became(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, MINISTER)
        ask(page, CALL)
        last = page.locator(".dl-turn").last
        expect(last.locator(".dl-question")).to_have_text(CALL)
        expect(last.locator(".dl-understood")).to_contain_text(CALL_ALONE)
        expect(last.locator(".dl-quote")).to_contain_text("cordial")


def test_refusal_offers_related_passages(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AUSTRALIA)
        expect(page.locator(".dl-abstained")).to_contain_text("do not mention Australia")
        expect(page.locator(".dl-marker, .dl-source, .dl-related")).to_have_count(0)
        ask(page, "Who is Australia's foreign minister?")
        related = page.locator(".dl-related li").first
        text = related.locator(".dl-quote").text_content()
        related.get_by_role("button").click()
        expect(page.locator(".dl-panel mark")).to_be_visible()
        assert page.locator(".dl-panel mark").text_content() == text


def test_hostile_article_is_text(open_page: OpenPage) -> None:
    with open_page(width=390) as page:
        ask(page, HOSTILE)
        ask(page, "<img src=x onerror=alert(4)>")
        expect(page.locator(".dl-source .dl-title")).to_have_text(HOSTILE_TITLE)
        expect(page.locator(".dl-source .dl-quote")).to_have_text(HOSTILE_QUOTE)
        page.locator(".dl-marker").hover()
        expect(page.get_by_role("tooltip")).to_be_in_viewport(ratio=1)
        open_source(page)
        assert page.locator(".dl-panel mark").text_content() == HOSTILE_QUOTE
        expect(page.locator(".dl-headline")).to_have_text(HOSTILE_TITLE)
        expect(page.locator("#injected, :is(#dl-main, .dl-panel) :is(img, script, a, b, strong, i)")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_error_is_a_line_and_can_be_asked_again(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, FAILS)
        expect(page.get_by_role("alert")).to_contain_text("the model <b>went away</b>; start it again")
        page.get_by_role("button", name="Ask again").click()
        expect(page.locator(".dl-turn.dl-pending")).to_have_count(0)
        expect(page.get_by_role("alert")).to_have_count(1)  # the failed try is replaced
        ask(page, AID)
        expect(page.locator(".dl-quote")).to_have_text(AID_QUOTE)


def test_model_that_is_down_is_told_plainly(open_page: OpenPage, tmp_path_factory: pytest.TempPathFactory) -> None:
    down = FakeLLM(error=OSError("connection refused"))
    engine = sample_engine(tmp_path_factory.mktemp("down"), model=down)
    with engine, serve(build(engine)) as address, open_page(address) as page:
        ask(page, AID)
        expect(page.locator(".dl-notice")).to_contain_text("best matching sentence is shown instead")
        expect(page.locator(".dl-quote")).to_have_text(AID_QUOTE)


def test_stop_ends_the_stream(open_page: OpenPage, engine: Engine) -> None:
    with open_page() as page:
        send(page, SLOW)
        expect(page.locator(".dl-draft")).to_contain_text("word")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("alert")).to_contain_text("Stopped")
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        ask(page, AID)


def test_closing_the_tab_ends_the_stream(open_page: OpenPage, engine: Engine) -> None:
    with open_page() as page:
        send(page, SLOW)
        expect(page.locator(".dl-draft")).to_contain_text("word")
    waited = threading.Event()
    for _ in range(int(WAIT * 10)):
        if not queue_of(engine.settings).tickets:
            break
        waited.wait(0.1)
    assert not queue_of(engine.settings).tickets


def test_copy_gives_markdown(open_page: OpenPage) -> None:
    with open_page(permissions=["clipboard-read", "clipboard-write"]) as page:
        ask(page, AID)
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_focused()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("US $310 million [1]\n\n[1] President López") and AID_QUOTE in copied


def test_feedback_is_stored_and_exported(open_page: OpenPage, engine: Engine) -> None:
    path = feedback_path(engine.settings.store)
    with open_page() as page:
        ask(page, AID)
        good = page.get_by_role("button", name="Good answer")
        good.click()
        expect(good).to_have_attribute("aria-pressed", "true")
        page.get_by_label("What was good?").fill("exact")
        page.get_by_role("button", name="Save note").click()
        expect(page.get_by_label("What was good?")).to_have_value("exact")
        page.reload()
        expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
        page.get_by_role("tab", name="Settings").click()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download as eval questions").click()
        question = json.loads(download.value.path().read_text(encoding="utf-8"))
        assert question["turns"] == [AID] and question["answers"] == ["US $310 million"]
    last = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    assert (last["vote"], last["note"], last["asked"]) == ("up", "exact", AID)


def test_first_run_offers_questions_of_the_library(open_page: OpenPage) -> None:
    with open_page() as page:
        examples = page.locator(".dl-example")
        expect(examples).to_have_count(3, timeout=PATIENCE)
        question = examples.first.text_content()
        examples.first.click()
        expect(page.locator(".dl-question")).to_have_text(str(question))
        expect(page.locator(".dl-turn.dl-pending")).to_have_count(0)


def test_answer_is_followed_by_questions_that_go_on_from_it(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        offered = page.get_by_text("Ask next").locator("..").get_by_role("button")
        expect(offered.first).to_be_visible(timeout=PATIENCE)
        assert 1 <= offered.count() <= 3
        question = str(offered.first.text_content())
        page.reload()
        expect(offered.first).to_have_text(question)  # kept with the conversation
        offered.first.click()
        expect(page.locator(".dl-question")).to_have_text([AID, question])
        expect(page.locator(".dl-turn.dl-pending")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_course_of_events_is_a_timeline(open_page: OpenPage, width: int) -> None:
    with open_page(width=width) as page:
        ask(page, COURSE)
        expect(page.locator(".dl-timeline .dl-when")).to_have_text(COURSE_DATES)
        date, said = page.locator(".dl-when").first.bounding_box(), page.locator(".dl-timeline p").first.bounding_box()
        assert date and said
        if width == 1280:
            assert date["x"] + date["width"] < said["x"] and abs(date["y"] - said["y"]) < 10  # beside it
        else:
            assert date["y"] + date["height"] <= said["y"] + 1  # above it, so that the text has the whole width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        open_source(page, 2)


def test_two_readers_at_once_and_the_line(open_page: OpenPage) -> None:
    with open_page() as one, open_page() as two, open_page() as three:
        send(one, SLOW)
        expect(one.locator(".dl-draft")).to_be_visible()
        send(two, MINISTER)
        expect(two.locator(".dl-status")).to_have_text("1 question before yours…")
        send(three, AID)
        expect(three.locator(".dl-status")).to_have_text("2 questions before yours…")
        # While it waits the page does what else it can.
        three.locator(".dl-side [data-do=new]").click()
        expect(three.locator(".dl-welcome")).to_be_visible()
        for page in (one, two, three):
            expect(page.locator(".dl-turn")).to_have_count(0 if page is three else 1)
        expect(one.get_by_text(MINISTER)).to_have_count(0)
        expect(two.get_by_text(SLOW)).to_have_count(0)
        one.get_by_role("button", name="Stop").click()
        expect(two.locator(".dl-answer")).to_contain_text("Marcelo Ebrard")
        expect(three.locator(".dl-open")).to_have_text(AID)
        three.locator(".dl-open").click()
        expect(three.locator(".dl-answer")).to_contain_text("310 million")
        expect(one.locator(".dl-open")).to_have_text([SLOW])


def test_only_chosen_articles_are_asked(open_page: OpenPage) -> None:
    with open_page() as page:
        page.get_by_role("tab", name="Library").click()
        article = page.locator("#dl-tab-library li", has_text="reset US-Mexico relations")
        article.get_by_role("checkbox").check()
        page.get_by_role("button", name="Ask only these").click()
        page.get_by_role("tab", name="Chat").click()
        expect(page.locator("#dl-only")).to_contain_text("Only 1 chosen article")
        ask(page, MINISTER)  # is answered by other articles
        expect(page.locator(".dl-abstained")).to_be_visible()
        page.get_by_role("button", name="Ask all articles").click()
        expect(page.locator("#dl-only")).to_be_hidden()
        page.get_by_role("button", name="Retry").click()
        expect(page.locator(".dl-answer")).to_contain_text("Marcelo Ebrard [1]")


def test_page_says_that_models_load(open_page: OpenPage, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(Engine, "warm_up", lambda _: gate.wait(WAIT))
    warm_up = WarmUp(engine)
    with serve(build(engine, warm_up=warm_up, chat=sample_chat)) as address:
        warm_up.start()
        with open_page(address) as page:
            expect(page.locator(".dl-loading")).to_contain_text("Loading the models")
            gate.set()
            expect(page.locator(".dl-loading")).to_have_count(0)
