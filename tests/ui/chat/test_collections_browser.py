"""The choice of a collection on the page, in a real headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes import make_engine, write_articles
from served import MARKS, ask

from rag import Engine
from ui import build, serve

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import OpenPage

pytestmark = MARKS
PIER = {"pier.txt": "The pier\n\nMayor Odile Brandt announced $40 million in state aid. Harborough opened a pier."}
RULING = "The court of Harborough fined the builder 310 euros."
COURT = {"ruling.txt": f"A ruling\n\n{RULING} Judge Ana Kovic pledged $12 million in legal aid."}
QUESTION = "How much did the court of Harborough fine the builder?"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents=PIER, caution=0.0) as engine:
        yield engine


def test_there_is_no_choice_where_there_is_one_collection(open_page: OpenPage, engine: Engine) -> None:
    with serve(build(engine)) as url, open_page(url) as page:
        expect(page.get_by_label("Your question")).to_be_visible()
        expect(page.locator("#dl-collection")).to_be_hidden()


def test_the_chosen_collection_is_asked(open_page: OpenPage, engine: Engine, tmp_path: Path) -> None:
    with serve(build(engine)) as url:
        # Made after the page was built: the choice is what there is when a reader opens the page.
        engine.collection("court", create=True).ingest(write_articles(tmp_path / "court", COURT))
        with open_page(url) as page:
            choice = page.get_by_label("Collection")
            expect(choice).to_be_visible()
            expect(choice).to_have_value("default")
            expect(page.locator(".dl-example", has_text="Odile Brandt").first).to_be_visible(timeout=30_000)
            ask(page, QUESTION)
            expect(page.locator(".dl-turn").last).not_to_contain_text(RULING)
            page.get_by_role("button", name="New conversation").click()
            expect(page.locator(".dl-turn")).to_have_count(0)
            choice.click()
            page.get_by_role("option", name="court").click()
            expect(page.locator(".dl-example", has_text="Ana Kovic").first).to_be_visible(timeout=30_000)
            ask(page, QUESTION)
            expect(page.locator(".dl-answer")).to_contain_text("310 euros")
            page.locator(".dl-marker").first.click()
            expect(page.locator(".dl-panel mark")).to_contain_text("310 euros")
            page.keyboard.press("Escape")
            page.reload()  # what the browser kept still opens in its collection
            page.locator(".dl-marker").first.click()
            expect(page.locator(".dl-panel mark")).to_contain_text("310 euros")
