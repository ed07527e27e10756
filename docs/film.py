"""Make the short film of the web chat in docs/img: `python docs/film.py` (`--fake`: without any model).

This needs what `docs/screenshots.py` needs. A question is typed, answered, and its source is opened.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright
from screenshots import CHROMIUM, QUESTIONS, ROOT, served

SIZE = (1080, 720)
FEWEST_LETTERS = 4  # typed from one frame to the next
WAITING = 0.35  # seconds between frames while the answer is written
SLOWEST = 300.0  # seconds after which no answer is expected any more
Frame = tuple[Image.Image, int]  # with how long it is shown, in milliseconds


def scenes(page: Page) -> Iterator[Frame]:
    """Ask, wait for the answer, point at its marker, open the source, and yield what is seen meanwhile."""
    box, question = page.get_by_label("Your question"), QUESTIONS[0]
    yield shot(page), 900
    for end in range(FEWEST_LETTERS, len(question) + FEWEST_LETTERS, FEWEST_LETTERS):
        box.fill(question[:end])
        yield shot(page), 90
    yield shot(page), 500
    box.press("Enter")
    yield from until(page, page.locator(".dl-turn:not(.dl-pending) .dl-marker"))
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    yield shot(page), 1800
    page.locator(".dl-marker").first.hover()
    yield shot(page), 1800
    page.locator(".dl-marker").first.click()
    page.locator(".dl-panel mark").wait_for()
    page.mouse.move(0, 0)
    yield shot(page), 4000


def until(page: Page, wanted: Locator) -> Iterator[Frame]:
    """Yield a frame each time that the page looks different, until an element is there."""
    before = b""
    begun = time.monotonic()
    while not wanted.count():
        if time.monotonic() - begun > SLOWEST:
            raise SystemExit("the film has no end: no answer with a source came")
        frame = shot(page)
        if frame.tobytes() != before:
            yield frame, round(1000 * WAITING)
        before = frame.tobytes()
        time.sleep(WAITING)


def shot(page: Page) -> Image.Image:
    """Return what the page looks like."""
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def main() -> None:
    """Make the film."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fake", action="store_true", help="fake models instead of the real ones")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "img" / "film.webp", help="where the film goes")
    given = parser.parse_args()
    with served(given.fake) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        width, height = SIZE
        page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
        page.goto(url)
        page.locator(".dl-example").first.wait_for()
        frames, lengths = zip(*scenes(page), strict=True)
        browser.close()
    first, *rest = frames
    first.save(given.out, save_all=True, append_images=rest, duration=lengths, loop=0, lossless=True, method=6)
    print(f"{given.out}: {len(frames)} frames, {sum(lengths) / 1000:.0f} s, {given.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
