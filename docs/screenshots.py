"""Takes the pictures of the web chat in docs/img: `python docs/screenshots.py` (`--fake`: without any model).

Needs Playwright and Chromium. Asks the real engine over the default library, so have the shipped articles in it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "ui")]

from rag import open_engine  # noqa: E402
from ui import build, serve  # noqa: E402

QUESTIONS = ["How much additional aid did Harris announce for the region?", "What is the capital of Australia?"]
PICTURES = {  # name: (width, height, colour scheme)
    "chat-light": (1180, 1060, "light"),
    "chat-dark": (1180, 1060, "dark"),
    "chat-narrow": (390, 844, "light"),
}


@contextmanager
def served(fake: bool) -> Iterator[str]:
    """Serve the chat and give its address."""
    if fake:
        from fake_engine import FakeChat, FakeEngine

        with serve(build(FakeEngine(), chat=FakeChat)) as url:
            yield url
    else:
        with open_engine() as engine, serve(build(engine)) as url:
            engine.warm_up()  # so that the timings in the pictures are those of every day
            yield url


def picture(browser: Browser, url: str, name: str) -> None:
    """Ask the questions and write docs/img/NAME.png, from the top of the page."""
    width, height, scheme = PICTURES[name]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        device_scale_factor=2 if width < 600 else 1.25,
        reduced_motion="reduce",
    )
    page.goto(url)
    for number, question in enumerate(QUESTIONS, 1):
        page.get_by_label("Your question").fill(question)
        page.keyboard.press("Enter")
        page.locator(f".dl-turn:nth-child({number}):not(.dl-pending)").wait_for(timeout=300_000)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=ROOT / "docs" / "img" / f"{name}.png")
    page.close()


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fake", action="store_true", help="canned answers, no model")
    fake = parser.parse_args().fake
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with served(fake) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name in PICTURES:
            picture(browser, url, name)
        browser.close()


if __name__ == "__main__":
    main()
