"""Kept runs of the eval suite: one folder per run, with one JSON-lines file per system and the report.

This does not depend on Gradio.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING

from rag import RagError, UsageError
from ui.quality.own import NAME

if TYPE_CHECKING:
    from eval.records import Run
    from eval.report.compare import Comparison

# The eval suite is imported where it is used: with scipy and scikit-learn the import takes seconds, which must not
# delay opening the page.

log = logging.getLogger(__name__)
_REPORT = "report.html"


@dataclass(frozen=True)
class Kept:
    """A kept run. `id` is FOLDER/FILE relative to the folder of all runs; a share is None if no question counts.

    `questions` were asked, of the half `split` of the shipped set, or of `your library`.
    """

    id: str
    system: str
    model: str
    split: str
    started: str
    questions: int
    right: float | None
    seconds: float | None


class KeptRuns:
    """The kept runs in a folder, shared by all readers of a page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, tuple[int, Kept | None]] = {}

    def listed(self) -> list[Kept]:
        """Return the kept runs, newest first."""
        found = [self._look(path) for path in self.folder.glob("*/*.jsonl")]
        return sorted((kept for kept in found if kept), key=lambda kept: (kept.started, kept.id), reverse=True)

    def read(self, run_id: str) -> Run:
        """Return a kept run.

        Raises:
            UsageError: It is gone, or its file is damaged.
        """
        from eval.records import read_run

        return read_run(self._path(run_id), unfinished=True)

    def lines(self, run_id: str) -> str:
        """Return a run's JSON lines.

        Raises:
            UsageError: It is gone.
        """
        return _read_text(self._path(run_id))

    def report(self, run_id: str) -> str:
        """Return the report of a run, including the other systems of the same run, as an HTML page.

        Raises:
            UsageError: It is gone, or its file is damaged.
        """
        folder = self._path(run_id).parent
        if not (folder / _REPORT).exists():
            self.write_report(folder)
        return _read_text(folder / _REPORT)

    def compare(self, first: str, second: str) -> Comparison:
        """Compare the second run with the first.

        Raises:
            UsageError: One of them is gone, or they cannot be compared.
        """
        from eval.report.compare import compare

        if first == second:
            raise UsageError("choose two different runs")
        return compare(self.read(first), self.read(second))

    def forget(self, run_id: str) -> None:
        """Delete a run and its report.

        Raises:
            UsageError: It is already gone.
        """
        path = self._path(run_id)
        (path.parent / _REPORT).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        if not any(path.parent.glob("*.jsonl")):
            shutil.rmtree(path.parent, ignore_errors=True)

    def write_report(self, folder: Path) -> bool:
        """Write the report over the runs of a folder that have answers; return whether there is one."""
        from eval import report
        from eval.records import read_run

        runs = [run for path in sorted(folder.glob("*.jsonl")) if (run := read_run(path, unfinished=True)).records]
        if not runs:
            return False
        beside = folder / f"{_REPORT}.new"
        try:
            beside.write_text(report.html(runs), encoding="utf-8")
            os.replace(beside, folder / _REPORT)
        except OSError as error:
            raise UsageError(f"the report cannot be written to {folder}: {error.strerror}; free the disk") from error
        return True

    def sweep(self, folder: Path) -> None:
        """Delete the runs of a folder that have no answers, and the folder if it is empty."""
        for path in folder.glob("*.jsonl"):
            if not self._look(path):
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()

    def _look(self, path: Path) -> Kept | None:
        """Return the summary of a run file, reread only if the file changed; None for a run without answers."""
        from eval.records import read_run

        try:
            stamp = path.stat().st_mtime_ns
            if path not in self._known or self._known[path][0] != stamp:
                self._known[path] = stamp, _kept(read_run(path, unfinished=True), path)
            return self._known[path][1]
        except (OSError, RagError) as error:  # deleted in the meantime, or not a run file
            log.info("%s", error)
            return None

    def _path(self, run_id: str) -> Path:
        """Return the file of a run; only listed runs are found, since the id comes from a browser."""
        path = next((p for p in self.folder.glob("*/*.jsonl") if f"{p.parent.name}/{p.name}" == run_id), None)
        if path is None:
            raise UsageError("this run is no longer kept; reload the page")
        return path


def _kept(run: Run, path: Path) -> Kept | None:
    if not run.records:
        return None
    header = run.header
    scores = [score for record in run.records if (score := record.scores.get("correct")) is not None]
    seconds = [record.answer.timings["total"] for record in run.records if "total" in record.answer.timings]
    return Kept(
        f"{path.parent.name}/{path.name}",
        header.system,
        header.model,
        NAME if header.data == NAME else header.split,
        header.started,
        len(run.records),
        fmean(scores) if scores else None,
        median(seconds) if seconds else None,
    )


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}; run it again") from error
