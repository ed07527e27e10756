"""The Check tab in a real headless Chromium, over a fake engine: `pytest -m browser`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from doubles import WordJudge
from samples import AID_QUOTE, HOSTILE_QUOTE, sample_chat, sample_engine
from served import MARKS

from ui import build, serve

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import OpenPage

pytestmark = MARKS


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with (
        sample_engine(tmp_path_factory.mktemp("check"), hostile=True, judge=WordJudge()) as engine,
        serve(build(engine, chat=sample_chat)) as url,
    ):
        yield url


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_text_is_checked_and_its_sources_open(open_page: OpenPage, width: int, scheme: str) -> None:
    with open_page(width=width, scheme=scheme) as page:
        page.get_by_role("tab", name="Check").click()
        check = page.get_by_role("button", name="Check", exact=True)
        check.click()
        expect(page.get_by_role("alert").filter(has_text="the text is empty")).to_be_visible()
        page.get_by_label("Text to check").fill(f"{AID_QUOTE} Cheese is good. {HOSTILE_QUOTE}")
        check.click()
        expect(page.locator("#dl-checked .dl-summary")).to_contain_text("sentences supported")
        first, second = page.locator(".dl-sentence").nth(0), page.locator(".dl-sentence").nth(1)
        expect(first.locator(".dl-verdict")).to_contain_text("Supported")
        expect(second.locator(".dl-verdict")).to_contain_text("Not found")
        expect(second.locator(".dl-marker")).to_have_count(0)
        first.locator(".dl-marker").hover()
        expect(page.get_by_role("tooltip")).to_contain_text(AID_QUOTE)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#injected, .dl-sentence script").count() == 0
        first.locator(".dl-marker").click()
        expect(page.locator(".dl-panel mark")).to_have_text(AID_QUOTE)
        page.keyboard.press("Escape")
        expect(first.locator(".dl-marker")).to_be_focused()
