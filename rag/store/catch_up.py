"""Repeat work in the background until it succeeds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rag.errors import RagError

_log = logging.getLogger(__name__)


class CatchUp:
    """Work that has to be done once something else is back; one thread does it.

    Args:
        work: Raises a `RagError` if it cannot be done yet.
        first: Seconds before the first attempt, which double up to `most`.
        most: Seconds between attempts, at most.
    """

    def __init__(self, work: Callable[[], None], first: float = 1.0, most: float = 30.0) -> None:
        self._work, self._first, self._most = work, first, most
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def pending(self) -> bool:
        """Return whether the work is still to be done."""
        return self._thread is not None

    def start(self, why: object) -> None:
        """Begin, and log why; while the work is pending this does nothing."""
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                _log.warning("%s", why)
                self._thread = threading.Thread(target=self._run, name="dateline-catch-up", daemon=True)
                self._thread.start()

    @contextmanager
    def on(self, kind: type[RagError]) -> Iterator[None]:
        """Begin where the block ends with an error of this kind, which is not raised further."""
        try:
            yield
        except kind as error:
            self.start(error)

    def stop(self) -> None:
        """End the thread, after the attempt in progress."""
        self._ended.set()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        wait = self._first
        while not self._ended.wait(wait):
            try:
                self._work()
            except RagError as error:
                _log.info("%s", error)
                wait = min(2 * wait, self._most)
                continue
            break
        with self._lock:
            self._thread = None
