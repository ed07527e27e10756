"""Count wrong passwords and keys, so that nobody can try many."""

from __future__ import annotations

import threading
import time
from collections import deque

MOST_WRONG = 10  # wrong passwords from one address, or for one user, in `SECONDS`
SECONDS = 60.0
_MOST_REMEMBERED = 2000


class Lockout:
    """Counts what was wrong in the last minute, by address or by the user's name; thread-safe."""

    def __init__(self, most: int = MOST_WRONG) -> None:
        """Begin with none; after `most` wrong ones `closed` is true."""
        self._most = most
        self._wrong: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def closed(self, what: str) -> bool:
        """Return whether there were too many wrong ones."""
        with self._lock:
            wrong = self._wrong.get(what)
            now = time.monotonic()
            while wrong and now - wrong[0] > SECONDS:
                wrong.popleft()
            return wrong is not None and len(wrong) >= self._most

    def wrong(self, what: str) -> None:
        """Count a wrong one."""
        with self._lock:
            times = self._wrong.pop(what, deque(maxlen=self._most))
            times.append(time.monotonic())
            self._wrong[what] = times
            while len(self._wrong) > _MOST_REMEMBERED:
                del self._wrong[next(iter(self._wrong))]

    def right(self, what: str) -> None:
        """Forget the wrong ones."""
        with self._lock:
            self._wrong.pop(what, None)
