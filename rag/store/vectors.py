"""The vector store: Chroma, written so that LlamaIndex can read it too. Only this module uses Chroma."""

from __future__ import annotations

import queue
import shutil
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import chromadb
import numpy as np
import numpy.typing as npt
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError

from rag.errors import StoreError, one_line
from rag.store.database import check_schema
from rag.types import Chunk, Document

if TYPE_CHECKING:
    from llama_index.vector_stores.chroma import ChromaVectorStore

COLLECTION = "dateline"
# Chroma looks at so many passages on its way. With its 100, 5 of 6 of the nearest five of a million are found, with 400
# nearly all, in 10 instead of 4 ms (`python -m bench.million`).
HNSW: Any = {"space": "cosine", "ef_search": 400}
_PAGE = 1000
_LONGEST = 60.0  # seconds that one call to Chroma may take
# The last is what a reader gets when its client is closed meanwhile.
_FAILURES: tuple[type[Exception], ...] = (
    ChromaError,
    OSError,
    ValueError,
    RuntimeError,
    AttributeError,
    TypeError,
    KeyError,
    IndexError,
)

Vector = npt.NDArray[np.float32]
T = TypeVar("T")


class Record(NamedTuple):
    """A passage as Chroma stores it."""

    vector: Vector
    metadata: dict[str, Any]
    text: str


class VectorStore:
    """The passages' vectors in a local Chroma folder, with cosine distance.

    Args:
        folder: The folder of Chroma's `PersistentClient`. It is created if missing.

    Raises:
        StoreError: Chroma cannot use the folder.
    """

    home = ""  # where the vectors are: in the store's folder, or in this collection of a server
    most = _PAGE  # passages written together

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.failed = False  # a write failed or a call timed out: until a write succeeds, do not search here
        self._client: Any = None  # the concrete client: the abstract one does not say that it can be closed
        self._connect()

    @property
    def llama_index(self) -> ChromaVectorStore:
        """Return LlamaIndex's view of the same collection."""
        from llama_index.vector_stores.chroma import ChromaVectorStore

        return ChromaVectorStore(chroma_collection=self._collection)

    @property
    def down(self) -> bool:
        """Return whether the vectors are on a server that did not answer last time."""
        return False

    def reach(self) -> None:
        """Try to reach the server that has the vectors, if one has them.

        Raises:
            VectorServerError: It is down.
        """

    def close(self) -> None:
        """Close the client and release the folder."""
        self._client.close()

    def clear(self) -> None:
        """Delete the folder, whatever state its files are in, and start with an empty one."""
        self._client.close()
        shutil.rmtree(self._folder)
        self._connect()
        self.failed = False

    def put(self, entries: Iterable[tuple[Chunk, Document, Vector]]) -> None:
        """Write or replace passages with their vectors (shape (dimensions,), unit length)."""
        page = list(entries)
        for first in range(0, len(page), self.most):
            part = page[first : first + self.most]
            records = [record(*entry) for entry in part]
            columns = {
                "ids": [chunk.id for chunk, _, _ in part],
                "embeddings": np.stack([r.vector for r in records]),
                "metadatas": [r.metadata for r in records],
                "documents": [r.text for r in records],
            }
            self._write("upsert", **columns)

    def remove(self, chunk_ids: Sequence[str]) -> None:
        """Remove these passages."""
        for first in range(0, len(chunk_ids), self.most):
            self._write("delete", ids=list(chunk_ids[first : first + self.most]))

    def count(self) -> int:
        """Return the number of passages in Chroma."""
        return int(self._ask("count"))

    def ids(self) -> Iterator[str]:
        """Yield the ids of all passages, read in pages (one read of everything fails on large stores)."""
        offset = 0
        while page := self._ids(offset):
            yield from page
            offset += len(page)

    def records(self, chunk_ids: Sequence[str]) -> dict[str, Record]:
        """Return what Chroma stores under these ids, of which there may be at most one page."""
        found = self._ask("get", ids=list(chunk_ids), include=["embeddings", "metadatas", "documents"])
        columns = zip(found["ids"], found["embeddings"], found["metadatas"], found["documents"], strict=True)
        return {i: Record(np.asarray(v, dtype=np.float32), dict(m or {}), str(t)) for i, v, m, t in columns}

    def search(self, vector: Vector, limit: int) -> list[tuple[str, float]]:
        """Return the nearest passages as (chunk id, cosine), best first.

        Args:
            vector: The question's vector, shape (dimensions,), unit length.
            limit: The most passages to return.
        """
        if limit < 1:
            return []
        found = self._ask("query", query_embeddings=[vector], n_results=limit, include=["distances"])
        return [(i, 1.0 - float(distance)) for i, distance in zip(found["ids"][0], found["distances"][0], strict=True)]

    def _ids(self, offset: int) -> list[str]:
        return list(self._ask("get", limit=_PAGE, offset=offset, include=[])["ids"])

    def _connect(self) -> None:
        check_schema(self._folder / "chroma.sqlite3")  # if it is not text, Chroma aborts the whole process
        with self._translated(Exception), self._forgotten():  # on a damaged folder the bindings raise anything
            client = chromadb.PersistentClient(str(self._folder), ChromaSettings(anonymized_telemetry=False))
            self._client = client
            self._collection = client.get_or_create_collection(
                COLLECTION, configuration={"hnsw": HNSW}, embedding_function=None
            )
            if self._collection.configuration_json["hnsw"]["ef_search"] != HNSW["ef_search"]:
                # It was made by an older version. Chroma heeds this when it opens the collection again, and warns that
                # the collection has no embedding function.
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)
                    self._collection.modify(configuration={"hnsw": {"ef_search": HNSW["ef_search"]}})
            self.most = min(_PAGE, int(client.get_max_batch_size()))

    @contextmanager
    def _forgotten(self) -> Iterator[None]:
        """Make Chroma forget a client that could not be created; otherwise it would return that one again."""
        try:
            yield
        except BaseException:
            SharedSystemClient._identifier_to_system.pop(str(self._folder), None)
            SharedSystemClient._identifier_to_refcount.pop(str(self._folder), None)
            raise

    def _write(self, what: str, **columns: Any) -> None:
        """Write to the collection, with a new client if the last write failed: the old one may wait for ever."""
        if self.failed:
            self._client.close()
            self._connect()
        try:
            self._ask(what, **columns)
        except StoreError:
            self.failed = True
            raise
        self.failed = False

    def _ask(self, what: str, **asked: Any) -> Any:
        """Call the collection with a timeout: after a failed write on a full disk it may never answer."""
        work = getattr(self._collection, what)
        with self._translated():
            try:
                return in_time(lambda: work(**asked), _LONGEST)
            except queue.Empty as silence:
                self.failed = True
                raise self._error(f"no answer in {_LONGEST:.0f} s") from silence

    @contextmanager
    def _translated(self, *more: type[Exception]) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if not isinstance(error, (*_FAILURES, *more)) and type(error).__name__ != "PanicException":
                raise
            raise self._error(one_line(error, first=True)) from error

    def _error(self, reason: str) -> StoreError:
        return StoreError(
            f"Chroma failed on {self._folder}: {reason}; check the disk's space, run: rag doctor --repair, or "
            "remove that folder to have it rebuilt"
        )


def in_time(work: Callable[[], T], seconds: float) -> T:
    """Return what the work returns, or raise what it raises.

    Raises:
        queue.Empty: It did not end in time; it goes on in a thread of its own.
    """
    answers: queue.SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put((work(), None))
        except BaseException as error:  # a Rust panic is not an Exception
            answers.put((None, error))

    # A separate thread, since nothing else ends the wait; a daemon, so that a stuck one does not keep Python alive.
    threading.Thread(target=ask, name="chroma", daemon=True).start()
    answer, error = answers.get(timeout=seconds)
    if error is not None:
        raise error
    return cast(T, answer)


def record(chunk: Chunk, document: Document, vector: Vector) -> Record:
    """Return a passage in the form that LlamaIndex's `ChromaVectorStore` writes."""
    # Imported here because LlamaIndex takes seconds to import, and only writing needs it.
    from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
    from llama_index.core.vector_stores.utils import node_to_metadata_dict

    node = TextNode(
        id_=chunk.id,
        text=_whole(chunk.text),
        start_char_idx=chunk.start,
        end_char_idx=chunk.end,
        metadata={"source": _whole(document.source), "title": _whole(document.title)},
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document.id)},
    )
    metadata = node_to_metadata_dict(node, remove_text=True, flat_metadata=True)
    return Record(vector, {key: "" if value is None else value for key, value in metadata.items()}, node.text)


def _whole(text: str) -> str:
    # Chroma does not accept half of a surrogate pair.
    return text.encode("utf-8", "replace").decode("utf-8")
