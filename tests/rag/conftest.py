"""An engine over the shipped articles that the tests of a module share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from answers import REPLIES
from fakes import make_engine

from rag import Engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A model that knows two answers, over the shipped articles."""
    with make_engine(tmp_path_factory.mktemp("engine"), replies=REPLIES) as engine:
        yield engine
