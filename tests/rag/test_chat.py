"""Conversations: follow-ups stand alone, the history is bounded, and one refusal spoils nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import FakeLLM, make_engine

from rag import Answer, Chat, Engine, QuestionError
from rag.answering.route import Route
from rag.chat import HISTORY, leans_back, put_instead

MINISTER = "Who is Mexico's foreign minister?"
CALL = "How did he describe the call?"
CALL_ALONE = "How did Marcelo Ebrard describe the call?"
AUSTRALIA = "What is the capital of Australia?"
# The first key that stands in the prompt decides: what asks for the answer holds the whole question, what asks for the
# rewritten one holds the follow-up.
REPLIES = {CALL_ALONE: "cordial", CALL: CALL_ALONE, MINISTER: "Marcelo Ebrard"}


@pytest.fixture(scope="module")
def model() -> FakeLLM:
    return FakeLLM(replies=REPLIES)


@pytest.fixture(scope="module")
def engine(model: FakeLLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with make_engine(tmp_path_factory.mktemp("chat"), model=model) as engine:
        yield engine


@pytest.fixture
def chat(engine: Engine, model: FakeLLM) -> Chat:
    model.messages.clear()
    return Chat(engine)


def test_follow_up_is_rewritten_and_answered(chat: Chat, model: FakeLLM) -> None:
    assert "Marcelo Ebrard" in chat.ask(MINISTER).text
    answer = chat.ask(CALL)
    assert answer.question == CALL_ALONE
    assert "cordial" in answer.text and not answer.abstained
    rewriting = next(prompt for prompt in model.prompts if CALL in prompt)
    assert MINISTER in rewriting and "Marcelo Ebrard" in rewriting, "it was told what was said before"
    assert "[1]" not in rewriting, "markers mean nothing there"


def test_evidence_is_looked_for_in_both_wordings(chat: Chat) -> None:
    chat.ask(MINISTER)
    answer = chat.ask(CALL)
    # the words of the first question bring its sentence back, which the rewritten one alone ranks lower
    alone = {e.text for e in chat.engine.answer(CALL_ALONE).evidence}
    joined = chat.engine.retrieve(f"{CALL} ({MINISTER})", 1)[0]
    assert joined.text in {e.text for e in answer.evidence}
    assert alone & {e.text for e in answer.evidence}


def test_first_question_is_never_rewritten(chat: Chat, model: FakeLLM) -> None:
    assert chat.stand_alone(CALL) == CALL
    assert model.messages == []


def test_question_that_stands_alone_is_left_alone(chat: Chat, model: FakeLLM) -> None:
    chat.ask(MINISTER)
    model.messages.clear()
    question = "How much additional aid did Harris announce for Guatemala?"
    assert chat.stand_alone(question) == question
    assert model.messages == []


@pytest.mark.parametrize(
    "question",
    [
        "How did he describe the call?",
        "And in Guatemala?",
        "Why?",
        "What about vaccines?",
        "When did they meet?",
        "Who else congratulated Biden?",
        "Is that all?",
        "Are you sure?",
    ],
)
def test_leans_back(question: str) -> None:
    assert leans_back(question)


@pytest.mark.parametrize(
    "question",
    [MINISTER, "How much additional aid did Harris announce for the region?", "Which countries border Mexico?"],
)
def test_stands_alone(question: str) -> None:
    assert not leans_back(question)


def test_history_is_bounded(chat: Chat) -> None:
    for n in range(HISTORY + 3):
        chat.ask(f"How many boats with the number {n} left the harbour?")
        assert len(chat.history) == min(n + 1, HISTORY)
    assert f"number {HISTORY + 2} " in chat.history[-1][0]
    many = [(f"Question {n}?", "answer") for n in range(50)]
    assert Chat(chat.engine, many).history == many[-HISTORY:]


def test_history_holds_what_was_asked_and_said(chat: Chat) -> None:
    chat.ask(MINISTER)
    chat.ask(CALL)
    (first, minister), (second, call) = chat.history
    assert (first, second) == (MINISTER, CALL_ALONE), "as they were answered, so that the next one can lean on them"
    assert minister == "Marcelo Ebrard" and "cordial" in call and "[" not in call


def test_given_history_is_not_changed(engine: Engine) -> None:
    given = [(MINISTER, "Marcelo Ebrard")]
    chat = Chat(engine, given)
    chat.ask(CALL)
    assert given == [(MINISTER, "Marcelo Ebrard")]


def test_refusal_does_not_poison_the_next_turn(chat: Chat) -> None:
    assert chat.ask(AUSTRALIA).abstained
    answer = chat.ask(MINISTER)
    assert not answer.abstained and "Marcelo Ebrard" in answer.text
    assert chat.ask(AUSTRALIA).abstained
    answer = chat.ask(CALL)
    assert answer.question == CALL_ALONE and not answer.abstained


def test_failed_question_leaves_no_trace(chat: Chat) -> None:
    chat.ask(MINISTER)
    before = list(chat.history)
    for question in ("", "x" * 100_000):
        with pytest.raises(QuestionError):
            chat.ask(question)
    assert chat.history == before


def test_stream_that_is_left_leaves_no_trace(chat: Chat) -> None:
    stream = chat.stream(MINISTER)
    assert str(next(stream)).startswith("Marcelo")
    stream.close()  # type: ignore[attr-defined]
    assert chat.history == []


def test_conversations_share_nothing(engine: Engine) -> None:
    one, two = Chat(engine), Chat(engine)
    one.ask(MINISTER)
    assert two.history == []
    assert two.ask(CALL).question == CALL


def test_async_twins(engine: Engine) -> None:
    async def talk() -> tuple[Answer, list[object]]:
        chat = Chat(engine)
        await chat.aask(MINISTER)
        parts = [part async for part in chat.astream(CALL)]
        assert [question for question, _ in chat.history] == [MINISTER, CALL_ALONE]
        return await chat.aask(MINISTER), parts

    answer, parts = asyncio.run(talk())
    assert "Marcelo Ebrard" in answer.text
    *words, last = parts
    assert "cordial" in "".join(map(str, words)) and isinstance(last, Answer) and last.question == CALL_ALONE


@pytest.mark.parametrize("said", ["", "one\ntwo", "x" * 5000])
def test_useless_rewriting_is_not_used(tmp_path: Path, said: str) -> None:
    question = "How did she describe it?"
    with make_engine(tmp_path, model=FakeLLM(default=said), documents={}) as engine:
        alone = Chat(engine, [(MINISTER, "Marcelo Ebrard")]).stand_alone(question)
    assert question in alone and MINISTER in alone
    assert "\n" not in alone and len(alone) < 300


def test_without_a_model_the_last_question_gives_the_words(seeds_engine: Engine) -> None:
    chat = Chat(seeds_engine)
    chat.ask(MINISTER)
    answer = chat.ask("How did he describe the call?")
    assert not answer.abstained
    assert "cordial" in answer.text


def test_long_conversation_without_a_model_stays_short(seeds_engine: Engine) -> None:
    """What a follow-up takes over does not grow with every follow-up."""
    chat = Chat(seeds_engine)
    chat.ask(MINISTER)
    for _ in range(60):
        chat.ask("How did he describe the call with the other one?")
    assert len(chat.history[-1][0]) < 500


@pytest.mark.parametrize(
    ("follow_up", "earlier", "wanted"),
    [
        ("And Odile Brandt?", "Where was Kovic?", "Where was Odile Brandt?"),
        ("What about Kovic?", "When did Ana de la Cruz leave?", "When did Kovic leave?"),
        ("And for Orrin?", "How much did Tessin pay?", "How much did Orrin pay?"),
        ("And Orrin?", "How much did Tessin pay to Vellmark?", None),
        ("And the mayor?", "Where was Kovic?", None),
        ("And why?", "Where was Kovic?", None),
        ("Why?", "Where was Kovic?", None),
        ("And Kovic?", "Who was there?", None),
    ],
)
def test_another_name_in_the_place_of_the_only_one(follow_up: str, earlier: str, wanted: str | None) -> None:
    assert put_instead(follow_up, earlier) == wanted


def test_a_question_that_says_nothing_alone_brings_the_one_before_it(tmp_path: Path) -> None:
    with make_engine(tmp_path, model=FakeLLM(default="")) as engine:
        chat = Chat(engine, [("When did Kovic leave?", ""), ("Where to? (When did Kovic leave?)", "Tessin")])
        assert chat.stand_alone("With how many of them?") == "With how many of them? (When did Kovic leave? Where to?)"
        chat = Chat(engine, [("When did Kovic leave?", ""), ("How did she travel? (When did Kovic leave?)", "")])
        assert chat.stand_alone("How far?") == "How far? (How did she travel?)"


def test_a_question_about_articles_may_refer_to_the_one_before(
    engine: Engine, model: FakeLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "asks", lambda _: Route.ABOUT_ARTICLES)
    chat = Chat(engine, [(MINISTER, "Marcelo Ebrard")])
    assert MINISTER in chat.stand_alone("Who wrote it?")
    assert chat.stand_alone("Which articles are there?") == "Which articles are there?"


def test_another_name_is_asked_about_without_the_model(chat: Chat, model: FakeLLM) -> None:
    chat.history = [("Who is Ebrard?", "foreign minister")]
    assert chat.stand_alone("And Harris?") == "Who is Harris?"
    assert not model.messages


def test_rewriting_that_adds_nothing_is_not_taken(tmp_path: Path) -> None:
    with make_engine(tmp_path, replies={"Follow-up": "And the mayor?"}) as engine:
        chat = Chat(engine, [("Where was Kovic?", "in Tessin")])
        assert chat.stand_alone("And the mayor?") == "And the mayor? (Where was Kovic?)"


def test_rewriting_that_repeats_the_question_before_is_not_taken(tmp_path: Path) -> None:
    with make_engine(tmp_path, replies={"Follow-up": "Who leads the party?"}) as engine:
        chat = Chat(engine, [("Who leads the party?", "")])
        assert chat.stand_alone("What did he say?") == "What did he say? (Who leads the party?)"
