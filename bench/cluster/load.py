"""Fill the library with `rag ingest --ray`, while services are killed."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.cluster.outages import Outages
from bench.cluster.services import Postgres, environment

SCHEMA = '"dateline-bench"'
_COUNT = f"SELECT COALESCE(SUM(passages), 0) FROM {SCHEMA}.documents WHERE state IN ('live', 'changed')"


@dataclass
class Loaded:
    """How the ingest went: seconds, files that failed, and what it said if it failed itself."""

    seconds: float = 0.0
    failed_files: int = 0
    error: str = ""


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
    """Ingest a folder on the Ray cluster; it has to survive what happens meanwhile.

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
    ran = subprocess.run(command, env=environment(**given), capture_output=True, text=True, timeout=3600)
    if ran.returncode == 0:
        found.failed_files = len(json.loads(ran.stdout)["failed"])
    else:
        said = [line for line in ran.stderr.splitlines() if line.startswith("rag: error")]
        found.error = (said or ran.stderr.splitlines() or ["?"])[-1][:300]
    found.seconds = time.monotonic() - began
