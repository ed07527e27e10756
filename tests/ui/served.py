"""What the browser tests of the chat do on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

KEPT = "dateline-conversations"
MARKS = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),  # Gradio's own statistics, under pandas 3
]


def send(page: Page, question: str) -> None:
    """Type the question and press Enter."""
    box = page.get_by_label("Your question")
    box.fill(question)
    box.press("Enter")


def ask(page: Page, question: str) -> None:
    """Type the question, press Enter, and wait for the checked answer and for the browser to have kept it."""
    from playwright.sync_api import expect  # the module is imported where Playwright may be missing

    before = page.locator(".dl-turn").count()
    kept = page.evaluate(f"localStorage.getItem({KEPT!r})")
    send(page, question)
    try:
        expect(page.locator(".dl-turn")).to_have_count(before + 1)
    except AssertionError:
        # Rarely Enter comes while Gradio puts the first view up, and is lost, sometimes with what was typed.
        send(page, question)
        expect(page.locator(".dl-turn")).to_have_count(before + 1)
    expect(page.locator(".dl-turn.dl-pending")).to_have_count(0)
    page.wait_for_function(f"kept => localStorage.getItem({KEPT!r}) !== kept", arg=kept)
