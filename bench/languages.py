"""Ask the questions in `tests/data/languages`, with the real embedding model.

    python -m bench.languages [SET] [LLM]

SET is `questions` (used while the code was written) or `held_out` (written before its answers were looked at), LLM an
answer model as in the setting `llm`, or `extractive` (the default). An answer is right if it has one of the accepted
answers.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from rag import Engine, Settings

DATA = Path(__file__).resolve().parents[1] / "tests/data/languages"
LANGUAGES = ("de", "es", "fr", "zh", "ar")
ARTICLES = {"questions": "articles", "held_out": "held_out"}


def counted(engine: Engine, language: str, name: str) -> tuple[int, int, int, int]:
    """Return how many questions were answered right of how many, and refused of how many that must be."""
    rows = [json.loads(line) for line in (DATA / language / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    given = [(engine.answer(row["question"]), row["answer"]) for row in rows]
    right = sum(not a.abstained and any(one in a.text for one in wanted) for a, wanted in given if wanted)
    refused = sum(a.abstained for a, wanted in given if not wanted)
    return right, sum(bool(wanted) for _, wanted in given), refused, sum(not wanted for _, wanted in given)


def main(name: str = "questions", llm: str = "extractive") -> None:
    """Print a line for each language."""
    total = (0, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        for language in LANGUAGES:
            with Engine(Settings(store=Path(folder) / language, llm=llm)) as engine:
                engine.ingest(DATA / language / ARTICLES[name])
                found = counted(engine, language, name)
            total = (total[0] + found[0], total[1] + found[1], total[2] + found[2], total[3] + found[3])
            print(f"{language}: {found[0]} of {found[1]} right, {found[2]} of {found[3]} refused")
    print(f"all: {total[0]} of {total[1]} right, {total[2]} of {total[3]} refused")


if __name__ == "__main__":
    main(*sys.argv[1:])
