"""`rag doctor`: check that the configured models and store work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from llama_index.core.base.llms.types import ChatMessage

from rag.cli.console import count
from rag.errors import RagError, StoreError, StoreLockedError, StoreMismatchError, VectorServerError, one_line
from rag.models import registry
from rag.models.llm import make_llm
from rag.models.profile import is_extractive
from rag.models.reply import stream_chat
from rag.settings import DEFAULT_COLLECTION, Settings
from rag.store import salvage
from rag.store.collections import folder_of
from rag.store.index import Index
from rag.store.lock import owned
from rag.store.opening import collection_names, open_index
from rag.store.vector_server import ChromaServer

_MOST = 20  # problems listed
Check = tuple[str, bool, str]


def checks(settings: Settings, repair: bool = False) -> Iterator[Check]:
    """Yield each check as (name, whether there is a problem, what was found or what to do).

    Args:
        settings: The configuration.
        repair: Repair the store from its documents if something is wrong with it.
    """

    def embedding() -> Iterator[tuple[bool, str]]:
        if not any(settings.embedding == model.name for model in registry.MODELS):
            yield False, f"{settings.embedding} (not one of ours)"
        else:
            yield False, f"{settings.embedding}, verified: {registry.path(settings.embedding, settings.models)}"

    def llm() -> Iterator[tuple[bool, str]]:
        if is_extractive(settings):
            yield False, "none: the best sentence is the answer"
            return
        made = make_llm(settings, lambda name: registry.path(name, settings.models))
        asked = [ChatMessage(role="user", content="Answer with one word: ready")]
        *_, (said, _, _) = stream_chat(made, asked, settings.llm_timeout)
        yield False, f"{made.metadata.model_name} answers ({said.strip()[:20]!r})"

    found: tuple[tuple[str, Callable[[], Iterator[tuple[bool, str]]]], ...] = (
        ("embedding model", embedding),
        ("answer model", llm),
        *_stores(settings, repair),
    )
    for name, check in found:
        try:
            for problem, detail in check():
                yield name, problem, detail
        except RagError as error:
            yield name, True, str(error)
        except Exception as error:  # the other checks continue, whatever the error
            yield name, True, one_line(error, named=True)


def _stores(settings: Settings, repair: bool) -> Iterator[tuple[str, Callable[[], Iterator[tuple[bool, str]]]]]:
    """Yield a check of each collection, the default one first."""
    names = [DEFAULT_COLLECTION]
    with suppress(StoreError):  # the check of the first one says what is wrong
        names += collection_names(settings)[1:]
    for name in names:
        title = f"collection {name}" if name != DEFAULT_COLLECTION else "store"
        if settings.database is None:
            yield title, partial(_store, folder_of(settings.store, name), settings, repair)
        else:
            yield title, partial(_shared, settings.model_copy(update={"collection": name}), repair)


def _shared(settings: Settings, repair: bool) -> Iterator[tuple[bool, str]]:
    """Check a collection in PostgreSQL, and the indexes of this process."""
    index = open_index(settings, settings.embedding)
    try:
        if (found := list(index.problems())) and repair:
            yield from ((False, f"mended: {line}") for line in _limited(index.repair()))
            found = list(index.problems())
        yield from _said(index, found, index.name, "look into the database's log" if repair else "")
    finally:
        index.close()


def _store(folder: Path, settings: Settings, repair: bool) -> Iterator[tuple[bool, str]]:
    index, done = _opened(folder, settings, repair)
    try:
        yield from ((False, f"mended: {line}") for line in done)
        found = list(index.problems())
        if found and repair:
            index.close()
            index, mended = _mended(folder, settings)
            yield from ((False, f"mended: {line}") for line in _limited(mended))
            found = list(index.problems())
        yield from _said(
            index, found, str(folder), "ingest the articles into another folder, with --store" if repair else ""
        )
    finally:
        index.close()


def _said(index: Index, found: Sequence[str], where: str, left: str) -> Iterator[tuple[bool, str]]:
    """Say what was found; `left` is what can still be done after a repair."""
    if found:
        yield from ((True, line) for line in _limited(found))
        yield True, f"{count(len(found), 'problem')} in {where}; {left or 'run: rag doctor --repair'}"
        return
    documents, passages, sentences = index.documents.count()
    made = index.documents.get_meta("embedding_path")
    yield (
        False,
        f"{count(documents, 'article')}, {count(passages, 'passage')}, {count(sentences, 'sentence')} "
        f"in {where}{f', embedded by {made}' if made else ''}; both indexes agree with them",
    )


def _opened(folder: Path, settings: Settings, repair: bool) -> tuple[Index, list[str]]:
    """Return the open store, checked to be readable, and the repairs made for that (only with `repair`)."""
    try:
        index = Index.open(folder, settings.embedding, ChromaServer.of(settings))
    except (StoreLockedError, StoreMismatchError):
        raise
    except StoreError:
        if not repair:
            raise
        return _rebuilt(folder, settings)
    try:
        list(index.problems())
        return index, []
    except VectorServerError:
        index.close()
        raise
    except RagError:
        index.close()
        if not repair:
            raise
        return _rebuilt(folder, settings)


def _rebuilt(folder: Path, settings: Settings) -> tuple[Index, list[str]]:
    with owned(folder):
        done = salvage.mend_database(folder, settings.embedding)
        path = folder / "documents.db"
        if path.exists() and path.stat().st_size:
            salvage.drop_indexes(folder)
            done.append("both indexes were made again from the documents")
    index = Index.open(folder, settings.embedding, ChromaServer.of(settings))
    return index, [*done, *_limited(index.taken_out)]


def _mended(folder: Path, settings: Settings) -> tuple[Index, list[str]]:
    """Repair the database if it is damaged, then everything that does not agree with it."""
    with owned(folder):
        done = salvage.mend_database(folder, settings.embedding)
    index = Index.open(folder, settings.embedding, ChromaServer.of(settings))
    try:
        return index, [*done, *index.repair()]
    except StoreError:  # an index no longer accepts writes
        index.close()
    index, more = _rebuilt(folder, settings)
    return index, [*done, *more]


def _limited(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"and {len(lines) - _MOST:,} more"
