"""Passages and questions to vectors. Only this module knows sentence-transformers, which it imports when first used."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr

from rag.errors import ModelError
from rag.types import Chunk

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = npt.NDArray[np.float32]

# Large batches are slower on a processor: padding grows and the cache overflows.
_BATCH = 8


class PassageEmbedding(BaseEmbedding):
    """A sentence-transformers model behind LlamaIndex's embedding interface.

    Beside what LlamaIndex asks for it embeds a passage together with each of its sentences in one forward pass: a
    sentence's vector is the mean of its tokens' embeddings inside the passage, so its context is in it.

    Args:
        folder: The model's folder, or any name sentence-transformers resolves without a network.
        name: What the model is called in the store.

    Raises:
        ModelError: The model cannot be loaded (raised at first use).
    """

    folder: str
    _model: Any = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default_factory=threading.RLock)

    def __init__(self, folder: Path | str, name: str) -> None:
        super().__init__(folder=str(folder), model_name=name, embed_batch_size=_BATCH)

    @classmethod
    def class_name(cls) -> str:
        """Return the name LlamaIndex stores with a serialised component."""
        return "PassageEmbedding"

    def load(self) -> None:
        """Load the model now instead of at first use."""
        self._loaded()

    def embed_question(self, text: str) -> Vectors:
        """Return the unit vector of a question, float32 of shape (dimensions,)."""
        vector: Vectors = self._encode([text])[0]
        return vector

    def embed_passages(self, chunks: Sequence[Chunk]) -> list[Vectors]:
        """Return for each passage a float32 array of shape (1 + sentences, dimensions), rows of unit length.

        The first row is the passage's own vector, the others are its sentences' in order.
        """
        model = self._loaded()
        # Similar lengths together keep the padding small.
        order = sorted(range(len(chunks)), key=lambda i: len(chunks[i].text))
        done: dict[int, Vectors] = {}
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            with self._lock:
                outputs = model.encode(
                    [chunks[i].text for i in batch], output_value=None, batch_size=_BATCH, show_progress_bar=False
                )
            for i, output in zip(batch, outputs, strict=True):
                done[i] = self._passage_vectors(chunks[i], output)
        return [done[i] for i in range(len(chunks))]

    def _passage_vectors(self, chunk: Chunk, output: dict[str, Any]) -> Vectors:
        model = self._loaded()
        rows: list[Vectors | None] = [_unit(output["sentence_embedding"].float().numpy())]
        tokens = output["token_embeddings"].float().numpy()
        with self._lock:
            offsets = model.tokenizer(chunk.text, return_offsets_mapping=True, truncation=True, max_length=len(tokens))[
                "offset_mapping"
            ]
        starts = np.array([start for start, _ in offsets[: len(tokens)]])
        ends = np.array([end for _, end in offsets[: len(tokens)]])
        for span in chunk.sentences:
            # Special tokens have the empty offset (0, 0) and belong to no sentence.
            inside = (starts >= span.start - chunk.start) & (ends <= span.end - chunk.start) & (ends > starts)
            rows.append(_unit(tokens[: len(inside)][inside].mean(axis=0)) if inside.any() else None)
        # A sentence beyond the model's window has no tokens in the passage: it is embedded by itself.
        missing = [n for n, row in enumerate(rows) if row is None]
        if missing:
            texts = [chunk.text[s.start - chunk.start : s.end - chunk.start] for s in chunk.sentences]
            for n, vector in zip(missing, self._encode([texts[n - 1] for n in missing]), strict=True):
                rows[n] = vector
        return np.stack([row for row in rows if row is not None])

    def _encode(self, texts: list[str]) -> Vectors:
        model = self._loaded()
        with self._lock:
            vectors = model.encode(texts, batch_size=_BATCH, show_progress_bar=False, normalize_embeddings=True)
        return np.asarray(vectors, dtype=np.float32)

    def _loaded(self) -> SentenceTransformer:
        with self._lock:
            if self._model is None:
                # Imported here because it takes seconds, which `rag sources` or an import of rag need not pay.
                from sentence_transformers import SentenceTransformer
                from transformers.utils.logging import disable_progress_bar

                disable_progress_bar()
                try:
                    self._model = SentenceTransformer(self.folder, device="cpu", local_files_only=True)
                except Exception as error:  # a damaged folder fails in as many ways as it has files
                    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                    raise ModelError(
                        f"embedding model {self.folder} cannot be loaded: {reason}; "
                        "run: rag models verify, or correct the setting 'embedding'"
                    ) from error
            model: SentenceTransformer = self._model
            return model

    def _get_text_embedding(self, text: str) -> list[float]:
        return list(map(float, self._encode([text])[0]))

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [list(map(float, row)) for row in self._encode(texts)]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length else vector, dtype=np.float32)
