"""A citation says who published its article and when, and what the relative dates in its quote mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import make_engine

from rag import Answer, Engine, Evidence, Filters, Span
from rag.answering.citation import cite

GATE = """---
title: Sluice gate fails
date: 2024-07-12
source: Marsh Post
url: https://marsh.test/gate
---
The sluice gate at Wendle failed yesterday and flooded 14 houses.
"""
SAID = "The Kettle dam held through the night, engineers said, and 800 people went home."
WIRE = f"""title,date,source,author,text
"Dam holds",2024-02-01,"Valley Times","Ann Roe","{SAID}"
"Dam stands firm",2024-02-02,"Coast Courier","Bo Lind","{SAID}"
"""
HOME = "How many people went home?"


def evidence(text: str, **details: str) -> Evidence:
    return Evidence(1, "a.txt", "T", text, 0, len(text), 1.0, 1.0, 1.0, "id", Span(0, len(text)), **details)


def test_times() -> None:
    assert cite(1, evidence("It fell yesterday.", date="2024-07-12"), 1.0).times == (("yesterday", "2024-07-11"),)
    assert cite(1, evidence("It fell yesterday."), 1.0).times == ()
    assert cite(1, evidence("Es fiel gestern.", date="2024-07-12", language="de"), 1.0).times == (
        ("gestern", "2024-07-11"),
    )


def test_unknown_is_none() -> None:
    cited = cite(1, evidence("It fell."), 1.0)
    assert (cited.date, cited.publisher, cited.url, cited.origin) == (None, None, None, "")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "gate.md").write_text(GATE, encoding="utf-8")
    (folder / "wire.csv").write_text(WIRE, encoding="utf-8")
    with make_engine(tmp_path, documents={}, llm="extractive", caution=0.0) as engine:
        engine.ingest(folder)
        yield engine


def test_the_answer_shows_where_and_when(engine: Engine) -> None:
    answer = engine.answer("When did the sluice gate at Wendle fail?")
    (cited,) = answer.citations
    assert (cited.date, cited.publisher, cited.url) == ("2024-07-12", "Marsh Post", "https://marsh.test/gate")
    assert "gate.md (Marsh Post, 12 Jul 2024): “" in str(answer)
    assert str(answer).endswith("(yesterday, that is 11 Jul 2024)")
    assert "yesterday (11 Jul 2024)" in answer.text
    (said,) = json.loads(json.dumps(answer.to_dict()))["citations"]
    assert (said["date"], said["publisher"], said["times"]) == (
        "2024-07-12",
        "Marsh Post",
        [["yesterday", "2024-07-11"]],
    )


def test_the_same_text_in_two_papers_keeps_both(engine: Engine) -> None:
    (cited,) = engine.answer(HOME).citations
    assert (cited.source, cited.origin) == ("wire.csv!/2", "Valley Times, 1 Feb 2024")
    assert [(place.source, place.origin) for place in cited.also] == [("wire.csv!/3", "Coast Courier, 2 Feb 2024")]


@pytest.mark.parametrize(
    "filters", [Filters(sources=("coast*",)), Filters(since="2024-02-02"), Filters(authors=("Lind",))]
)
def test_a_filter_finds_the_copy_that_meets_it(engine: Engine, filters: Filters) -> None:
    answer = engine.answer(HOME, filters)
    (cited,) = answer.citations
    assert "800" in answer.text
    assert (cited.source, cited.title, cited.origin) == ("wire.csv!/3", "Dam stands firm", "Coast Courier, 2 Feb 2024")
    assert cited.also == ()


def test_a_filter_that_no_article_meets(engine: Engine) -> None:
    def asked(filters: Filters) -> Answer:
        return engine.answer(HOME, filters)

    answer = asked(Filters(since="2030", sources=("*coast*",)))
    assert answer.abstained and answer.citations == ()
    assert answer.text == "No article in the library meets the filter (named or published by coast, since 2030)."
    assert "one of the chosen articles" in asked(Filters(documents=("none",))).text
    assert not asked(Filters(sources=("coast*",))).abstained
