"""An engine over two articles, the shelf that its Library tab shows, and the tab in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import make_engine
from library_page import to_library
from shelves import BRIDGE, FERRY

from rag import Engine
from ui import build, serve
from ui.library.shelf import Shelf

if TYPE_CHECKING:
    from conftest import OpenPage
    from playwright.sync_api import Page


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents={"ferry.txt": FERRY, "sub/bridge.txt": BRIDGE}) as engine:
        yield engine


@pytest.fixture
def shelf(engine: Engine) -> Shelf:
    return Shelf(engine)


@pytest.fixture
def url(engine: Engine) -> Iterator[str]:
    with serve(build(engine)) as url:
        yield url


@pytest.fixture
def library(open_page: OpenPage) -> Any:
    """Opens the page at the Library tab."""

    @contextmanager
    def opened(**options: Any) -> Iterator[Page]:
        with open_page(**options) as page:
            to_library(page)
            yield page

    return opened
