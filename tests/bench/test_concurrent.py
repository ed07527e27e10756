"""Questions during a sync, a small run of the benchmark; and that the benchmark sees what it looks for."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.concurrent import Articles, Outcome, article, check, run, whole
from bench.support.stand_in import StandIn
from rag import Engine, RagError, Settings

pytestmark = pytest.mark.long


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    with Engine(Settings(store=tmp_path / "store", llm="extractive", caution=0), embedding=StandIn()) as engine:
        yield engine


def test_no_error_and_no_half_document_during_a_sync(engine: Engine, tmp_path: Path) -> None:
    outcome = run(tmp_path / "articles", questions=150, threads=3, count=20, engine=engine)
    assert (outcome.faults, outcome.examples) == (Counter(), {})
    assert outcome.questions == 150 and outcome.answered > 75
    assert outcome.syncs > 1 and outcome.changes["replaced"] > 5 and outcome.changes["failed"] == 0


def test_what_is_wrong_is_seen(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    articles, outcome = Articles(tmp_path / "articles", 3, seed=1), Outcome()
    engine.ingest(articles.folder)
    answer = engine.answer("How many visitors did the museum number 1 count on day 3?")
    assert answer.citations and "v1x1" in answer.citations[0].quote
    check(engine, answer, articles, outcome)
    whole(engine, articles, outcome)
    assert not outcome.faults

    mixed = dataclasses.replace(answer.evidence[0], text="In report v1x2 the museum")
    other = dataclasses.replace(answer.citations[0], start=answer.citations[0].start + 1)
    articles.texts["v1x1"] += "More."
    check(
        engine, dataclasses.replace(answer, evidence=(*answer.evidence, mixed), citations=(other,)), articles, outcome
    )
    articles.write(0)
    whole(engine, articles, outcome)
    assert outcome.faults == {
        "evidence of two versions of one article": 1,
        "citations that are not verbatim": 1,
        "half documents": 1,
        "libraries that differ from their folder after a sync": 1,
    }


def test_errors_are_counted(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RagError("the store broke")

    monkeypatch.setattr(Engine, "answer", broken)
    outcome = run(tmp_path / "articles", questions=4, threads=2, count=3, engine=engine)
    assert outcome.faults["errors"] == outcome.questions == 4 and "the store broke" in outcome.examples["errors"]


def test_each_version_has_its_word_in_every_sentence() -> None:
    one, two = article(7, 1), article(7, 2)
    assert one.count("v7x1") == two.count("v7x2") == 13 and "v7x1" not in two
