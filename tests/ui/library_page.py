"""What the browser tests of the Library tab do on the page; Playwright is imported where it may be missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

NEW = "A whale is seen\n\nA humpback whale was seen off Eidsund by 40 passengers of the ferry on Sunday evening.\n"
WHALE = "How many passengers saw the humpback whale?"


def to_library(page: Page) -> None:
    page.get_by_role("tab", name="Library").click()
    page.locator(".dl-shelf :is(.dl-count, .dl-welcome)").wait_for()


def add(page: Page, *files: Path) -> None:
    from playwright.sync_api import expect

    page.locator("#dl-drop input[type=file]").set_input_files(list(files))
    expect(page.locator(".dl-result")).to_have_count(len(files))
    expect(page.locator(".dl-progress")).to_have_count(0)


def ask(page: Page, question: str) -> None:
    from playwright.sync_api import expect

    page.get_by_role("tab", name="Chat").click()
    before = page.locator(".dl-turn").count()
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    expect(page.locator(".dl-turn")).to_have_count(before + 1)
    expect(page.locator(".dl-turn.dl-pending")).to_have_count(0)


def entries(page: Page) -> Any:
    return page.locator(".dl-entry-title")
