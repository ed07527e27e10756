"""A large store with made-up vectors: filling, opening, questions, memory, disk, and what Chroma's search misses.

    python -m bench.million --passages 100000 --dir DIR

The articles are those of `bench.archive`. Their vectors are random unit vectors instead of the model's, so filling
takes the time of all but embedding. `--directions 32` draws them from 32 directions in the model's 384 dimensions, so
that some are near to one another, as those of texts are; with 384 all are about equally far from one another, which is
the worst case for an approximate search. Questions are embedded by the real model and answered in extractive mode by a
process that has just opened the store. What they answer is not looked at, since the vectors mean nothing. Recall is
that of Chroma's first five among the five nearest of all vectors, for questions drawn like the passages.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.archive import articles, planted
from bench.support.stand_in import DIMENSIONS
from bench.support.table import show
from rag import Engine, Settings
from rag.load.files import make_document
from rag.load.passages import split
from rag.store.index import Index
from rag.types import Entry, File

PER_ARTICLE = 5  # passages in an article, as in news
MODEL = "all-MiniLM-L6-v2"
_BATCH = 400  # articles that are written together
_QUESTIONS, _NEAREST = 200, 5
_PROPOSED = 60  # passages that a search asks Chroma for, see the setting `candidates`
_WARM_UP = 5


@lru_cache
def _base(directions: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(5).standard_normal((directions, DIMENSIONS)).astype(np.float32)


class Vectors:
    """Draws unit vectors.

    Args:
        directions: How many dimensions they vary in.
        seed: Another seed gives other vectors in the same directions.
    """

    def __init__(self, directions: int, seed: int) -> None:
        self._base = _base(directions)
        self._draw = np.random.default_rng(seed)

    def rows(self, count: int) -> npt.NDArray[np.float32]:
        """Return so many vectors, one a row."""
        drawn = self._draw.standard_normal((count, len(self._base)), dtype=np.float32) @ self._base
        found: npt.NDArray[np.float32] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        return found


def entries(passages: int, directions: int, first: int = 0) -> Iterator[Entry]:
    """Yield the articles with their passages and vectors, ready to be written.

    Args:
        passages: How many all articles have.
        directions: See `Vectors`.
        first: Articles that are left out because the store holds them.
    """
    for number, article in enumerate(articles(passages, per_article=PER_ARTICLE, questions=_QUESTIONS)):
        if number >= first:
            document = make_document(article.text, article.source, f"/archive/{article.source}")
            chunks = tuple(split(document, 4))
            vectors = Vectors(directions, 3 + number)
            rows = tuple(vectors.rows(1 + len(chunk.sentences)) for chunk in chunks)
            yield Entry(File(document.path, len(article.text), 1, document.id), document, chunks, rows)


def _make(batches: Queue[list[Entry]], passages: int, directions: int, first: int) -> None:
    made = entries(passages, directions, first)
    while batch := list(islice(made, _BATCH)):
        batches.put(batch)
    batches.put([])


def fill(store: Path, passages: int, directions: int, within: float) -> tuple[int, float]:
    """Fill a store; return how many passages were written and the seconds. It stops early when the time is over.

    The articles are made by a process of their own. A store that holds some of them already gets the others.

    Args:
        store: Its folder.
        passages: How many it will hold.
        directions: See `Vectors`.
        within: Seconds.
    """
    index = Index.open(store, MODEL)
    # Another process, so that the figure is that of writing alone where there are two cores.
    spawned = multiprocessing.get_context("spawn")
    batches: Queue[list[Entry]] = spawned.Queue(maxsize=2)
    with index.documents.snapshot() as view:
        first = len(view.numbers("live"))
    maker = spawned.Process(target=_make, args=(batches, passages, directions, first), daemon=True)
    maker.start()
    began, written = time.perf_counter(), 0
    try:
        while batch := batches.get():
            index.write(batch, [entry.file for entry in batch])
            written += sum(len(entry.chunks or ()) for entry in batch)
            print(f"{first * PER_ARTICLE + written:,}", file=sys.stderr, flush=True)
            if time.perf_counter() - began > within:
                break
        index.documents.set_meta("used", "1")
        return written, time.perf_counter() - began
    finally:
        maker.kill()
        index.close()


def measure(store: Path, passages: int, directions: int) -> dict[str, float]:
    """Open a filled store and return the figures."""
    settings = Settings(store=store, llm="extractive", judge="none")
    asked = planted(passages, per_article=PER_ARTICLE, questions=_QUESTIONS)
    began = time.perf_counter()
    with Engine(settings) as engine:
        figures = {"opening_s": time.perf_counter() - began}
        engine.warm_up()
        times = []
        for number, question in enumerate(asked):
            before = time.perf_counter()
            engine.answer(question)
            if number >= _WARM_UP:
                times.append((time.perf_counter() - before) * 1000)
        figures |= {"p50_ms": statistics.median(times), "p95_ms": float(np.percentile(times, 95))}
        figures |= {"memory_mib": _resident(), "recall_at_5": recall(engine, directions)}
    for part in ("documents.db", "chroma", "lexical"):
        found = [store / part] if (store / part).is_file() else (store / part).rglob("*")
        figures[f"{part}_mib"] = sum(p.stat().st_size for p in found if p.is_file()) / 2**20
    return figures


def recall(engine: Any, directions: int) -> float:
    """Return the share of the five nearest passages that Chroma has among its first five."""
    index, wanted = engine._index, Vectors(directions, 2).rows(_QUESTIONS)
    scores: list[list[tuple[float, str]]] = [[] for _ in wanted]
    with index.documents.snapshot() as view:
        for page in view.all_vectors():
            cosines = np.stack([vector for _, vector in page]) @ wanted.T
            for best, row in zip(scores, cosines.T, strict=True):
                best += [(float(row[n]), page[n][0]) for n in np.argsort(-row)[:_NEAREST]]
                best[:] = sorted(best, reverse=True)[:_NEAREST]
    hits = 0
    for vector, best in zip(wanted, scores, strict=True):
        found = [chunk_id for chunk_id, _ in index.vectors.search(vector, _PROPOSED)[:_NEAREST]]
        hits += len({chunk_id for _, chunk_id in best} & set(found))
    return hits / (_NEAREST * len(wanted))


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.million", description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--directions", type=int, default=32)
    parser.add_argument("--within", type=float, default=3600, help="seconds after which filling stops, wherever it is")
    parser.add_argument("--dir", type=Path, help="where the store lies; removed at the end when left out")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.passages, options.directions)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        store = (options.dir or Path(temporary)) / f"store-{options.passages}-{options.directions}"
        written, seconds = fill(store, options.passages, options.directions, options.within)
        command = [sys.executable, "-m", "bench.million", "--measure", str(store)]
        command += ["--passages", str(options.passages), "--directions", str(options.directions)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        figures = {"passages": written, "filling_s": seconds, "filling_per_s": written / seconds}
        figures |= json.loads(said.splitlines()[-1])
    rows = [[name, f"{value:,.3f}".rstrip("0").rstrip(".")] for name, value in figures.items()]
    show(f"A store of {written:,} passages with vectors in {options.directions} directions", ["", "value"], rows)


if __name__ == "__main__":
    main()
