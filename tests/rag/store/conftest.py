"""The folder of a store, and an open index in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import MODEL

from rag.store.documents import DocumentStore
from rag.store.index import Index


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def index(folder: Path) -> Iterator[Index]:
    index = Index.open(folder, MODEL)
    yield index
    index.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    store = DocumentStore(tmp_path / "documents.db")
    yield store
    store.close()
