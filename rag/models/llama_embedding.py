"""The embedding model with LlamaIndex's interface; apart, because LlamaIndex takes seconds to import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr

if TYPE_CHECKING:
    from rag.models.embedding import PassageEmbedding


class LlamaEmbedding(BaseEmbedding):
    """An embedding model as LlamaIndex calls it.

    Args:
        embedding: The model.
    """

    _embedding: Any = PrivateAttr()

    def __init__(self, embedding: PassageEmbedding) -> None:
        super().__init__(model_name=embedding.model_name)
        self._embedding = embedding

    @classmethod
    def class_name(cls) -> str:
        """Return the name LlamaIndex stores with a serialised component."""
        return "PassageEmbedding"

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [list(map(float, row)) for row in self._embedding.embed_texts(texts)]

    def _get_query_embedding(self, query: str) -> list[float]:
        return list(map(float, self._embedding.embed_question(query)))

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)
