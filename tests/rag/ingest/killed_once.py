"""An embedding for workers of a cluster: quick to import there, and the first of them is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag.errors import ModelError
from rag.models.embedding import PassageEmbedding
from rag.types import Chunk


class KilledOnce(PassageEmbedding):
    """Its first process ends when it embeds; the one after it works. Nothing is embedded where it was made.

    Args:
        mark: A file that says that one was killed.
    """

    def __init__(self, mark: Path) -> None:
        super().__init__("no-folder", "fake-embedding")
        self.mark, self.made_in = mark, os.getpid()

    @property
    def path(self) -> str:
        return "fake"

    def embed_passages(self, chunks: Sequence[Chunk]) -> list[npt.NDArray[np.float32]]:
        """Return for each passage unit rows that depend on its length."""
        assert os.getpid() != self.made_in
        if not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return [np.eye(1 + len(c.sentences), 256, len(c.text) % 200, dtype=np.float32) for c in chunks]


class Missing(PassageEmbedding):
    """An embedding that is not on the workers' machines."""

    @property
    def path(self) -> str:
        raise ModelError("no weights in /models; run: rag models pull")
