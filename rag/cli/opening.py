"""Open the engine for one question while its models load."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from rag.errors import RagError
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.engine import Engine
    from rag.models.runtime import Models

_log = logging.getLogger(__name__)


def open_for_one(settings: Settings, notify: Callable[[str], None]) -> Engine:
    """Return an engine whose models for finding sentences are loaded; see `open_engine`.

    They load in a thread while this one imports and opens the store: on two processors that takes as long as the longer
    of the two.

    Args:
        settings: The configuration.
        notify: Called with one line when the store is filled.
    """
    # Everything that is made now stays to the end, so looking for what is not used any more would only take time.
    gc.disable()
    try:
        return _opened(settings, notify)
    finally:
        gc.freeze()
        gc.enable()


def _opened(settings: Settings, notify: Callable[[str], None]) -> Engine:
    from rag.models.runtime import Models

    models = Models(settings)
    embedding = models.embedding()
    failed: list[Exception] = []
    loading = threading.Thread(target=_load, args=(models, failed), name="dateline-load", daemon=True)
    loading.start()
    try:
        from rag.shared_engine import open_engine

        engine = open_engine(settings, notify, embedding=embedding)
    finally:
        loading.join()
    for error in failed:
        engine.close()
        raise error  # with too little memory, nothing else would work either
    return engine


def _load(models: Models, failed: list[Exception]) -> None:
    try:
        models.load()
    except RagError as error:  # the answer will say so
        _log.info("%s", error)
    except Exception as error:  # this thread cannot report it
        failed.append(error)
