"""Run the eval suite for the Quality tab in a separate thread, one run at a time per process.

This does not depend on Gradio.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from rag import Engine, RagError, UsageError
from ui.quality.own import OwnQuestions
from ui.quality.runs import KeptRuns

if TYPE_CHECKING:
    from eval.datasets.dataset import DataSet
    from eval.run.run import Progress

# The eval suite is imported where it is used: with scipy and scikit-learn the import takes seconds, which must not
# delay opening the page.

log = logging.getLogger(__name__)
SYSTEMS = ("dateline", "extractive", "naive")
OWN = "own"  # in place of a split: the questions about the reader's library
SPLITS = ("dev", "test", "all", OWN)
MOST_QUESTIONS = 10_000
_FAULT = "Something went wrong inside Dateline; its log says what. What was answered until then is kept."
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Status:
    """The status of the current or last run: `said` says how it ended, `failed` whether it ended with an error."""

    running: bool = False
    what: str = ""
    done: int = 0
    total: int = 0
    right: int = 0
    judged: int = 0
    cancelled: bool = False
    said: str = ""
    failed: bool = False
    finished: int = 0  # how many runs have ended, so that a page notices a new one


class Runner:
    """Runs the eval suite with an engine's settings and keeps the runs.

    Args:
        engine: Its settings are used. Its library is only asked, and only the reader's own questions are asked over it.
        folder: Where runs are kept; beside the store by default.
        data: Returns the data set; the shipped one by default.
    """

    def __init__(
        self, engine: Engine, *, folder: Path | None = None, data: Callable[[], DataSet] | None = None
    ) -> None:
        store = engine.settings.store
        self._engine = engine
        self._data = data or _shipped
        self.own = OwnQuestions.of(engine)
        self.kept = KeptRuns(folder or store.with_name(f"{store.name}-runs"))
        self._status = Status()
        self._cancelled = threading.Event()

    @property
    def status(self) -> Status:
        """Return the current status."""
        return replace(self._status, cancelled=self._status.running and self._cancelled.is_set())

    def start(self, systems: Sequence[str], split: str, limit: int | None) -> None:
        """Start a run and return at once.

        Raises:
            UsageError: A run is in progress, or the request is not valid.
        """
        if not systems or set(systems) - set(SYSTEMS):
            raise UsageError("choose at least one system to run")
        if split not in SPLITS:
            raise UsageError("choose which questions to ask")
        if limit is not None and not 1 <= limit <= MOST_QUESTIONS:
            raise UsageError(f"ask between 1 and {MOST_QUESTIONS:,} questions, or leave the number out for all")
        if split == OWN:
            self.own.data_set()  # there must be one
        if not _one_at_a_time.acquire(blocking=False):
            raise UsageError("a run is in progress already, and one runs at a time; wait for its end, or cancel it")
        self._cancelled.clear()
        self._status = Status(True, "starting", finished=self._status.finished)
        work = threading.Thread(
            target=self._work, args=(tuple(systems), split, limit), name="dateline-eval", daemon=True
        )
        work.start()

    def cancel(self) -> None:
        """End the run after the questions in progress; finished answers are kept."""
        if self._status.running:
            self._cancelled.set()

    def _work(self, systems: tuple[str, ...], split: str, limit: int | None) -> None:
        name = f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        folder = self.kept.folder / name
        said, failed = "", True
        try:
            self._run(systems, split, limit, folder)
            self._status = replace(self._status, what="report")
            kept = self.kept.write_report(folder)
            failed = False
            said = "Cancelled; what was answered is kept." if self._cancelled.is_set() else "Finished."
            said = said if kept else "Cancelled before a question was answered."
        except RagError as error:
            said = str(error)
        except Exception:  # no caller waits for this thread, so the error is logged here
            log.exception("the eval failed")
            said = _FAULT
        finally:
            self.kept.sweep(folder)
            self._status = replace(
                self._status, running=False, said=said, failed=failed, finished=self._status.finished + 1
            )
            _one_at_a_time.release()

    def _run(self, systems: tuple[str, ...], split: str, limit: int | None, folder: Path) -> None:
        from eval.run.run import Options, run

        own = split == OWN
        options = Options(split=None if own else split, limit=limit, out=folder)
        run(
            self.own.data_set() if own else self._data(),
            systems,
            options,
            settings=self._engine.settings,
            engine=self._engine,
            on_progress=self._note,
            cancelled=self._cancelled,
        )

    def _note(self, progress: Progress) -> None:
        now = self._status
        if progress.what != now.what:
            now = replace(now, right=0, judged=0)
        score = progress.record.scores.get("correct") if progress.record else None
        right, judged = now.right + int(score == 1), now.judged + int(score is not None)
        self._status = replace(
            now, what=progress.what, done=progress.done, total=progress.total, right=right, judged=judged
        )


def _shipped() -> DataSet:
    from eval.datasets.dataset import shipped

    return shipped()
