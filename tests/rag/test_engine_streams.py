"""Answers word by word, from async code, in threads and while articles are ingested."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from answers import AID, MINISTER, REPLIES, assert_receipts
from fakes import WAIT, FakeLLM, make_engine, write_articles

from rag import Answer, Engine, QuestionError


def test_stream_gives_words_and_last_the_answer(engine: Engine) -> None:
    with engine.using(caution=0.29) as fresh:  # it has answered nothing yet
        *words, answer = fresh.stream(AID)
        assert words == ["US", " $310", " million"]
        assert isinstance(answer, Answer)
        assert answer.to_dict() | {"timings": None} == fresh.answer(AID).to_dict() | {"timings": None}


def test_a_question_asked_again_is_answered_without_the_model(tmp_path: Path) -> None:
    model = FakeLLM(replies=REPLIES)
    with make_engine(tmp_path, model=model) as engine:
        first = engine.answer(AID)
        *words, again = engine.stream(f"  {AID} ")
        assert len(model.messages) == 1 and words == ["US $310 million"]
        assert isinstance(again, Answer)
        assert again.to_dict() | {"timings": None} == first.to_dict() | {"timings": None}
        engine.add("new.txt", "Harris announced US $999 million in additional aid for the region on Sunday.")
        engine.answer(AID)
        assert len(model.messages) > 1  # the library changed, so the question is put again


def test_an_answer_without_its_model_is_not_kept(tmp_path: Path) -> None:
    model = FakeLLM(error=RuntimeError("down"))
    with make_engine(tmp_path, model=model) as engine:
        assert engine.answer(AID).notices
        model.error, model.replies = None, dict(REPLIES)
        assert not engine.answer(AID).notices


def test_abstention_streams_nothing_else(engine: Engine) -> None:
    [answer] = engine.stream("What is the capital of Australia?")
    assert isinstance(answer, Answer) and answer.abstained


def test_closing_the_stream_stops_the_model(tmp_path: Path) -> None:
    model = FakeLLM(default="one two three", gate=threading.Event())
    with make_engine(tmp_path, model=model) as engine:
        stream: Any = engine.stream(MINISTER)
        assert next(stream) == "one"
        assert not model.closed.is_set()
        stream.close()
        assert model.closed.wait(WAIT)
        model.gate.set()
        assert isinstance(engine.answer(MINISTER), Answer)


def test_async_twins(engine: Engine) -> None:
    async def both() -> tuple[Answer, list[object]]:
        return await engine.aanswer(AID), [part async for part in engine.astream(AID)]

    answer, parts = asyncio.run(both())
    assert_receipts(engine, answer)
    assert "".join(str(part) for part in parts[:-1]) == "US $310 million"
    last = parts[-1]
    assert isinstance(last, Answer) and last.citations == answer.citations


def test_async_does_not_block_the_loop(tmp_path: Path) -> None:
    model = FakeLLM(replies=REPLIES, gate=threading.Event())
    with make_engine(tmp_path, model=model) as engine:

        async def race() -> Answer:
            waiting = asyncio.create_task(engine.aanswer(AID))
            await asyncio.to_thread(model.started.wait, WAIT)
            model.gate.set()  # the loop runs while the model is silent, so it can open the gate
            return await waiting

        assert "310" in asyncio.run(race()).text


def test_async_stream_that_is_left_stops_the_model(tmp_path: Path) -> None:
    model = FakeLLM(default="one two three", gate=threading.Event())
    with make_engine(tmp_path, model=model) as engine:

        async def leave() -> None:
            stream: Any = engine.astream(MINISTER)
            assert await anext(stream) == "one"
            await stream.aclose()

        asyncio.run(leave())
        assert model.closed.wait(WAIT)


def test_async_errors_are_the_same(engine: Engine) -> None:
    async def ask() -> None:
        with pytest.raises(QuestionError):
            await engine.aanswer("")
        with pytest.raises(QuestionError):
            async for _ in engine.astream(""):
                pass

    asyncio.run(ask())


def test_eight_readers_at_once(engine: Engine) -> None:
    questions = [AID, MINISTER, "What is the capital of Australia?", "What did the two leaders eat?"] * 2
    alone = [engine.answer(q).to_dict() | {"timings": None} for q in questions]
    together: dict[int, Any] = {}
    barrier = threading.Barrier(8)

    def ask(number: int) -> None:
        barrier.wait(WAIT)
        for _ in range(3):
            answer = engine.answer(questions[number])
            assert_receipts(engine, answer)
            together[number] = answer.to_dict() | {"timings": None}

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert [together[n] for n in range(8)] == alone


def test_asking_while_ingesting(tmp_path: Path) -> None:
    """A reader sees the old article or the new one, never half of one."""
    first, second = "The cod left the harbour on 1 May.", "The cod left the harbour on 2 May, the mayor said."
    with make_engine(tmp_path, documents={"cod.txt": first}) as engine:
        failures: list[BaseException] = []
        done = threading.Event()

        def read() -> None:
            try:
                while not done.is_set():
                    answer = engine.answer("When did the cod leave the harbour?")
                    assert answer.abstained is False
                    assert answer.citations[0].quote in (first, second)
            except BaseException as error:
                failures.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        for turn in range(6):
            write_articles(tmp_path / "articles", {"cod.txt": second if turn % 2 == 0 else first})
            assert engine.ingest(tmp_path / "articles").replaced == ("cod.txt",)
        done.set()
        reader.join(WAIT)
        assert failures == []
