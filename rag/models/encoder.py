"""What all embedding backends have in common: their interface, pooling, and the accuracy that they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rag.types import Span

Vectors = npt.NDArray[np.float32]

EXACT = 0.995  # lowest accepted cosine to the vectors of the model as published
# Texts for comparing backends: short, long, names, figures, other scripts, and one beyond every usual window.
_QUESTIONS = ("How much additional aid did Harris announce?", "Cod.", "¿Quién es el canciller de México?")
_PASSAGES = (
    ("The cod left the harbour in spring.", "Nobody in the town objected to the ban on night fishing."),
    ("On 12 July 2024 the court fined the firm US $310 million.", "Its shares fell 4.5 per cent.", "They rose again."),
    ("日本語の文章です。", "Ďábelské ódy zněly až do rána!"),
    tuple(f"On day {n} the boats of the old town left the harbour early." for n in range(60)),
)


class Encoder(Protocol):
    """A backend that runs one embedding model. Thread-safe."""

    @property
    def path(self) -> str:
        """Return the backend's name, such as `openvino bf16`."""

    def encode(self, texts: Sequence[str], question: bool = False) -> Vectors:
        """Return unit vectors, float32 of shape (texts, dimensions).

        Args:
            texts: The texts.
            question: Whether the texts are questions; some models need a different prompt for them than for passages.
        """

    def encode_passages(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> list[list[Vectors | None]]:
        """Return for each passage its own unit vector, then those of its sentences.

        Args:
            texts: The passages.
            spans: For each passage the spans of its sentences in it.

        Returns:
            Vectors of shape (dimensions,); None for a sentence that has no vector from the passage.
        """


@dataclass(frozen=True)
class Export:
    """A model in parts that another runtime can run; its vector is the mean of the tokens' embeddings.

    `module` maps token ids and mask, both int64 of shape (texts, tokens), to embeddings (texts, tokens, dimensions);
    `example` is such an input. `tokenizer` is the JSON of a `tokenizers.Tokenizer`, `window` the most tokens that the
    model reads, `prompts` the text put before a question and before a passage.
    """

    module: Any
    example: dict[str, Any]
    tokenizer: str
    window: int
    padding: int
    prompts: tuple[str, str]


def unit(vector: Vectors) -> Vectors:
    """Return the vector (or each row) scaled to length 1, float32; zeros stay zeros."""
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.asarray(vector / np.where(length > 0, length, 1.0), dtype=np.float32)


def pool(
    tokens: Vectors, offsets: npt.NDArray[np.int64], spans: Sequence[Span], prompt: str = ""
) -> list[Vectors | None]:
    """Return the unit mean of all tokens, then that of each sentence's tokens, or None if it has none.

    Args:
        tokens: The tokens' embeddings, shape (tokens, dimensions).
        offsets: The span of each token in the text, shape (tokens, 2); the empty (0, 0) for special tokens.
        spans: The sentences' spans in the text.
        prompt: The text before the passage; the offsets count from its start.
    """
    starts, ends = offsets[:, 0] - len(prompt), offsets[:, 1] - len(prompt)
    rows: list[Vectors | None] = [unit(tokens.mean(axis=0))]
    for span in spans:
        # A token may begin with the space before it, so use its end to decide.
        inside = (ends > span.start) & (ends <= span.end) & (ends > starts)
        rows.append(unit(tokens[inside].mean(axis=0)) if inside.any() else None)
    return rows


def least_cosine(encoder: Encoder, reference: Encoder) -> float:
    """Return the lowest cosine between two backends' vectors for the same questions, passages and sentences."""
    least = 1.0
    for question in _QUESTIONS:  # one at a time, as in real use
        least = min(least, float(encoder.encode([question], True)[0] @ reference.encode([question], True)[0]))
    texts, spans = zip(*map(_joined, _PASSAGES), strict=True)
    for ours, theirs in zip(
        encoder.encode_passages(texts, spans), reference.encode_passages(texts, spans), strict=True
    ):
        for a, b in zip(ours, theirs, strict=True):
            if (a is None) != (b is None):
                return -1.0
            if a is not None and b is not None:
                least = min(least, float(a @ b))
    return least


def _joined(sentences: Sequence[str]) -> tuple[str, list[Span]]:
    text, spans = "", []
    for sentence in sentences:
        start = len(text) + bool(text)
        text = f"{text} {sentence}" if text else sentence
        spans.append(Span(start, start + len(sentence)))
    return text, spans
