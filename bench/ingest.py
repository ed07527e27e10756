"""Compare `rag ingest` with LlamaIndex's default pipeline: same articles, same embedding model, whole processes."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.archive import write
from bench.support.table import show
from rag import Settings
from rag.models import registry


@dataclass(frozen=True)
class Run:
    """One whole process: its wall-clock seconds, the CPU seconds of all its threads, and its peak memory in MiB."""

    seconds: float
    processor: float
    memory: float


def run(command: Sequence[str], passages: int, counted: Callable[[str], int], store: Path) -> Run:
    """Run a command and check that it stored all passages.

    Args:
        command: The command to run.
        passages: The number of passages that it must store.
        counted: Reads from its output how many it stored.
        store: The path of the store for `rag`.
    """
    environment = os.environ | {"RAG_STORE": str(store)}
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode or (found := counted(out.read())) != passages:
            what = err.read()[-2000:] if process.returncode else f"{found} passages, not {passages}"
            raise SystemExit(f"{' '.join(command)} failed: {what}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compare(passages: int, runs: int, folder: Path) -> dict[str, list[Run]]:
    """Run both sides alternately, each into a new store."""
    write(folder / "articles", passages, headlines=False)
    model = registry.path("all-MiniLM-L6-v2", Settings().models)
    _convert(folder)
    found: dict[str, list[Run]] = {"LlamaIndex": [], "Dateline": []}
    for number in range(runs):
        for name in found:
            store = folder / f"{name}-{number}"
            articles = str(folder / "articles")
            if name == "Dateline":
                command = [sys.executable, "-m", "rag", "ingest", articles, "--json"]
            else:
                command = [sys.executable, "-m", "bench.support.baseline", articles, str(store), str(model)]
            found[name].append(run(command, passages, lambda said: int(json.loads(said)["passages"]), store))
            print(f"{name}: {found[name][-1].seconds:.1f} s", file=sys.stderr)
    return found


def _convert(folder: Path) -> None:
    """Convert the embedding model, which happens once per machine, and print how long that took."""
    article = folder / "one" / "article.txt"
    article.parent.mkdir()
    article.write_text("The cod left the harbour in spring.\n", encoding="utf-8")
    command = [sys.executable, "-m", "rag", "ingest", str(article.parent), "--json"]
    for number in range(2):
        seconds = run(command, 1, lambda said: int(json.loads(said)["passages"]), folder / f"one-{number}").seconds
        print(f"one article, {'first' if number == 0 else 'second'} time: {seconds:.1f} s", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--passages", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = compare(options.passages, options.runs, Path(folder))
    seconds = {name: statistics.median(r.seconds for r in runs) for name, runs in found.items()}
    rows = [
        [
            name,
            f"{seconds[name]:.1f}",
            f"{options.passages / seconds[name]:.1f}",
            f"{seconds['LlamaIndex'] / seconds[name]:.2f}",
            f"{statistics.median(r.processor for r in runs):.1f}",
            f"{statistics.median(r.memory for r in runs):.0f}",
        ]
        for name, runs in found.items()
    ]
    title = f"Ingest of {options.passages:,} passages, whole process, medians of {options.runs} interleaved runs"
    show(title, ["", "seconds", "passages/s", "times as fast", "processor s", "peak MiB"], rows)


if __name__ == "__main__":
    main()
