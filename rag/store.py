"""The vector store: Chroma, written so that LlamaIndex reads it too. Only this module knows Chroma."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import chromadb
import numpy as np
import numpy.typing as npt
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.utils import node_to_metadata_dict
from llama_index.vector_stores.chroma import ChromaVectorStore

from rag.errors import StoreError
from rag.types import Chunk, Document

COLLECTION = "dateline"
_PAGE = 1000
# The last is what a reader meets whose client is closed meanwhile.
_FAILURES: tuple[type[Exception], ...] = (ChromaError, OSError, ValueError, RuntimeError, AttributeError)

Vector = npt.NDArray[np.float32]


class Record(NamedTuple):
    """A passage as Chroma holds it."""

    vector: Vector
    metadata: dict[str, Any]
    text: str


class VectorStore:
    """The passages' vectors in a local Chroma folder, cosine distance.

    Args:
        folder: The folder of Chroma's `PersistentClient`; made when missing.

    Raises:
        StoreError: Chroma cannot use the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._failed = False
        self._connecting = threading.Lock()
        self._client: Any = None  # the concrete client: the abstract one does not say that it can be closed
        self._connect()

    @property
    def llama_index(self) -> ChromaVectorStore:
        """Return LlamaIndex's view of the same collection."""
        return ChromaVectorStore(chroma_collection=self._collection)

    def close(self) -> None:
        """Let go of the folder."""
        self._client.close()

    def put(self, entries: Iterable[tuple[Chunk, Document, Vector]]) -> None:
        """Write passages with their vectors (shape (dimensions,), unit length), instead of what was under their ids."""
        page = list(entries)
        for first in range(0, len(page), self.most):
            part = page[first : first + self.most]
            records = [record(*entry) for entry in part]
            with self._writing() as collection:
                collection.upsert(
                    ids=[chunk.id for chunk, _, _ in part],
                    embeddings=np.stack([r.vector for r in records]),
                    metadatas=[r.metadata for r in records],
                    documents=[r.text for r in records],
                )

    def remove(self, chunk_ids: Sequence[str]) -> None:
        """Remove these passages."""
        for first in range(0, len(chunk_ids), self.most):
            with self._writing() as collection:
                collection.delete(ids=list(chunk_ids[first : first + self.most]))

    def count(self) -> int:
        """Return the number of passages in Chroma."""
        with self._reading() as collection:
            return int(collection.count())

    def ids(self) -> Iterator[str]:
        """Yield the ids of all passages, read in pages (one read of everything fails on large stores)."""
        offset = 0
        while page := self._ids(offset):
            yield from page
            offset += len(page)

    def records(self, chunk_ids: Sequence[str]) -> dict[str, Record]:
        """Return what Chroma holds under these ids, at most one page of them."""
        with self._reading() as collection:
            found = collection.get(ids=list(chunk_ids), include=["embeddings", "metadatas", "documents"])
        columns = zip(found["ids"], found["embeddings"], found["metadatas"], found["documents"], strict=True)
        return {i: Record(np.asarray(v, dtype=np.float32), dict(m or {}), str(t)) for i, v, m, t in columns}

    def search(self, vector: Vector, limit: int) -> list[tuple[str, float]]:
        """Return the nearest passages as (chunk id, cosine), best first.

        Args:
            vector: The question's vector, shape (dimensions,), unit length.
            limit: How many, at most.
        """
        if limit < 1:
            return []
        with self._reading() as collection:
            found = collection.query(query_embeddings=[vector], n_results=limit, include=["distances"])
        return [(i, 1.0 - float(distance)) for i, distance in zip(found["ids"][0], found["distances"][0], strict=True)]

    def _ids(self, offset: int) -> list[str]:
        with self._reading() as collection:
            return list(collection.get(limit=_PAGE, offset=offset, include=[])["ids"])

    def _connect(self) -> None:
        with self._translated(Exception):  # on a damaged folder the bindings raise whatever comes
            client = chromadb.PersistentClient(str(self._folder), ChromaSettings(anonymized_telemetry=False))
            self._client = client
            self._collection = client.get_or_create_collection(
                COLLECTION, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
            )
            self.most = min(_PAGE, int(client.get_max_batch_size()))

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """Lend the collection for a write."""
        try:
            with self._reading() as collection:
                yield collection
        except StoreError:
            self._failed = True
            raise

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        """Lend the collection, of a new client if a write has failed: the old one may let its callers wait for ever."""
        with self._connecting:
            if self._failed:
                self._client.close()
                self._connect()
                self._failed = False
            collection = self._collection
        with self._translated():
            yield collection

    @contextmanager
    def _translated(self, *more: type[Exception]) -> Iterator[None]:
        try:
            yield
        except (*_FAILURES, *more) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise StoreError(
                f"Chroma failed on {self._folder}: {reason}; check the disk's space, or remove that folder to have it "
                "rebuilt"
            ) from error


def record(chunk: Chunk, document: Document, vector: Vector) -> Record:
    """Return a passage as LlamaIndex's `ChromaVectorStore` writes it."""
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
    # Half of a surrogate pair is no character to Chroma.
    return text.encode("utf-8", "replace").decode("utf-8")
