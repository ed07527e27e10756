"""`rag …` with the stand-in for the embedding model: python -m bench.support.stand_in_command ingest FOLDER.

The variable BENCH_WAIT may say how many seconds each passage takes.
"""

from __future__ import annotations

import os

from bench.support.stand_in import StandIn
from rag.cli.app import main
from rag.models.runtime import Models

if __name__ == "__main__":
    made = StandIn(wait=float(os.environ.get("BENCH_WAIT", "0")))
    Models.embedding = lambda _: made  # type: ignore[method-assign, assignment]
    main()
