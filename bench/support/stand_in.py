"""An embedding that needs no model: texts that share words have similar vectors."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.language.words import terms
from rag.models.embedding import PassageEmbedding
from rag.types import Chunk

DIMENSIONS = 384  # as many as the real model has


class StandIn(PassageEmbedding):
    """An embedding that counts words in hashed dimensions, at thousands of passages a second.

    It is for measurements that do not depend on what vectors mean. It has the real model's name, so a store that is
    filled with it also opens with the real model.

    Args:
        name: The model's name in the store.
        wait: Seconds that each passage takes besides, so that an ingest lasts a while.
    """

    def __init__(self, name: str = "all-MiniLM-L6-v2", wait: float = 0.0) -> None:
        super().__init__("no-folder", name)
        self.wait = wait

    @property
    def path(self) -> str:
        """Return the path that the store records."""
        return "stand-in"

    def load(self) -> None:
        """Do nothing, since there is nothing to load."""

    def embed_passages(self, chunks: Sequence[Chunk]) -> list[npt.NDArray[np.float32]]:
        """Return for each passage a unit row for the passage and one for each of its sentences."""
        time.sleep(self.wait * len(chunks))
        return [
            self._encode([c.text, *(c.text[s.start - c.start : s.end - c.start] for s in c.sentences)]) for c in chunks
        ]

    def _encode(self, texts: list[str], *_: Any, **__: Any) -> npt.NDArray[np.float32]:
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[0] = 0.01  # so that no vector is zero
            for term in terms(text):
                row[zlib.crc32(term.encode("utf-8", "surrogatepass")) % DIMENSIONS] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)
