"""`python -m bench.claims FOLDER`: how well support is told from the rest, on sets of claims with their evidence.

FOLDER has JSON-lines files with rows of `claim`, `evidence` (sentences), `label` (1 or 0), and perhaps `question` and
`kind`. Three ways are compared:

- `rag.support` at one half;
- words and exact checks alone (`rag.answering.checks`): at most 0.4 of the words are missing, and no check fails;
- the share of the claim's words in the evidence, at the threshold that is best on the set.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from rag.answering.checks import Checked, check
from rag.answering.support import supported_by
from rag.language.words import content_terms, split_sentences
from rag.models.runtime import Models
from rag.settings import Settings
from rag.types import Draft, Evidence, Span

_UNSAID = 0.4  # share of a statement's words that its sentences may lack


def balanced(right: Sequence[bool], said: Sequence[bool]) -> float:
    """Return the mean of the shares of supported and of unsupported claims that were told rightly."""
    good = [s for r, s in zip(right, said, strict=True) if r]
    bad = [not s for r, s in zip(right, said, strict=True) if not r]
    return (sum(good) / max(1, len(good)) + sum(bad) / max(1, len(bad))) / 2


def by_words(row: dict[str, Any]) -> bool:
    """Return whether the comparison of words finds each sentence of a claim supported."""
    texts = [s.strip() for text in row["evidence"] for s in split_sentences(text) if s.strip()]
    evidence = [
        Evidence(n, "a.txt", "", text, 0, len(text), 1.0, 1.0, 1.0, "a", Span(0, len(text)))
        for n, text in enumerate(texts, 1)
    ]
    whole = " ".join(texts)
    question = row.get("question") or row["claim"]
    found = [check(question, Draft(said, "model"), evidence, lambda _: whole) for said in split_sentences(row["claim"])]
    return all(some and all(_sound(one) for one in some) for some in found)


def _sound(one: Checked) -> bool:
    return one.signals["unsaid"] <= _UNSAID and not any(v >= 1 for n, v in one.signals.items() if n != "unsaid")


def shared(row: dict[str, Any]) -> float:
    """Return the share of a claim's words that occur in its evidence."""
    wanted, there = set(content_terms(row["claim"])), set(content_terms(" ".join(row["evidence"])))
    return len(wanted & there) / max(1, len(wanted))


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of .jsonl files.")],
    only: Annotated[str, typer.Option(help="Part of a file's name.")] = "",
    first: Annotated[int, typer.Option(help="Rows of each file, at most.")] = 100_000,
) -> None:
    """Print balanced accuracies as JSON lines, one for each file."""
    judge = Models(Settings()).judge()
    assert judge is not None, "set judge"
    for path in sorted(folder.glob("*.jsonl")):
        if only not in path.name:
            continue
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][:first]
        right = [bool(row["label"]) for row in rows]
        scores, seconds = [], []
        for row in rows:
            started = time.perf_counter()
            scores.append(supported_by(judge, row["claim"], row["evidence"], row.get("question")))
            seconds.append(time.perf_counter() - started)
        words = [by_words(row) for row in rows]
        share = [shared(row) for row in rows]
        best = max(balanced(right, [s >= t for s in share]) for t in sorted(set(share)))
        kinds: dict[str, list[bool]] = defaultdict(list)
        for row, r, s in zip(rows, right, scores, strict=True):
            kinds[row.get("kind") or "-"].append((s >= 0.5) == r)
        found = {
            "file": path.stem,
            "rows": len(rows),
            "judge": round(balanced(right, [s >= 0.5 for s in scores]), 3),
            "words": round(balanced(right, words), 3),
            "shared_words_best": round(best, 3),
            "median_ms": round(1000 * statistics.median(seconds)),
            "right_by_kind": {
                k: f"{sum(v)}/{len(v)}" for k, v in sorted(kinds.items(), key=lambda kv: -len(kv[1]))[:26]
            },
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    typer.run(main)
