"""An engine over two articles, and the shelf that its Library tab shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import make_engine
from shelves import BRIDGE, FERRY

from rag import Engine
from ui.library.shelf import Shelf


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents={"ferry.txt": FERRY, "sub/bridge.txt": BRIDGE}) as engine:
        yield engine


@pytest.fixture
def shelf(engine: Engine) -> Shelf:
    return Shelf(engine)
