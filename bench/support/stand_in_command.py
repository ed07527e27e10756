"""`rag …` with the stand-in for the embedding model: python -m bench.support.stand_in_command ingest FOLDER."""

from __future__ import annotations

from bench.support.stand_in import StandIn
from rag.cli.app import main
from rag.models.runtime import Models

if __name__ == "__main__":
    made = StandIn()
    Models.embedding = lambda _: made  # type: ignore[method-assign, assignment]
    main()
