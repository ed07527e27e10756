"""Makes the samples importable under every import mode of pytest, keeps Gradio from leaking event loops, gives tests an
engine and a page of the samples, and tests in a browser their Chromium and their pages."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import gradio
import gradio.queueing
import gradio.utils
import pytest
from fakes import FakeLLM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

sys.path.insert(0, str(Path(__file__).parent))

from samples import REPLIES, sample_chat, sample_engine

from rag import Engine
from ui import build

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
OpenPage = Callable[..., AbstractContextManager["Page"]]


@pytest.fixture(autouse=True, scope="session")
def no_leaked_loops() -> Iterator[None]:
    """Let Gradio make its locks without a loop of their own each, which it never closes (Python < 3.10 needed one)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradio.queueing, "safe_get_lock", asyncio.Lock)
        patch.setattr(gradio.utils, "safe_get_lock", asyncio.Lock)
        patch.setattr(gradio.utils, "safe_get_stop_event", asyncio.Event)
        yield


@pytest.fixture
def model() -> FakeLLM:
    """A model that knows the samples' answers."""
    return FakeLLM(replies=REPLIES)


@pytest.fixture
def engine(tmp_path: Path, model: FakeLLM) -> Iterator[Engine]:
    """An engine over the shipped articles with that model."""
    with sample_engine(tmp_path, model=model) as engine:
        yield engine


@pytest.fixture
def page(engine: Engine) -> gradio.Blocks:
    """The page of that engine; it is not served yet."""
    return build(engine, chat=sample_chat)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright.expect.set_options(timeout=15_000)  # machines that test have other work, and pages wait for models
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, "--disable-component-update"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, request: pytest.FixtureRequest) -> OpenPage:
    """Opens a page, by default that of the module's fixture `url`, in a browser profile of its own.

    On leaving, nothing may have failed and no other host may have been asked.
    """

    @contextmanager
    def opened(
        address: str = "",
        *,
        width: int = 1280,
        height: int = 900,
        scheme: str = "light",
        prepare: Callable[[BrowserContext], object] = lambda context: None,
        **options: Any,
    ) -> Iterator[Page]:
        address = address or request.getfixturevalue("url")
        options = {"color_scheme": scheme, "reduced_motion": "reduce"} | options
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        prepare(context)
        page = context.new_page()
        bad = watched(page, urlsplit(address).netloc)
        page.goto(address)
        page.locator(".dl-thread > *").first.wait_for()
        try:
            yield page
            assert bad == []
        finally:
            context.close()

    return opened


def watched(page: Page, host: str) -> list[str]:
    """Return a list that fills with what goes wrong on the page."""
    bad: list[str] = []
    page.set_default_timeout(10_000)
    page.on("request", lambda r: r.url.startswith("blob:") or urlsplit(r.url).netloc == host or bad.append(r.url))
    page.on("requestfailed", lambda r: is_hung_up(r) or bad.append(f"failed: {r.url} {r.failure}"))
    page.on("response", lambda r: r.status < 400 or bad.append(f"{r.status}: {r.url}"))
    page.on("pageerror", lambda e: bad.append(f"script error: {e}"))
    page.on("console", lambda m: is_trouble(m) and bad.append(f"console: {m.text}"))
    page.on("dialog", lambda d: (bad.append(f"dialog: {d.message}"), d.dismiss()))
    return bad


def is_trouble(message: ConsoleMessage) -> bool:
    """Return whether this is an error that tells of one; what Gradio says of its own hanging up does not."""
    expected = ("Error reading from localStorage", "AbortError", "Unexpected error Connection errored out")
    return message.type == "error" and not message.text.startswith(expected)


def is_hung_up(request: Request) -> bool:
    """Return whether the page itself ended this: its events are told, or it is left. No failing server does that."""
    return request.failure == "net::ERR_ABORTED"
