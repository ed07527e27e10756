"""Measure retrieval with evidence, without an answer model, over large stores with planted questions.

A store is built once with `rag ingest` and reused by later runs with the same --dir.
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
from typing import Any

import numpy as np

from bench.archive import Planted, read_questions, write
from bench.support.table import show

SEEN = 5  # the planted sentence must be among this many
_WARM_UP = 10  # questions asked before the timing starts
_FIGURES = {
    "ingest, passages/s": "{ingest:.0f}",
    "on disk, MiB": "{disk:.0f}",
    "opening in a fresh process, s": "{opening:.2f}",
    "start of the process to the first evidence, s": "{first:.2f}",
    "resident after opening, MiB": "{opened:.0f}",
    "resident after {asked:.0f} questions, MiB": "{resident:.0f}",
    "retrieval with evidence p50, ms": "{retrieve_p50:.1f}",
    "retrieval with evidence p95, ms": "{retrieve_p95:.1f}",
    "whole extractive answer p50, ms": "{answer_p50:.1f}",
    "whole extractive answer p95, ms": "{answer_p95:.1f}",
    f"recall@{SEEN} of planted sentences": "{recall:.3f}",
    f"recall@{SEEN} with exact search": "{exact:.3f}",
}


def build(folder: Path, passages: int, questions: int) -> Path:
    """Return the folder of a store with this many passages, built if missing; `built.json` beside it records how."""
    home = folder / f"{passages}"
    if not (home / "built.json").exists():
        write(home / "articles", passages, questions=questions)
        command = [sys.executable, "-m", "rag", "ingest", str(home / "articles")]
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=sys.stderr, env=os.environ | {"RAG_STORE": str(home / "store")})
        rate = passages / (time.perf_counter() - started)
        (home / "built.json").write_text(json.dumps({"ingest": rate}), encoding="utf-8")
    return home


def measure(home: Path, started: float) -> dict[str, float]:
    """Return the figures of one store, measured in this process, which began at `started` (seconds, `time.time`)."""
    from rag import Engine, Settings  # imported here, since it counts towards the time to the first evidence

    planted = read_questions(home / "articles")
    settings = Settings(store=home / "store", llm="extractive")
    opening = time.perf_counter()
    with Engine(settings) as engine:
        figures = {"opening": time.perf_counter() - opening, "opened": _resident()}
        engine.retrieve(planted[0].question, SEEN)
        figures["first"] = time.time() - started
        for p in planted[:_WARM_UP]:
            engine.retrieve(p.question, SEEN)
        times, figures["recall"] = _ask(planted, lambda question: engine.retrieve(question, SEEN))
        figures |= {"retrieve_p50": statistics.median(times), "retrieve_p95": float(np.percentile(times, 95))}
        times, _ = _ask(planted, lambda question: engine.answer(question).evidence)
        figures |= {"answer_p50": statistics.median(times), "answer_p95": float(np.percentile(times, 95))}
        figures["resident"] = _resident()
        _search_exactly(engine)
        _, figures["exact"] = _ask(planted, lambda question: engine.retrieve(question, SEEN))
    figures["disk"] = sum(p.stat().st_size for p in (home / "store").rglob("*") if p.is_file()) / 2**20
    figures["asked"] = float(len(planted))
    return figures


def _ask(planted: list[Planted], ask: Callable[[str], Any]) -> tuple[list[float], float]:
    """Return the milliseconds that each question took, and the share of questions that found their sentence."""
    times, found = [], 0
    for p in planted:
        before = time.perf_counter()
        evidence = ask(p.question)
        times.append((time.perf_counter() - before) * 1000)
        found += any(e.text == p.sentence for e in evidence[:SEEN])
    return times, found / len(planted)


def _search_exactly(engine: Any) -> None:
    """Compare every vector with the question's, in place of Chroma's approximate search."""
    index = engine._index
    with index.documents.snapshot() as view:
        ids = view.chunk_ids(view.numbers("live", "changed"))
        found = view.passage_vectors(ids)
    names = [chunk_id for chunk_id, _ in found]
    matrix = np.stack([vector for _, vector in found])

    def search(vector: Any, limit: int) -> list[tuple[str, float]]:
        cosines = matrix @ vector
        best = np.argsort(-cosines, kind="stable")[:limit]
        return [(names[i], float(cosines[i])) for i in best]

    index.vectors.search = search


def _resident() -> float:
    """Return the current resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.retrieval", description=__doc__)
    parser.add_argument("--passages", type=int, action="append", help="may be given several times")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--dir", type=Path, help="where the stores lie; removed at the end when left out")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, float(os.environ["BENCH_STARTED"]))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        columns = []
        for passages in options.passages or [20_000]:
            home = build(options.dir or Path(temporary), passages, options.questions)
            command = [sys.executable, "-m", "bench.retrieval", "--measure", str(home)]
            environment = os.environ | {"BENCH_STARTED": str(time.time())}
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
            built = json.loads((home / "built.json").read_text(encoding="utf-8"))
            columns.append(json.loads(said.splitlines()[-1]) | built | {"passages": passages})
    rows = [[name.format(**columns[0]), *(form.format(**c) for c in columns)] for name, form in _FIGURES.items()]
    show("Retrieval without an answer model", ["passages", *(f"{c['passages']:,}" for c in columns)], rows)


if __name__ == "__main__":
    main()
