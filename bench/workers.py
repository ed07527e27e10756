"""Ingest with 1, 2 and 4 workers on Ray where embedding is a fixed wait, and without Ray against an older checkout.

    python -m bench.workers [--older CHECKOUT]

Embedding waits a fixed time for each passage instead of computing, so that two processors can show how the rest scales:
reading, splitting, sending, writing. The rate is that of the whole ingest once all workers are there. With `--older`,
both checkouts ingest the same articles without Ray, in turn, each as a process of its own; their processor times are
compared.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import ray

from bench.archive import write
from bench.support.stand_in import DIMENSIONS, StandIn
from bench.support.table import show
from rag import Engine, Settings
from rag.ingest import spread
from rag.ingest.ray_cluster import RayWorkers
from rag.ingest.sync import sync
from rag.types import Chunk

_STARTS = 180.0  # seconds that all workers may take to start, on a machine that does other work as well
_BATCH = 16 * 1024  # bytes that a worker takes together: some 30 passages, so that a short run has many
# Run in either checkout: it knows nothing newer than both.
_ALONE = """
import sys, time
from pathlib import Path
from bench.support.stand_in import StandIn
from rag import Engine, Settings
with Engine(Settings(store=sys.argv[2], llm="extractive"), embedding=StandIn()) as engine:
    assert engine.ingest(Path(sys.argv[1])).passages
"""


class Waiting(StandIn):
    """An embedding that takes a fixed time for each passage, and no processor.

    Args:
        seconds: How long a passage takes.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def embed_passages(self, chunks: Sequence[Chunk]) -> list[npt.NDArray[np.float32]]:
        """Wait, and return unit rows."""
        time.sleep(self.seconds * len(chunks))
        return [np.eye(1 + len(c.sentences), DIMENSIONS, len(c.text) % 300, dtype=np.float32) for c in chunks]


def rate(articles: Path, store: Path, workers: int, seconds: float) -> float:
    """Return how many passages a second are ingested by so many workers, from the moment when they are there."""
    embedding = Waiting(seconds)
    began = 0.0

    @contextlib.contextmanager
    def crew() -> Iterator[RayWorkers]:
        nonlocal began
        with contextlib.closing(RayWorkers("local", embedding, 4, count=workers)) as found:
            found.await_all(_STARTS)
            began = time.perf_counter()
            yield found

    with Engine(Settings(store=store, llm="extractive"), embedding=embedding) as engine:
        report = sync(engine._index, embedding, [articles], 4, workers=crew)
        assert not report.failed
        return report.passages / (time.perf_counter() - began)


def alone(checkout: Path, articles: Path, store: Path) -> float:
    """Return the processor seconds of an ingest without Ray in a checkout."""
    command = [sys.executable, "-c", _ALONE, str(articles), str(store)]
    process = subprocess.Popen(command, cwd=checkout, env=os.environ | {"PYTHONPATH": str(checkout)})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the ingest in {checkout} failed")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--passages", type=int, default=640, help="for each worker")
    parser.add_argument("--wait", type=float, default=0.1, help="seconds for each passage")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--older", type=Path, help="another checkout, for the overhead without Ray")
    parser.add_argument("--runs", type=int, default=5, help="of each checkout")
    options = parser.parse_args()
    here = Path(__file__).resolve().parents[1]
    # The nodes inherit this. Ray's workers would step back behind whatever else runs on the machine.
    os.environ |= {"PYTHONPATH": str(here), "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    spread._BYTES = _BATCH
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        rates = {}
        if options.workers:
            ray.init(
                address="local", num_cpus=max(options.workers), include_dashboard=False, log_to_driver=False,
                _node_ip_address="127.0.0.1",
            )  # fmt: skip
        for count in options.workers:
            articles = folder / f"articles-{count}"
            write(articles, options.passages * count, headlines=False)
            rates[count] = rate(articles, folder / f"store-{count}", count, options.wait)
            print(json.dumps({"workers": count, "passages_per_s": round(rates[count], 2)}), file=sys.stderr, flush=True)
        rows = [[str(n), f"{r:.1f}", f"{r / n * options.wait:.2f}"] for n, r in rates.items()]
        if rows:
            title = f"Ingest on Ray, {options.passages:,} passages a worker, {options.wait:g} s of waiting a passage"
            show(title, ["workers", "passages/s", "of linear"], rows)
        if options.older:
            write(folder / "alone", 2000, per_article=5)
            found: dict[Path, list[float]] = {options.older.resolve(): [], here: []}
            for number in range(options.runs):
                for n, checkout in enumerate(found):
                    found[checkout].append(alone(checkout, folder / "alone", folder / f"alone-{number}-{n}"))
            old, new = found.values()
            ratios = [b / a for a, b in zip(old, new, strict=True)]
            heads = ["", "processor s (median)", "ratio of the medians", "least and most of a pair"]
            title = f"Ingest of 2,000 passages without Ray, {options.runs} interleaved runs"
            medians = statistics.median(old), statistics.median(new)
            between = f"{min(ratios):.3f} to {max(ratios):.3f}"
            last = ["this checkout", f"{medians[1]:.2f}", f"{medians[1] / medians[0]:.3f}", between]
            show(title, heads, [["older", f"{medians[0]:.2f}", "1", ""], last])


if __name__ == "__main__":
    main()
