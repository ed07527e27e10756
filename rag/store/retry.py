"""How long a call to a server is tried again: the same for Chroma and for PostgreSQL."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator

PATIENCE = 30.0  # seconds, so that a restart of the server does not end an ingest
PAUSE, LONGEST_PAUSE = 0.2, 4.0  # seconds between attempts


def attempts(patience: float) -> Iterator[int]:
    """Yield the number of each attempt, from 0, and wait before all but the first, twice as long each time.

    Args:
        patience: Seconds after which no more attempts begin; there are two in any case.
    """
    until, pause = time.monotonic() + patience, PAUSE
    for attempt in itertools.count():
        if attempt > 1 and time.monotonic() >= until:
            return
        if attempt:
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, LONGEST_PAUSE)
        yield attempt
