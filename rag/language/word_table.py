"""Measure how close two words are in meaning (`frontier`, `border`), from the embedding model's own word table."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from rag.language.words import fold

_log = logging.getLogger(__name__)
_TABLE = "word_embeddings.weight"
# Words with a cosine below the first value are unrelated; from the second value on they mean the same
# (docs/answering.md).
_UNRELATED, _SYNONYM = 0.15, 0.4


class WordTable:
    """The input embeddings of a WordPiece model: one vector for each word of its vocabulary, whatever its context.

    Args:
        words: Each whole word of the vocabulary with its row.
        table: Their vectors, float32 of shape (rows, dimensions).
    """

    def __init__(self, words: dict[str, int], table: npt.NDArray[np.float32]) -> None:
        self._words = words
        self._table = table

    def nearness(self, asked: Sequence[str], said: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return how close each word of `asked` is to each of `said`: 0 unrelated or unknown, 1 the same.

        Returns:
            float32 of shape (asked, said).
        """
        found = np.zeros((len(asked), len(said)), dtype=np.float32)
        rows = [(n, row) for n, word in enumerate(asked) if (row := self._row(word)) is not None]
        columns = [(n, row) for n, word in enumerate(said) if (row := self._row(word)) is not None]
        if rows and columns:
            cosines = self._directions([r for _, r in rows]) @ self._directions([r for _, r in columns]).T
            near = np.clip((cosines - _UNRELATED) / (_SYNONYM - _UNRELATED), 0.0, 1.0)
            found[np.ix_([n for n, _ in rows], [n for n, _ in columns])] = near
        return found

    def _directions(self, rows: list[int]) -> npt.NDArray[np.float32]:
        vectors = self._table[rows]
        directions: npt.NDArray[np.float32] = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-12)
        return directions

    def _row(self, word: str) -> int | None:
        return self._words.get(fold(word).removesuffix("'s"))


@lru_cache(maxsize=2)
def load(folder: Path) -> WordTable | None:
    """Return the word table of the embedding model in a folder; None if it has none."""
    try:
        model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
        if model.get("type") != "WordPiece":
            return None
        with safe_open(folder / "model.safetensors", "np") as weights:
            name = next((key for key in weights.keys() if key.endswith(_TABLE)), None)  # noqa: SIM118  # no mapping
            if name is None:
                return None
            table = weights.get_tensor(name).astype(np.float32, copy=False)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        _log.info("%s has no table of words: %s", folder, error)
        return None
    table -= table.mean(axis=0)  # what all words have in common does not help to compare them
    words = {word: row for word, row in model["vocab"].items() if word.isalpha() and row < len(table)}
    return WordTable(words, table)
