"""Asking again and editing a question in the Chat tab, in a real headless Chromium: `pytest -m browser`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from fakes import FakeLLM
from samples import AID, AUSTRALIA, MINISTER, REPLIES, sample_chat, sample_engine
from served import MARKS, ask

from ui import build, serve

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import OpenPage

pytestmark = MARKS


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    model = FakeLLM(replies=REPLIES, pace=0.02)
    with (
        sample_engine(tmp_path_factory.mktemp("chat"), model=model) as engine,
        serve(build(engine, chat=sample_chat)) as url,
    ):
        yield url


def test_retry_and_edit(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        first = page.locator(".dl-turn").get_attribute("id")
        page.get_by_role("button", name="Retry").click()
        expect(page.locator(f"#{first}")).to_have_count(0)
        expect(page.locator(".dl-answer")).to_have_text("US $310 million [1]")
        page.locator(".dl-edit summary").click()
        editor = page.get_by_role("textbox", name="Edit the question")
        expect(editor).to_be_focused()
        expect(editor).to_have_value(AID)
        editor.fill(MINISTER)
        editor.press("Enter")
        expect(page.locator(".dl-question")).to_have_text(MINISTER)
        expect(page.locator(".dl-answer")).to_contain_text("Marcelo Ebrard")


def test_a_question_that_is_edited_stands_once(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        question, edit = page.locator(".dl-question"), page.locator(".dl-edit summary")
        editor = page.get_by_role("textbox", name="Edit the question")
        for leave in (lambda: edit.click(), lambda: page.keyboard.press("Escape")):
            edit.click()
            expect(editor).to_be_focused()
            expect(question).to_have_js_property("clientHeight", 1)  # a heading still, but none to see
            expect(edit.get_by_text("Cancel")).to_be_visible()
            editor.fill("Something else?")
            leave()
            expect(editor).to_be_hidden()
            expect(question).to_have_text(AID)
            expect(edit).to_be_focused()
        edit.click()
        expect(editor).to_have_value(AID)  # what was not asked is forgotten


def test_what_is_being_edited_outlasts_a_new_drawing(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        page.locator(".dl-edit summary").click()
        editor = page.get_by_role("textbox", name="Edit the question")
        expect(editor).to_be_focused()
        editor.fill("Something else?")
        page.get_by_role("button", name="Good answer").click()
        expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
        expect(editor).to_have_value("Something else?")


def test_editing_an_earlier_question_keeps_the_old_conversation(open_page: OpenPage) -> None:
    with open_page() as page:
        ask(page, AID)
        ask(page, AUSTRALIA)
        page.locator(".dl-edit summary").first.click()
        page.get_by_role("textbox", name="Edit the question").first.fill(MINISTER)
        page.get_by_role("button", name="Ask this").first.click()
        expect(page.locator(".dl-question")).to_have_text([MINISTER])
        expect(page.locator(".dl-open")).to_have_text([MINISTER, AID])
        page.locator(".dl-open").nth(1).click()
        expect(page.locator(".dl-question")).to_have_text([AID, AUSTRALIA])
