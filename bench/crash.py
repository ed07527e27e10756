"""Kill ingest, update and delete at seeded moments, and check that a rerun gives the store of an undisturbed run.

    python -m bench.crash --points 200 --seed 1

Each point is a process that syncs a folder of generated articles and gets SIGKILL at a random moment within the time
that an undisturbed run takes. Its embedding model is a stand-in that records what it embeds. Every fourth point also
kills the second run. Then the sync runs to the end, and everything in the three parts of the store is compared.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pickle
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import rag.ingest.read
import rag.store.index
from bench.support.crash_store import State, committed, dump, write_articles
from bench.support.stand_in import StandIn
from bench.support.table import show
from rag import Engine, Settings
from rag.types import Chunk

OPERATIONS = ("ingest", "update", "delete")
_SECOND_KILL = 4  # one point in this many is killed twice
_PAUSES = 0.0, 0.98  # the kill comes between these shares of an undisturbed run


@dataclasses.dataclass
class Outcome:
    """The results of the points of one operation.

    `recovery` holds the seconds that opening each store took after the kill.
    """

    operation: str
    points: int = 0
    kills: int = 0
    equal: int = 0
    embedded_twice: int = 0
    problems: int = 0
    recovery: list[float] = dataclasses.field(default_factory=list)
    differences: list[str] = dataclasses.field(default_factory=list)


class Noting(StandIn):
    """An embedding that writes the id of each passage it embeds to a file."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log

    def embed_passages(self, chunks: Sequence[Chunk]) -> list[npt.NDArray[np.float32]]:
        """Record the passages and return vectors computed from their words."""
        with self._log.open("a", encoding="ascii") as log:
            log.writelines(f"{chunk.id}\n" for chunk in chunks)
        return super().embed_passages(chunks)


def run(folder: Path, points: int, seed: int, progress: Callable[[str], None] = print) -> list[Outcome]:
    """Kill and recover each operation repeatedly, and return the results.

    Args:
        folder: An empty folder to work in.
        points: The number of kills, spread over the operations.
        seed: A different seed kills at different moments.
        progress: Called with each difference.
    """
    outcomes = []
    base = folder / "base"
    for number, operation in enumerate(OPERATIONS):
        write_articles(folder / "articles", operation)
        outcome = Outcome(operation)
        counts = points // len(OPERATIONS) + (number < points % len(OPERATIONS))
        wanted, seconds = _undisturbed(folder, base if operation != "ingest" else None)
        if operation == "ingest":
            shutil.copytree(folder / "undisturbed", base)
        draw = random.Random(f"{seed}-{operation}")
        for point in range(counts):
            # Divide the run into equal parts and kill once in each.
            share = _PAUSES[0] + (_PAUSES[1] - _PAUSES[0]) * (point + draw.random()) / counts
            again = draw.random() if point % _SECOND_KILL == 0 else None
            _point(folder, base if operation != "ingest" else None, seconds * share, again, wanted, outcome)
            for difference in outcome.differences:
                progress(f"{operation}, point {point}: {difference}")
            outcome.differences.clear()
        outcomes.append(outcome)
    return outcomes


def _undisturbed(folder: Path, base: Path | None) -> tuple[State, float]:
    """Return what the store (kept as `undisturbed`) holds after an undisturbed run, and the run's median seconds."""
    seconds = []
    for _ in range(3):
        store = _fresh(folder / "undisturbed", base)
        started = time.perf_counter()
        _end(_start(_sync, folder, store))
        seconds.append(time.perf_counter() - started)
    return _look(folder, folder / "undisturbed"), statistics.median(seconds)


def _point(
    folder: Path, base: Path | None, seconds: float, again: float | None, wanted: State, outcome: Outcome
) -> None:
    store = _fresh(folder / "store", base)
    killed = _kill(_start(_sync, folder, store), seconds)
    while not killed:  # it had already finished, so try again a little earlier
        seconds *= 0.9
        store = _fresh(folder / "store", base)
        killed = _kill(_start(_sync, folder, store), seconds)
    outcome.kills += 1
    held = committed(store / "documents.db")
    log = folder / "embedded"
    log.unlink(missing_ok=True)
    if again is not None and _kill(_start(_sync, folder, store), seconds * again):
        outcome.kills += 1
        outcome.embedded_twice += len(held & _embedded(log))
        held = committed(store / "documents.db")
        log.unlink(missing_ok=True)
    _end(_start(_sync, folder, store))
    outcome.embedded_twice += len(held & _embedded(log))
    outcome.recovery.append(float((folder / "opening").read_text(encoding="ascii")))
    found = _look(folder, store)
    differences = found.differences(wanted)
    outcome.points += 1
    outcome.equal += not differences
    outcome.problems += len(found.problems)
    outcome.differences += [*differences, *found.problems]


def _sync(folder: Path, store: Path) -> None:
    """Sync the store with the folder; this is the work that is killed."""
    rag.ingest.read.BATCH = 12  # small batches, so that many kills fall between two steps
    rag.store.index._PAGE = 8
    started = time.perf_counter()
    with Engine(Settings(store=store, llm="extractive"), embedding=Noting(folder / "embedded")) as engine:
        (folder / "opening").write_text(str(time.perf_counter() - started), encoding="ascii")
        engine.ingest(folder / "articles")


def _dump(folder: Path, store: Path) -> None:
    index = rag.store.index.Index.open(store, StandIn().model_name)
    try:
        (folder / "state").write_bytes(pickle.dumps(dump(index)))
    finally:
        index.close()


def _look(folder: Path, store: Path) -> State:
    _end(_start(_dump, folder, store))
    state: State = pickle.loads((folder / "state").read_bytes())
    return state


def _start(work: Callable[[Path, Path], None], folder: Path, store: Path) -> int:
    """Do some work in a child process and return its process id.

    The child is forked, since importing everything again would take seconds. The parent opens no store itself, so the
    child inherits no threads, connections or locks.
    """
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        work(folder, store)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _end(process: int) -> None:
    _, status = os.waitpid(process, 0)
    if status:
        raise SystemExit(f"a run ended with {os.waitstatus_to_exitcode(status)}")


def _kill(process: int, seconds: float) -> bool:
    """Kill a process after some seconds and return whether it was still running."""
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        return True
    if status:
        raise SystemExit(f"a run ended with {os.waitstatus_to_exitcode(status)}")
    return False


def _fresh(store: Path, base: Path | None) -> Path:
    shutil.rmtree(store, ignore_errors=True)
    if base:
        shutil.copytree(base, store)
    return store


def _embedded(log: Path) -> set[str]:
    return set(log.read_text(encoding="ascii").split()) if log.exists() else set()


def main() -> int:
    """Print the table; the exit code is 1 if any check failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        outcomes = run(Path(temporary).resolve(), options.points, options.seed)
    header = ["operation", "points", "kills", "equal", "embedded twice", "problems", "recovery median s"]
    show(f"Kill -9, then the same again, seed {options.seed}", header, [_row(outcome) for outcome in outcomes])
    return int(any(o.equal < o.points or o.embedded_twice or o.problems for o in outcomes))


def _row(outcome: Outcome) -> list[str]:
    figures: Mapping[str, Any] = dataclasses.asdict(outcome)
    counts = [str(figures[name]) for name in ("points", "kills", "equal", "embedded_twice", "problems")]
    return [outcome.operation, *counts, f"{statistics.median(outcome.recovery):.2f}"]


if __name__ == "__main__":
    sys.exit(main())
