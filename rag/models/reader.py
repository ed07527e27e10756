"""Read a question together with each passage and score which sentence answers it, if any does.

The embedding model encodes a question and a sentence separately. Here one small model reads both together: it is the
embedding model with the low-rank changes in `reader.safetensors` added to its weights (`train/reader.py` makes them;
docs/experiments/ has the figures).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from rag.language.characters import usual_spans
from rag.models.fitted import FittedModel
from rag.models.torch_encoder import export_reader
from rag.types import Candidate, Chunk, Hit, Span

BASE = "all-MiniLM-L6-v2"  # the model that the changes apply to
_CHANGES = Path(__file__).with_name("reader.safetensors")
_READ = 5  # sentences whose passages are read
# Weight of one point of the reader's logarithm in the score, and the most points that a sentence can lose.
_WORTH, _LEAST = 0.12, -5.0


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
        best = max(sentences.values(), default=none)

        def judged(hit: Hit) -> Hit:
            says = sentences.get((hit.place.document_id, hit.place.start))
            lost = max(_LEAST, says - best) if says is not None else _LEAST
            return dataclasses.replace(
                hit, score=hit.score + _WORTH * lost, answers=None if says is None else says - none
            )

        return sorted(map(judged, hits), key=lambda hit: -hit.score)

    def read(self, question: str, chunks: Sequence[Chunk]) -> tuple[dict[tuple[str, int], float], float]:
        """Return log scores for each sentence, by document and start, and for no sentence having the answer.

        Sentences beyond the model's window are left out.
        """
        found: dict[tuple[str, int], float] = {}
        none: list[float] = []
        texts = [usual_spans(c.text, [Span(s.start - c.start, s.end - c.start) for s in c.sentences]) for c in chunks]
        for i, tokens, encoding in self._model.run([(question, text) for text, _ in texts]):
            ends = np.array(encoding.offsets, dtype=np.int64)[:, 1]
            of_passage = (np.array(encoding.type_ids) == 1) & (ends > 0)
            none.append(float(tokens[0, 1]))
            for sentence, span in zip(chunks[i].sentences, texts[i][1], strict=True):
                inside = of_passage & (ends > span.start) & (ends <= span.end)
                if inside.any():
                    found[chunks[i].document_id, sentence.start] = float(np.logaddexp.reduce(tokens[inside, 0]))
        return found, float(np.mean(none)) if none else 0.0


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
