"""Rerank sentences with a cross-encoder, which reads each with the question: slower than vectors, more accurate."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.errors import ModelError, one_line

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class Reranker:
    """Any sentence-transformers `CrossEncoder`, loaded at first use. Thread-safe.

    Args:
        name: The model's folder, or any name that sentence-transformers resolves without a network.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._model: CrossEncoder | None = None
        self._lock = threading.Lock()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return how well each text answers the question, higher is better.

        Raises:
            ModelError: The model cannot be loaded, or gives more than one score for a text.
        """
        with self._lock:
            if self._model is None:
                self._model = self._load()
            found = self._model.predict([(question, text) for text in texts], show_progress_bar=False)
        return [float(score) for score in found]

    def _load(self) -> CrossEncoder:
        # Imported here because it takes seconds and only a cross-encoder needs it.
        from sentence_transformers import CrossEncoder
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        try:
            model = CrossEncoder(self.name, device="cpu", local_files_only=True)
        except Exception as error:  # a damaged folder can fail in many ways
            raise ModelError(
                f"the cross-encoder {self.name} cannot be loaded: {one_line(error, first=True)}; "
                "correct the setting 'reranker' or leave it out"
            ) from error
        if model.num_labels != 1:
            raise ModelError(
                f"{self.name} gives {model.num_labels} scores for a pair, a cross-encoder for ranking gives one; "
                "correct the setting 'reranker' or leave it out"
            )
        return model
