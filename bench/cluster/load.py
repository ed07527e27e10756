"""Fill the library with `rag ingest --ray`, while services are killed."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.cluster.outages import Outages
from bench.cluster.services import Postgres, environment

SCHEMA = '"dateline-bench"'
_COUNT = f"SELECT COALESCE(SUM(passages), 0) FROM {SCHEMA}.documents WHERE state IN ('live', 'changed')"


@dataclass
class Loaded:
    """How the ingest went: seconds, how often the command was started, and what it said when it failed."""

    seconds: float = 0.0
    commands: int = 0
    failures: list[str] = field(default_factory=list)
    failed_files: int = 0


class Progress:
    """How many passages readers can see, as the database says."""

    def __init__(self, postgres: Postgres, passages: int) -> None:
        self._postgres, self._passages, self._last = postgres, passages, 0

    def count(self) -> int:
        """Return the number, or the last one while the database is down."""
        with contextlib.suppress(psycopg.Error):
            self._last = int(self._postgres.rows(_COUNT)[0][0])
        return self._last

    def share(self) -> float:
        """Return the share of the passages that are there."""
        return self.count() / self._passages

    def grows(self) -> Callable[[], bool]:
        """Return what finds out whether more are there than now, or all."""
        before = self.count()
        return lambda: self.count() > before or self.count() >= self._passages


def load(
    program: str,
    articles: Path,
    address: str,
    given: Mapping[str, str],
    progress: Progress,
    outages: Outages,
    probe: dict[str, Callable[[], bool]],
) -> Loaded:
    """Ingest a folder on the Ray cluster; the command is started again when it fails, as whoever runs it would do.

    Args:
        program: The module that is `rag`.
        articles: The folder.
        address: The cluster's address.
        given: Variables that name the library.
        progress: Counts what is there.
        outages: What is killed meanwhile.
        probe: For services that the ingest does not use: finds out whether they work.
    """
    found, ended = Loaded(), threading.Event()
    command = [sys.executable, "-m", program, "ingest", str(articles), "--ray", address, "--json"]

    def run() -> None:
        try:
            _run(command, given, found)
        finally:
            ended.set()

    worker = threading.Thread(target=run)
    worker.start()
    # Killing is done here, because Ray starts nodes in the main thread only.
    outages.run(progress.share, lambda name: probe.get(name) or progress.grows(), ended)
    worker.join()
    return found


def _run(command: Sequence[str], given: Mapping[str, str], found: Loaded) -> None:
    began = time.monotonic()
    while found.commands < 10:
        found.commands += 1
        ran = subprocess.run(command, env=environment(**given), capture_output=True, text=True, timeout=3600)
        if ran.returncode == 0:
            found.failed_files += len(json.loads(ran.stdout)["failed"])
            break
        said = [line for line in ran.stderr.splitlines() if line.startswith("rag: error")]
        found.failures.append((said or ran.stderr.splitlines() or ["?"])[-1][:300])
        print(f"ingest failed: {found.failures[-1]}", file=sys.stderr, flush=True)
        time.sleep(1.0)
    found.seconds = time.monotonic() - began
