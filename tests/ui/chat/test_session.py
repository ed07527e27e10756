"""A reader's session and the run behind an answer, without a page."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from fakes import WAIT, FakeLLM
from samples import AID, AID_QUOTE, CALL, CALL_ALONE, FAILS, MINISTER, SLOW, sample_chat

from rag import Engine, Filters
from ui.chat.conversations import Turn
from ui.chat.session import FAULT, STOPPED, Run, Session, ask, pump
from ui.server.queue import Queue, queue_of


def run(engine: Engine, session: Session, question: str, **options: Any) -> list[str]:
    """Ask, and return what was written or waited for at each step."""

    async def all_steps() -> list[str]:
        steps = ask(engine, session, question, chat=sample_chat, **options)
        return [session.run.draft or session.run.waiting if session.run else "" async for _ in steps]

    return asyncio.run(all_steps())


def waits_for(condition: Callable[[], bool]) -> bool:
    """Return whether `condition` becomes true soon."""
    end = time.monotonic() + WAIT
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def last(session: Session) -> Turn:
    return session.current.turns[-1]


def test_draft_then_checked_answer(engine: Engine, model: FakeLLM) -> None:
    async def drafted() -> list[str]:
        said = []
        async for _ in ask(engine, session, AID, chat=sample_chat):
            said.append(session.run.draft or session.run.waiting if session.run else "")
            if said[-1] == "310":
                model.gate.set()
        return said

    model.gate, session = threading.Event(), Session()
    steps = asyncio.run(drafted())
    assert steps[0] == "Searching the articles…" and "310" in steps and steps[-1] == ""
    given = last(session).answer
    assert given and [c.quote for c in given.citations] == [AID_QUOTE]
    assert session.runs == {} and session.book.conversations == [session.current]


def test_follow_up_knows_what_was_said(engine: Engine) -> None:
    session = Session()
    run(engine, session, MINISTER)
    run(engine, session, CALL)
    given = last(session).answer
    assert last(session).asked == CALL and given and given.question == CALL_ALONE


def test_chosen_articles_are_asked_alone(engine: Engine) -> None:
    chosen = next(s.id for s in engine.sources() if s.source.startswith("004"))
    session = Session()
    run(engine, session, "How many Mexicans have died?", filters=Filters(documents=(chosen,)))
    given = last(session).answer
    assert given
    assert {e.document_id for e in (*given.related, *given.citations)} == {chosen}


def test_error_is_a_message_and_nothing_is_lost(engine: Engine) -> None:
    session = Session()
    run(engine, session, AID)
    run(engine, session, FAILS)
    assert last(session).problem == "the model <b>went away</b>; start it again"
    run(engine, session, MINISTER)
    assert [q for q, _ in session.current.history] == [AID, MINISTER]


def test_fault_keeps_the_conversation(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError("secret detail")

    async def asked() -> None:
        async for _ in ask(engine, session, AID, chat=broken):
            pass

    session = Session()
    asyncio.run(asked())
    assert last(session).problem == FAULT
    assert "secret detail" in caplog.text
    assert session.runs == {} and queue_of(engine.settings).tickets == []


@pytest.mark.parametrize("blank", ["", "  \n "])
def test_blank_question_asks_nothing(engine: Engine, blank: str) -> None:
    session = Session()
    assert run(engine, session, blank) == [""]
    assert session.current.turns == []


async def first_word(steps: AsyncIterator[None], session: Session) -> None:
    while not (session.run and session.run.draft):
        await steps.__anext__()


def test_stop_closes_the_stream_and_frees_the_place(engine: Engine, model: FakeLLM) -> None:
    async def stopped() -> None:
        steps = ask(engine, session, SLOW, chat=sample_chat)
        await first_word(steps, session)
        session.stop()
        async for _ in steps:
            pass

    model.pace, session = 0.02, Session()
    asyncio.run(stopped())
    assert last(session).problem == STOPPED and session.current.history == []
    assert waits_for(lambda: not queue_of(engine.settings).tickets) and model.closed.wait(WAIT)


def test_leaving_the_page_closes_the_stream(engine: Engine, model: FakeLLM) -> None:
    async def left() -> None:
        steps = ask(engine, session, SLOW, chat=sample_chat)
        await first_word(steps, session)
        await steps.aclose()  # what Gradio does when the browser is gone

    model.pace, session = 0.02, Session()
    asyncio.run(left())
    assert model.closed.wait(WAIT) and session.runs == {}
    assert waits_for(lambda: not queue_of(engine.settings).tickets)


def test_place_in_the_line_is_told(engine: Engine, model: FakeLLM) -> None:
    async def three() -> list[str]:
        first, second, third = Session(), Session(), Session()
        one = ask(engine, first, SLOW, chat=sample_chat)
        await first_word(one, first)
        two, three = (ask(engine, s, AID, chat=sample_chat) for s in (second, third))
        for steps in (two, two, three, three):
            await steps.__anext__()
        said = [s.run.waiting for s in (second, third) if s.run]
        second.stop()
        async for _ in two:
            pass
        await three.__anext__()
        said.append(third.run.waiting if third.run else "")
        first.stop()
        async for _ in one:
            pass
        async for _ in three:
            pass
        assert last(second).problem == STOPPED and last(third).answer
        return said

    model.pace = 0.02
    said = asyncio.run(three())
    assert said == ["1 question before yours…", "2 questions before yours…", "1 question before yours…"]


def test_waiting_readers_take_no_thread(engine: Engine, model: FakeLLM) -> None:
    async def many() -> int:
        busy = Session()
        slow = ask(engine, busy, SLOW, chat=sample_chat)
        await first_word(slow, busy)
        before = threading.active_count()
        waiting = [ask(engine, Session(), AID, chat=sample_chat) for _ in range(50)]
        for steps in waiting:
            await steps.__anext__()
            await steps.__anext__()
        more = threading.active_count() - before
        for steps in [*waiting, slow]:
            await steps.aclose()
        return more

    model.pace = 0.02
    assert asyncio.run(many()) == 0
    assert waits_for(lambda: not queue_of(engine.settings).tickets)


def test_stop_is_heard_while_the_model_is_silent() -> None:
    release, closed = threading.Event(), threading.Event()

    def silent() -> Iterator[str]:
        try:
            release.wait(WAIT)
            yield "late"
            yield "later"
        finally:
            closed.set()

    async def stopped() -> list[Any]:
        asyncio.get_running_loop().call_later(0.1, setattr, run, "stopped", True)
        return [items async for items in pump(silent, run, ticket)]

    line = Queue(1)
    run, ticket = Run("q", "w"), line.join()
    assert asyncio.run(stopped()) == []
    assert line.tickets == [ticket]  # the model is at work until it gives its next item
    release.set()
    assert closed.wait(WAIT) and waits_for(lambda: not line.tickets)


def test_two_sessions_share_nothing(engine: Engine) -> None:
    one, two = Session(), Session()
    run(engine, one, AID)
    run(engine, two, MINISTER)
    assert [t.asked for t in one.current.turns] == [AID] and [t.asked for t in two.current.turns] == [MINISTER]
    assert one.book is not two.book


def test_answer_goes_to_the_conversation_it_was_asked_in(engine: Engine) -> None:
    async def moved_on() -> None:
        steps = ask(engine, session, AID, chat=sample_chat)
        await steps.__anext__()
        session.open()
        async for _ in steps:
            pass

    session = Session()
    asked_in = session.current
    asyncio.run(moved_on())
    assert [t.asked for t in asked_in.turns] == [AID] and session.current.turns == []
    assert session.book.conversations == [asked_in]


def test_deleted_conversation_drops_its_run_and_can_come_back(engine: Engine, model: FakeLLM) -> None:
    async def deleted() -> None:
        steps = ask(engine, session, SLOW, chat=sample_chat)
        await first_word(steps, session)
        session.delete(session.current)
        assert [_ async for _ in steps] == []

    session = Session()
    run(engine, session, AID)
    model.pace, conversation = 0.02, session.current
    asyncio.run(deleted())
    assert session.book.conversations == [] and session.current is not conversation
    session.undo()
    assert session.book.conversations == [conversation] and session.current is conversation
    assert [t.asked for t in conversation.turns] == [AID]
    assert waits_for(lambda: not queue_of(engine.settings).tickets)


def test_trying_the_last_turn_again_replaces_it() -> None:
    session = Session()
    session.current.turns = [Turn("a"), Turn("b")]
    session.begin_again(session.current.turns[1].id)
    assert [t.asked for t in session.current.turns] == ["a"]


def test_trying_an_earlier_turn_again_leaves_the_conversation_alone() -> None:
    session = Session()
    before = session.current
    before.turns = [Turn("a"), Turn("b"), Turn("c")]
    session.begin_again(before.turns[1].id)
    assert [t.asked for t in before.turns] == ["a", "b", "c"]
    assert session.current is not before and [t.asked for t in session.current.turns] == ["a"]
    session.begin_again("unknown")
    assert [t.asked for t in session.current.turns] == ["a"]


def test_own_engine_is_closed_when_nothing_asks_it(engine: Engine) -> None:
    closed: list[str] = []

    class View:
        def __init__(self, name: str) -> None:
            self.name = name

        def close(self) -> None:
            closed.append(self.name)

    session = Session()
    session.use(View("first"))  # type: ignore[arg-type]
    session.runs["x"] = Run("q", "w")
    session.use(View("second"))  # type: ignore[arg-type]
    assert closed == []
    del session.runs["x"]
    session.sweep()
    assert closed == ["first"]
    session.close()
    assert closed == ["first", "second"] and session.own is None


def test_key_is_not_in_what_a_log_would_show() -> None:
    assert "secret" not in repr(Session(key="secret"))
