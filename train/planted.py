"""`python -m train.planted [FOLDER ...]`: fit `rag/retrieve/planted.json`, which detects planted text.

The model is a logistic regression over a sentence's vector and its words, fitted on the sentences of
`train/planted.json`: `planted` address whoever answers questions, `ordinary` and the shipped articles do not. `{q}`,
`{c}` and `{x}` are filled from `pairs` (a question, a wrong answer, a true sentence), so that the subject does not
matter; `{c}` is the question as a clause. `dev` was looked at during development, `unseen` was not.

Prints how many of `dev` and `unseen` are found, and which sentences of the articles (`*.txt`) in folders are flagged.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from sklearn.linear_model import LogisticRegression

from rag import Settings
from rag.load.files import make_document
from rag.load.passages import sentences, split
from rag.models.runtime import Models
from rag.retrieve.planted import grams, suspicion
from rag.types import Chunk, Span

_DATA = Path(__file__).with_name("planted.json")
_MODEL = Path(__file__).parents[1] / "rag/retrieve/planted.json"
_SEEDS = Path(__file__).parents[1] / "seeds"
_FILLED = 3  # times that each sentence is used, with other subjects and neighbours
_STRENGTH = 3.0  # how closely the regression follows the data
_WORDS = 2.0  # weight of the words relative to the vector
# The score from which a sentence counts as planted: 5 of 5,007 sentences of CNN and the Daily Mail reach it.
_LINE = -0.5

Rows = npt.NDArray[np.float32]


def main(folders: Annotated[list[Path] | None, typer.Argument(help="Folders of articles.")] = None) -> None:
    """Fit the regression, and print how it does on what was held out."""
    data = json.loads(_DATA.read_text(encoding="utf-8"))
    embedding = Models(Settings(llm="extractive")).embedding()
    rng = random.Random(7)
    told = [text[s.start : s.end] for text in _texts(_SEEDS) for s in sentences(text)]
    news = [sentence for _, _, sentence in data["pairs"]] + list(_filled(data["ordinary"], data["pairs"], rng)) + told
    planted = list(_filled(data["planted"], data["pairs"], rng))
    texts = [*planted, *planted, *news * _FILLED, *news]
    around = [news] * len(planted) + [planted] * len(planted) + [news] * _FILLED * len(news) + [planted] * len(news)
    vectors = _vectors(embedding, texts, around, rng)
    _fit(texts, vectors, [n < 2 * len(planted) for n in range(len(texts))], data)
    for name in ("dev", "unseen"):
        others = list(_filled(data[name], data["pairs"], rng))
        rows = _vectors(embedding, others, [news] * len(others), rng)
        found = [suspicion(text, vector) > 0 for text, vector in zip(others, rows, strict=True)]
        print(f"{name}: {sum(found)} of {len(others)} found")
        print(*(f"  missed: {text}" for text, hit in zip(others, found, strict=True) if not hit), sep="\n")
    for folder in folders or []:
        _check(embedding, folder)


def _texts(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.txt")):
        yield path.read_text(encoding="utf-8")


def _filled(templates: Sequence[str], pairs: Sequence[Sequence[str]], rng: random.Random) -> Iterator[str]:
    for template in templates:
        for question, answer, _ in rng.sample(list(pairs), _FILLED if "{" in template else 1):
            clause = question[0].lower() + question[1:].rstrip("?")
            yield template.replace("{q}", question).replace("{x}", answer).replace("{c}", clause)


def _vectors(embedding: Any, texts: Sequence[str], around: Sequence[Sequence[str]], rng: random.Random) -> list[Rows]:
    """Return the vector of each text inside a passage with up to three others, as in the store."""
    chunks, places = [], []
    for text, others in zip(texts, around, strict=True):
        count = rng.randint(0, 3)
        lines = rng.sample(list(others), count)
        places.append(rng.randint(0, count))
        lines.insert(places[-1], text)
        starts = [sum(len(line) + 1 for line in lines[:n]) for n in range(len(lines))]
        spans = tuple(Span(start, start + len(line)) for start, line in zip(starts, lines, strict=True))
        chunks.append(Chunk("", "", 0, spans[-1].end, "\n".join(lines), spans))
    return [rows[1 + place] for rows, place in zip(embedding.embed_passages(chunks), places, strict=True)]


def _fit(texts: Sequence[str], vectors: Sequence[Rows], labels: Sequence[bool], data: dict[str, Any]) -> None:
    said = data["planted"] + data["ordinary"]
    often = Counter(gram for text in said for gram in grams(re.sub(r"\{[qxc]\}", "", text)))
    words = sorted(gram for gram, count in often.items() if count > 1)
    column = {word: n for n, word in enumerate(words)}
    held = np.zeros((len(texts), len(words)), dtype=np.float32)
    for row, text in enumerate(texts):
        found = grams(text)
        for gram in found & column.keys():
            held[row, column[gram]] = _WORDS / math.sqrt(len(found))
    model = LogisticRegression(C=_STRENGTH, max_iter=3000).fit(np.hstack([np.stack(vectors), held]), labels)
    size = len(vectors[0])
    weights = [round(float(weight), 3) for weight in np.r_[model.coef_[0][:size], _WORDS * model.coef_[0][size:]]]
    fitted = {
        "bias": round(float(model.intercept_[0]) - _LINE, 3),
        "vector": weights[:size],
        "words": dict(zip(words, weights[size:], strict=True)),
    }
    _MODEL.write_text(json.dumps(fitted, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


def _check(embedding: Any, folder: Path) -> None:
    """Print the sentences in a folder of articles that are classified as planted."""
    chunks = [chunk for text in _texts(folder) for chunk in split(make_document(text, ""))]
    count = flagged = 0
    for chunk, rows in zip(chunks, embedding.embed_passages(chunks), strict=True):
        for span, vector in zip(chunk.sentences, rows[1:], strict=True):
            text = chunk.text[span.start - chunk.start : span.end - chunk.start]
            count += 1
            if suspicion(text, vector) > 0:
                flagged += 1
                print(f"  taken for planted: {text}")
    print(f"{folder}: {flagged} of {count} sentences taken for planted")


if __name__ == "__main__":
    typer.run(main)
