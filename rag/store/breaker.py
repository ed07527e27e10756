"""A circuit breaker: what failed is left alone for a while, so that nobody waits for it again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Says whether a service may be called; thread-safe.

    After a failure it may not, for a while that doubles with each failure in a row. Then one call may try.

    Args:
        first: Seconds after the first failure.
        most: Seconds at most.
        clock: Returns the time in seconds.
    """

    def __init__(self, first: float = 2.0, most: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._first, self._most, self._clock = first, most, clock
        self._lock = threading.Lock()
        self._wait = 0.0  # 0 while it works
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Return whether the last call failed."""
        return self._wait > 0

    def allows(self) -> bool:
        """Return whether a call may be made now; where that is a trial, others wait for how it ends."""
        with self._lock:
            if not self._wait:
                return True
            if self._clock() < self._until:
                return False
            self._until = self._clock() + self._wait
            return True

    def failed(self) -> None:
        """Record that a call failed."""
        with self._lock:
            self._wait = min(2 * self._wait or self._first, self._most)
            self._until = self._clock() + self._wait

    def succeeded(self) -> None:
        """Record that a call succeeded."""
        with self._lock:
            self._wait = 0.0
