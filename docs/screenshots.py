"""Take the pictures of the web chat in docs/img: `python docs/screenshots.py` (`--fake`: without any model).

This needs Playwright and Chromium. It asks the real engine over the default library, which must hold the shipped
articles.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "ui")]

from rag import Engine, open_engine  # noqa: E402
from ui import build, serve  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUESTIONS = ["How much additional aid did Harris announce for the region?", "What is the capital of Australia?"]
PICTURES = {  # name: (width, height, colour scheme)
    "chat-light": (1180, 1000, "light"),
    "chat-dark": (1180, 1000, "dark"),
    "chat-narrow": (390, 844, "light"),
    "article": (1280, 860, "light"),
    "settings": (1180, 1200, "light"),
}


@contextmanager
def served(fake: bool) -> Iterator[str]:
    """Serve the chat and yield its address."""
    with ExitStack() as opened:
        engine: Engine
        if fake:
            from samples import sample_engine

            folder = opened.enter_context(tempfile.TemporaryDirectory())
            engine = opened.enter_context(sample_engine(Path(folder)))
        else:
            engine = opened.enter_context(open_engine())
            engine.warm_up()  # so that the pictures show typical timings
        yield opened.enter_context(serve(build(engine)))


def picture(browser: Browser, url: str, name: str, folder: Path) -> None:
    """Bring the page into the state to show, and write FOLDER/NAME.png."""
    width, height, scheme = PICTURES[name]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        device_scale_factor=2 if width < 600 else 1.25,
        reduced_motion="reduce",
    )
    page.goto(url)
    page.locator(".dl-welcome").wait_for()
    if name == "settings":
        page.get_by_role("tab", name="Settings").click()
        page.get_by_label("Another model").check()
        page.locator("#dl-key").wait_for()
        page.mouse.move(0, 0)
    else:
        converse(page)
    if name == "article":
        page.locator(".dl-marker").first.click()
        page.locator(".dl-panel mark").wait_for()
    page.screenshot(path=folder / f"{name}.png")
    page.close()


def converse(page: Page) -> None:
    """Ask the questions and scroll back to the top."""
    for number, question in enumerate(QUESTIONS, 1):
        page.get_by_label("Your question").fill(question)
        page.keyboard.press("Enter")
        page.locator(f".dl-turn:nth-child({number}):not(.dl-pending)").wait_for(timeout=300_000)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fake", action="store_true", help="fake models instead of the real ones")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "img", help="where the pictures go")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with served(given.fake) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for name in PICTURES:
            picture(browser, url, name, given.out)
        browser.close()


if __name__ == "__main__":
    main()
