"""The measurement of bad endpoints: every kind is told from a good one, and what is used or repeated is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import SEEDS

from bench import endpoints
from bench.support.stand_in import StandIn
from rag import Engine, Settings


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(Settings(store=tmp_path / "store", llm="extractive", caution=0), embedding=StandIn()) as engine:
        engine.ingest(SEEDS)
        yield engine


@pytest.mark.parametrize("kind", ["good", "cut", "noise"])
def test_both_halves_are_measured(engine: Engine, kind: str) -> None:
    outcome = endpoints.run(engine, kind, 1, 2, 30, noise=2_000_000)
    assert len(outcome.alone) == len(outcome.beside) == 2 and outcome.bad and not outcome.faults


def test_reply_that_is_used_is_seen(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(endpoints.KINDS, "cut", endpoints.KINDS["good"])
    assert "a bad reply was used" in endpoints.run(engine, "cut", 1, 1, 30).faults[0]


def test_reply_that_is_repeated_is_seen(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "SECRET", "best matching sentence")
    assert "is repeated" in endpoints.run(engine, "fault", 1, 1, 30).faults[0]
