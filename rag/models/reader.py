"""Read a question together with each passage: which sentence answers it, if any does, and in which words.

The embedding model encodes a question and a sentence separately. Here one small model reads both together: it is the
embedding model with the low-rank changes in `reader.safetensors` added to its weights (`train/reader.py` makes them;
docs/experiments/ has the figures).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rag.language.characters import usual_spans
from rag.models.encoder import Vectors
from rag.models.fitted import FittedModel
from rag.models.torch_encoder import export_reader
from rag.types import Candidate, Chunk, Hit, Span

BASE = "all-MiniLM-L6-v2"  # the model that the changes apply to
_CHANGES = Path(__file__).with_name("reader.safetensors")
_READ = 5  # sentences whose passages are read
# Weight of one point of the reader's logarithm in the score, and the most points that a sentence can lose.
_WORTH, _LEAST = 0.12, -5.0
_LONGEST = 24  # tokens of an answer, at most


@dataclass(frozen=True, slots=True)
class ReadSentence:
    """What the reader makes of a sentence.

    Args:
        score: How much speaks for an answer that begins in it (a logarithm).
        words: The words that answer best.
        sure: How likely they are the answer, among all sentences that were read and none of them, in [0, 1].
    """

    score: float
    words: str
    sure: float


class Reader:
    """The reader model, loaded at first use. Thread-safe.

    Args:
        folder: The folder of the embedding model `BASE`.
    """

    def __init__(self, folder: Path) -> None:
        self._model = FittedModel("reader", "reranker", folder, _CHANGES, export_reader)

    def load(self) -> None:
        """Load the model now instead of at first use."""
        self._model.load()

    def rank(self, question: str, hits: Sequence[Hit], candidates: Sequence[Candidate]) -> list[Hit]:
        """Return the hits ranked again, with the first ones scored by the reader.

        Args:
            question: The question.
            hits: Sentences, best first.
            candidates: The passages that contain them.
        """
        chunks = {(c.chunk.document_id, c.chunk.start): c.chunk for c in candidates}
        read: dict[tuple[str, int], list[int]] = {}
        for hit in hits[:_READ]:
            place = (hit.place.document_id, hit.passage.start)
            read.setdefault(place, []).append(hit.place.start)
        if not read:
            return list(hits)
        sentences, none = self.read(question, [_around(chunks[place], starts) for place, starts in read.items()])
        best = max((sentence.score for sentence in sentences.values()), default=none)

        def judged(hit: Hit) -> Hit:
            found = sentences.get((hit.place.document_id, hit.place.start))
            if found is None:
                return dataclasses.replace(hit, score=hit.score + _WORTH * _LEAST, answers=None)
            score = hit.score + _WORTH * max(_LEAST, found.score - best)
            return dataclasses.replace(hit, score=score, answers=found.score - none, words=found.words, sure=found.sure)

        return sorted(map(judged, hits), key=lambda hit: -hit.score)

    def read(self, question: str, chunks: Sequence[Chunk]) -> tuple[dict[tuple[str, int], ReadSentence], float]:
        """Return each sentence as it was read, by document and start, and the log score of none having the answer.

        Sentences beyond the model's window are left out.
        """
        texts = [usual_spans(c.text, [Span(s.start - c.start, s.end - c.start) for s in c.sentences]) for c in chunks]
        outputs = list(self._model.run([(question, text) for text, _ in texts]))
        if not outputs:
            return {}, 0.0
        inside = {i: _of_passage(encoding) for i, _, encoding in outputs}
        none = float(np.mean([tokens[0, 1] for _, tokens, _ in outputs]))
        every = np.concatenate([[none], *(tokens[inside[i], 0] for i, tokens, _ in outputs)])
        total = float(np.logaddexp.reduce(every))
        found: dict[tuple[str, int], ReadSentence] = {}
        for i, tokens, encoding in outputs:
            offsets = np.array(encoding.offsets, dtype=np.int64)
            rest = _rest(tokens, inside[i])
            for sentence, span in zip(chunks[i].sentences, texts[i][1], strict=True):
                own = np.flatnonzero(inside[i] & (offsets[:, 1] > span.start) & (offsets[:, 1] <= span.end))
                if own.size:
                    score = float(np.logaddexp.reduce(tokens[own, 0]))
                    first, last, likely = _best_span(tokens, own, rest)
                    words = texts[i][0][offsets[first, 0] : offsets[last, 1]].strip()
                    sure = float(np.exp(likely - total))
                    found[chunks[i].document_id, sentence.start] = ReadSentence(score, words, sure)
        return found, none


def _of_passage(encoding: Any) -> Any:
    """Return which tokens are of the passage, as booleans of shape (tokens,)."""
    return (np.array(encoding.type_ids) == 1) & (np.array(encoding.offsets, dtype=np.int64)[:, 1] > 0)


def _rest(tokens: Vectors, inside: Any) -> Any:
    """Return for each token the logarithm of what speaks for an end there or later, as an array of shape (tokens,)."""
    ends = np.where(inside, tokens[:, 2].astype(np.float64), -np.inf)
    return np.logaddexp.accumulate(ends[::-1])[::-1]


def _best_span(tokens: Vectors, own: Any, rest: Any) -> tuple[int, int, float]:
    """Return the first and the last token of a sentence's best answer, and the logarithm of what speaks for it.

    Args:
        tokens: The outputs of shape (tokens, 3): an answer begins here, there is none, it ends here.
        own: The numbers of the sentence's tokens.
        rest: What speaks for an end from each token on, as `_rest` returns it.
    """
    ends = np.concatenate([tokens[own, 2], np.full(_LONGEST - 1, -np.inf)])
    windows = np.lib.stride_tricks.sliding_window_view(ends, _LONGEST)  # the ends that each beginning may have
    lasts = windows.argmax(axis=1)
    likely = tokens[own, 0] + windows.max(axis=1) - rest[own]
    n = int(likely.argmax())
    return int(own[n]), int(own[n + lasts[n]]), float(likely[n])


def _around(chunk: Chunk, starts: Sequence[int]) -> Chunk:
    """Return the part of a passage from the sentence before the first of these to the one after the last."""
    numbers = [n for n, span in enumerate(chunk.sentences) if span.start in starts]
    spans = chunk.sentences[max(0, numbers[0] - 1) : numbers[-1] + 2]
    start, end = spans[0].start, spans[-1].end
    text = chunk.text[start - chunk.start : end - chunk.start]
    return dataclasses.replace(chunk, start=start, end=end, text=text, sentences=spans)


@lru_cache(maxsize=2)
def shared(folder: Path) -> Reader:
    """Return the reader that all engines with the embedding model in this folder share."""
    return Reader(folder)
