"""Measure a sync that finds nothing new and a sync that finds one new article.

Stores are built once and reused by later runs with the same --dir. The added article is removed again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.archive import write
from bench.support.stand_in import StandIn
from bench.support.table import show
from rag import Engine, Settings

PER_ARTICLE = 5  # passages in an article, as in news
QUESTION = "What did the Quillfeather inquiry {number} find in the lighthouse?"
ARTICLE = """Lighthouse inquiry {number}

The Quillfeather inquiry {number} found {number} barrels of salt in the lighthouse. It had met for three weeks.
"""


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, help="where the stores are kept; default: a temporary folder")
    parser.add_argument("--home", type=Path, help="for adding: a folder with articles/ and their store/, as it is")
    parser.add_argument("--unchanged", type=int, default=20_000, help="passages of the archive that is synced again")
    parser.add_argument("--large", type=int, default=100_000, help="passages of the store to which an article is added")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--stand-in", action="store_true", help="build the stores with vectors that need no model: minutes, not hours"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.dir or Path(temporary)
        small = build(folder, options.unchanged, options.stand_in)
        large = options.home or build(folder, options.large, options.stand_in)
        rows = unchanged(small, options.unchanged, options.runs)
        rows += one_article(large, options.runs)
    show("Keeping a library as its folder is", ("what", "median", "least", "most"), rows)


def build(folder: Path, passages: int, stand_in: bool) -> Path:
    """Return a folder with articles/ and the store/ that holds them, built if missing."""
    home = folder / f"sync-{passages}"
    if (home / "built").exists():
        return home
    write(home / "articles", passages, per_article=PER_ARTICLE)
    with Engine(_settings(home), embedding=StandIn() if stand_in else None) as engine:
        report = engine.ingest(home / "articles")
    time.sleep(2.1)  # until the files are old enough for their time to show the next change
    with Engine(_settings(home)) as engine:
        engine.ingest(home / "articles")
    (home / "built").write_text(json.dumps({"passages": report.passages}), encoding="utf-8")
    return home


def unchanged(home: Path, passages: int, runs: int) -> list[tuple[str, ...]]:
    """Return the table rows for a sync that finds nothing new."""
    files = sum(1 for path in (home / "articles").rglob("*.txt"))
    what = f"sync of {passages:,} unchanged passages in {files:,} files"
    command = [sys.executable, "-m", "rag", "ingest", str(home / "articles")]
    environment = os.environ | {"RAG_STORE": str(home / "store"), "RAG_LLM": "extractive"}

    def process() -> None:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if f" {files:,} unchanged, 0 failed" not in done.stdout:
            raise SystemExit(f"that was no sync of an unchanged folder: {done.stdout}{done.stderr}")

    whole = [_timed(process) for _ in range(runs + 1)][1:]  # the first reads the program's files from disk
    with Engine(_settings(home)) as engine:
        inside = [_timed(lambda: engine.ingest(home / "articles")) for _ in range(runs)]
    return [_row(f"{what}, whole process", whole), _row(f"{what}, in a running process", inside)]


def one_article(home: Path, runs: int) -> list[tuple[str, ...]]:
    """Return the table rows for adding one article, up to its use as evidence for the next question."""
    by_file, by_folder, removed = [], [], []
    articles = home / "articles"
    with Engine(_settings(home)) as engine:
        articles_held, passages, _ = engine.counts()
        engine.ingest(articles)
        engine.retrieve("Is everything loaded?")
        for number in range(101, 101 + 2 * runs):
            path = articles / f"zz-{number}.txt"
            path.write_text(ARTICLE.format(number=number), encoding="utf-8")
            target = path if number % 2 else articles
            try:
                found = _timed(lambda target=target, number=number: _add(engine, target, number))  # type: ignore[misc]
            finally:
                path.unlink()
                removed.append(_timed(lambda: engine.ingest(articles)))
            (by_file if number % 2 else by_folder).append(found)
        if engine.counts()[:2] != (articles_held, passages):
            raise SystemExit("the store does not hold what it held before")
    size = f"a store of {passages:,} passages in {articles_held:,} files"
    return [
        _row(f"one article into {size}, given by name, until it is found", by_file),
        _row("the same, its folder given", by_folder),
        _row("its removal, its folder given", removed),
    ]


def _add(engine: Engine, target: Path, number: int) -> None:
    engine.ingest(target)
    best = engine.retrieve(QUESTION.format(number=number), 1)
    if not best or f"found {number} barrels" not in best[0].text:
        raise SystemExit(f"the article just added is not found: {best}")


def _settings(home: Path) -> Settings:
    return Settings(store=home / "store", llm="extractive", chunk_sentences=4)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _row(what: str, seconds: list[float]) -> tuple[str, ...]:
    return what, *(f"{value:.2f} s" for value in (statistics.median(seconds), min(seconds), max(seconds)))


if __name__ == "__main__":
    main()
