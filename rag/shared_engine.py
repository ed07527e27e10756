"""Open the engine behind `answer()`, `rag ask` and `rag chat`, with the shipped articles in a new store."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from pathlib import Path

from rag.engine import Engine
from rag.errors import StoreError
from rag.settings import Settings
from rag.types import Answer, Filters

_lock = threading.Lock()
_engine: Engine | None = None


def seeds_folder() -> Path:
    """Return the folder of the articles that ship with the package.

    Raises:
        StoreError: They are missing from the installation.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "seeds", here.parent / "seeds"):  # in an installed wheel, in a checkout
        if folder.is_dir():
            return folder
    raise StoreError(f"the shipped articles are missing beside {here}; install dateline again")


def open_engine(settings: Settings | None = None, notify: Callable[[str], None] | None = None) -> Engine:
    """Return an engine; a store that was never used is filled with the shipped articles.

    A store that was used is left unchanged, even if it is empty.

    Args:
        settings: The configuration.
        notify: Called with one line when the store is filled.
    """
    engine = Engine(settings)
    if engine.is_new:
        try:
            engine.ingest(seeds_folder())
        except BaseException:
            engine.close()
            raise
        if notify:
            notify(f"made a new library in {engine.settings.store} from the shipped articles")
    return engine


def engine() -> Engine:
    """Return the process's engine with default settings, opened at first use."""
    global _engine
    with _lock:
        if _engine is None:
            _engine = open_engine()
            atexit.register(_engine.close)
        return _engine


def answer(question: str, filters: Filters | None = None) -> Answer:
    """Answer a question over the library with default settings; builds the store at first use.

    Args:
        question: What to answer.
        filters: Which articles to search; all when left out.

    Raises:
        QuestionError: The question is empty or too long.
        RagError: Settings, store or embedding model cannot be used.
    """
    return engine().answer(question, filters)
