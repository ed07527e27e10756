"""The vector store: Chroma through LlamaIndex's `ChromaVectorStore`. Only this module knows Chroma."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import numpy.typing as npt
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError
from llama_index.core.schema import BaseNode, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores import FilterOperator, MetadataFilter, MetadataFilters, VectorStoreQuery
from llama_index.vector_stores.chroma import ChromaVectorStore

from rag.errors import StoreError
from rag.types import Chunk, Document

COLLECTION = "dateline"
_PAGE = 1000


class VectorStore:
    """The passages' vectors in a local Chroma folder, cosine distance.

    Args:
        folder: The folder of Chroma's `PersistentClient`; made when missing.

    Raises:
        StoreError: Chroma cannot use the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            # Typed as the concrete client: the abstract one does not say that it can be closed.
            self._client: Any = chromadb.PersistentClient(str(folder), ChromaSettings(anonymized_telemetry=False))
            self._collection = self._client.get_or_create_collection(
                COLLECTION, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
            )
        except Exception as error:  # on a damaged folder the bindings raise whatever comes
            raise self._error(error) from error
        self.llama_index = ChromaVectorStore(chroma_collection=self._collection)

    def close(self) -> None:
        """Let go of the folder."""
        self._client.close()

    def add(self, entries: Iterable[tuple[Chunk, Document, npt.NDArray[np.float32]]]) -> None:
        """Add passages with their vectors (float32, shape (dimensions,), unit length)."""
        nodes: list[BaseNode] = [_node(chunk, document, vector) for chunk, document, vector in entries]
        if nodes:
            try:
                self.llama_index.add(nodes)
            except (ChromaError, OSError, ValueError, RuntimeError) as error:
                raise self._error(error) from error

    def remove(self, chunk_ids: Sequence[str]) -> None:
        """Remove these passages."""
        for first in range(0, len(chunk_ids), _PAGE):
            try:
                self.llama_index.delete_nodes(list(chunk_ids[first : first + _PAGE]))
            except (ChromaError, OSError, ValueError, RuntimeError) as error:
                raise self._error(error) from error

    def count(self) -> int:
        """Return the number of passages in Chroma."""
        return int(self._collection.count())

    def ids(self) -> list[str]:
        """Return the ids of all passages, read in pages (one read of everything fails on large stores)."""
        found: list[str] = []
        while page := self._collection.get(limit=_PAGE, offset=len(found), include=[])["ids"]:
            found.extend(page)
        return found

    def search(
        self, vector: npt.NDArray[np.float32], limit: int, documents: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        """Return the nearest passages as (chunk id, cosine), best first.

        Args:
            vector: The question's vector, shape (dimensions,), unit length.
            limit: How many, at most.
            documents: Ids of the documents to look in; all when there are none.
        """
        limit = min(limit, self.count())
        if limit < 1:
            return []
        query = VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=limit)
        if documents:
            among = MetadataFilter(key="ref_doc_id", operator=FilterOperator.IN, value=list(documents))
            query.filters = MetadataFilters(filters=[among])
        try:
            result = self.llama_index.query(query)
        except (ChromaError, OSError, ValueError, RuntimeError) as error:
            raise self._error(error) from error
        # LlamaIndex gives exp(-distance), and Chroma's cosine distance is 1 - cosine.
        similarities = result.similarities or []
        return [(i, 1.0 + math.log(s)) for i, s in zip(result.ids or [], similarities, strict=True)]

    def _error(self, error: Exception) -> StoreError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return StoreError(
            f"Chroma failed on {self._folder}: {reason}; check the disk, or remove that folder to rebuild it"
        )


def _node(chunk: Chunk, document: Document, vector: npt.NDArray[np.float32]) -> TextNode:
    return TextNode(
        id_=chunk.id,
        text=chunk.text,
        start_char_idx=chunk.start,
        end_char_idx=chunk.end,
        metadata={"source": document.source, "title": document.title},
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document.id)},
        embedding=vector.tolist(),
    )
