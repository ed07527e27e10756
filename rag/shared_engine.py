"""Open the engine behind `answer()`, `rag ask` and `rag chat`, with the shipped articles in a new store."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from rag.engine import Engine
from rag.errors import SettingsError, StoreError, UsageError
from rag.models.embedding import PassageEmbedding
from rag.models.runtime import Models
from rag.settings import DEFAULT_COLLECTION, Settings
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


def open_engine(
    settings: Settings | None = None,
    notify: Callable[[str], None] | None = None,
    *,
    embedding: PassageEmbedding | None = None,
) -> Engine:
    """Return an engine; a default collection that was never used is filled with the shipped articles.

    A collection that was used is left unchanged, even if it is empty.

    Args:
        settings: The configuration.
        notify: Called with one line when the store is filled.
        embedding: Embedding model to use instead of the one that the settings name.
    """
    engine = Engine(settings, embedding=embedding)
    if engine.is_new and engine.settings.collection == DEFAULT_COLLECTION:
        try:
            engine.ingest(seeds_folder())
        except BaseException:
            engine.close()
            raise
        if notify:
            notify(f"made a new library in {engine.place} from the shipped articles")
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


def support(claim: str, evidence: Sequence[str], question: str | None = None) -> float:
    """Return how likely evidence supports a claim, with the judge of the default settings; needs no library.

    Args:
        claim: A statement, or a short answer to the question.
        evidence: Sentences, or longer texts, of which the judge reads the sentences nearest to the claim.
        question: The question that the claim answers; None if it stands alone.

    Returns:
        A probability in [0, 1], for a claim of several sentences that of the least likely; 0.0 without evidence.

    Raises:
        UsageError: The claim is empty.
        SettingsError: The judge is turned off.
        ModelError: The judge cannot be used.
    """
    from rag.answering.support import supported_by

    if not claim.strip():
        raise UsageError("the claim is empty; give a statement or a short answer")
    judge = Models(Settings()).judge()
    if judge is None:
        raise SettingsError("claims are judged by the judge, which is turned off; set 'judge' to judge")
    return supported_by(judge, claim, evidence, question)
