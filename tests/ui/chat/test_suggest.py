"""Suggestions: only questions that the engine answers from the place that they were made from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeLLM, make_engine
from samples import make_answer

from rag import Engine, Filters
from ui.chat import suggest
from ui.chat.conversations import Conversation, Turn
from ui.chat.suggest import Suggester
from ui.server.queue import queue_of

GRANT = "New bridge\n\nMinister Ana Torres announced $12 million in state aid for the bridge, which is old."
FLOOD = "River rises\n\nAt least 58 people were rescued in the valley on Friday. Others fled."
ARTICLES = {
    "flood.txt": FLOOD + " Union leader Bo Ek said the valley would be rebuilt.",
    "grant.txt": GRANT,
}
AID = "How much state aid for the bridge did Minister Ana Torres announce?"
RESCUED = "How many people were rescued in the valley on Friday?"
EK = "What did Bo Ek say?"


def never() -> bool:
    return False


def opening(engine: Engine, filters: Filters | None = None, stopped: Callable[[], bool] = never) -> tuple[str, ...]:
    return asyncio.run(Suggester(engine).opening(filters, stopped))


def test_opening_questions_are_answered(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=ARTICLES, caution=0.0) as engine:
        assert opening(engine) == (AID, RESCUED, EK)
        assert [q for q in (AID, RESCUED, EK) if not engine.answer(q).citations] == []


def test_opening_questions_of_the_shipped_articles(seeds_engine: Engine) -> None:
    with seeds_engine.using(caution=0.0) as engine:  # the scores of a fake embedding are not those calibrated for
        assert len(opening(engine)) == 3


def test_only_of_the_chosen_articles(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=ARTICLES, caution=0.0) as engine:
        (flood,) = [s.id for s in engine.sources() if s.source.endswith("flood.txt")]
        assert opening(engine, Filters(documents=(flood,))) == (RESCUED, EK)


def test_question_that_is_refused_is_not_offered(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=ARTICLES, caution=1.0) as engine:
        assert opening(engine) == ()


def test_question_that_another_article_answers_is_not_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with make_engine(tmp_path, documents=ARTICLES, caution=0.0) as engine:
        other = engine.answer(RESCUED)
        monkeypatch.setattr(suggest, "_asked", lambda chat, question, filters: other)
        assert opening(engine) == (RESCUED,)


def test_no_model_is_asked(tmp_path: Path) -> None:
    model = FakeLLM()
    with make_engine(tmp_path, documents=ARTICLES, model=model, caution=0.0) as engine:
        assert opening(engine) == (AID, RESCUED, EK)
    assert model.messages == []


def test_follow_ups_are_near_what_was_cited_and_new(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=ARTICLES, caution=0.0) as engine:
        talk = Conversation([Turn(RESCUED, engine.answer(RESCUED))])
        assert asyncio.run(Suggester(engine).after(talk, None, never)) == (EK,)


def test_opening_questions_fill_up_the_follow_ups(tmp_path: Path) -> None:
    async def both(engine: Engine) -> tuple[str, ...]:
        suggester = Suggester(engine)
        await suggester.opening(None, never)
        return await suggester.after(Conversation([Turn(RESCUED, engine.answer(RESCUED))]), None, never)

    with make_engine(tmp_path, documents=ARTICLES, caution=0.0) as engine:
        assert asyncio.run(both(engine)) == (EK, AID)


def test_nothing_follows_a_problem_or_an_empty_library(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={}) as engine:
        assert opening(engine) == ()
        for turn in (
            Turn("What?", problem="It failed."),
            Turn("What?", make_answer("What?", "The articles do not say.")),
        ):
            assert asyncio.run(Suggester(engine).after(Conversation([turn]), None, never)) == ()


def test_what_was_stopped_is_made_again(tmp_path: Path) -> None:
    async def twice(engine: Engine) -> tuple[tuple[str, ...], tuple[str, ...]]:
        suggester = Suggester(engine)
        return await suggester.opening(None, lambda: True), await suggester.opening(None, never)

    with make_engine(tmp_path, documents=ARTICLES, caution=0.0) as engine:
        assert asyncio.run(twice(engine)) == ((), (AID, RESCUED, EK))


def test_questions_of_readers_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggest, "_PATIENCE", 0.0)
    with make_engine(tmp_path, documents=ARTICLES, caution=0.0) as engine:
        ticket = queue_of(engine.settings).join("a reader")
        try:
            assert opening(engine) == ()
        finally:
            ticket.leave()
        assert opening(engine) == (AID, RESCUED, EK)
