"""What all ways of running an embedding model have in common: their interface, pooling, and how exact one must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rag.types import Span

Vectors = npt.NDArray[np.float32]

EXACT = 0.995  # least cosine to the vectors of the model as it was published
# What a new way is compared on: short and long, names, figures, other scripts, and one beyond every usual window.
_QUESTIONS = ("How much additional aid did Harris announce?", "Cod.", "¿Quién es el canciller de México?")
_PASSAGES = (
    ("The cod left the harbour in spring.", "Nobody in the town objected to the ban on night fishing."),
    ("On 12 July 2024 the court fined the firm US $310 million.", "Its shares fell 4.5 per cent.", "They rose again."),
    ("日本語の文章です。", "Ďábelské ódy zněly až do rána!"),
    tuple(f"On day {n} the boats of the old town left the harbour early." for n in range(60)),
)


class Encoder(Protocol):
    """A way to run one embedding model. Safe to use from several threads."""

    @property
    def path(self) -> str:
        """Return what runs, such as `openvino bf16`."""

    def encode(self, texts: Sequence[str], question: bool = False) -> Vectors:
        """Return unit vectors, float32 of shape (texts, dimensions).

        Args:
            texts: The texts.
            question: They are questions, which some models want marked by another prompt than passages.
        """

    def encode_passages(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> list[list[Vectors | None]]:
        """Return for each passage its own unit vector, then those of its sentences.

        Args:
            texts: The passages.
            spans: For each passage the spans of its sentences in it.

        Returns:
            Vectors of shape (dimensions,); None for a sentence that the pass over the passage says nothing about.
        """


@dataclass(frozen=True)
class Export:
    """A model in parts that another runtime can run; its vector is the mean of the tokens' embeddings.

    `module` maps token ids and mask, both int64 of shape (texts, tokens), to embeddings (texts, tokens, dimensions);
    `example` is such input. `tokenizer` is the JSON of a `tokenizers.Tokenizer`, `window` the tokens that the model
    reads at most, `prompts` what goes before a question and before a passage.
    """

    module: Any
    example: dict[str, Any]
    tokenizer: str
    window: int
    padding: int
    prompts: tuple[str, str]


def unit(vector: Vectors) -> Vectors:
    """Return the vector (or each row) at length 1, float32; zeros stay zeros."""
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.asarray(vector / np.where(length > 0, length, 1.0), dtype=np.float32)


def pool(
    tokens: Vectors, offsets: npt.NDArray[np.int64], spans: Sequence[Span], prompt: str = ""
) -> list[Vectors | None]:
    """Return the unit mean of all tokens, then that of each sentence's, None where it has none.

    Args:
        tokens: The tokens' embeddings, shape (tokens, dimensions).
        offsets: Where each token stands in the text, shape (tokens, 2); the empty (0, 0) for special tokens.
        spans: The sentences' spans in the text.
        prompt: What went before the text; the offsets count from its beginning.
    """
    starts, ends = offsets[:, 0] - len(prompt), offsets[:, 1] - len(prompt)
    rows: list[Vectors | None] = [unit(tokens.mean(axis=0))]
    for span in spans:
        # A token may begin with the space before it, so where it ends decides.
        inside = (ends > span.start) & (ends <= span.end) & (ends > starts)
        rows.append(unit(tokens[inside].mean(axis=0)) if inside.any() else None)
    return rows


def least_cosine(encoder: Encoder, reference: Encoder) -> float:
    """Return the lowest cosine between the vectors that two ways give the same questions, passages and sentences."""
    least = 1.0
    for question in _QUESTIONS:  # one by one, as they are asked
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
