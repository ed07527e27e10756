"""The page's handlers and the session behind them, without a browser."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import httpx
import pytest
from fake_engine import AID, CALL, CALL_ALONE, FAILS, MINISTER, SLOW, FakeChat, FakeEngine

from rag import RagError
from ui import build, serve
from ui.page import WarmUp, default_examples, model_name
from ui.session import Session, ask, pump


def waits_for(condition: Callable[[], bool]) -> bool:
    """Return whether `condition` becomes true soon."""
    end = time.monotonic() + 5
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def run(engine: FakeEngine, session: Session, question: str) -> list[list[str]]:
    """Ask and return what was shown at each step."""
    return [session.frames() for _ in ask(engine, session, question, chat=FakeChat)]


def handler(page: gr.Blocks, name: str) -> Callable[..., Any]:
    """Return the page's event handler of that name."""
    (found,) = [f.fn for f in page.fns.values() if f.name == name]
    assert found
    return found


def test_draft_then_checked_answer() -> None:
    engine, session = FakeEngine(pace=0.06), Session()
    steps = run(engine, session, AID)
    assert "Searching the articles" in steps[0][0]
    drafts = [s[0] for s in steps if "dl-draft" in s[0]]
    assert drafts and all("dl-pending" in d and "<mark>" not in d for d in drafts)
    assert "dl-pending" not in steps[-1][0] and "<mark>Harris recently" in steps[-1][0]
    assert all(len(s) == 1 for s in steps)
    assert session.run is None


def test_handler_shows_stop_while_busy_and_empties_the_box_once() -> None:
    page = build(FakeEngine(pace=0.06), chat=FakeChat)
    session = Session()
    steps = list(handler(page, "on_ask")(AID, session))
    assert [s[2] for s in steps] == ["", *[gr.skip()] * (len(steps) - 1)]
    assert [s[3]["visible"] for s in steps] == [False] * (len(steps) - 1) + [True]
    assert [s[4]["visible"] for s in steps] == [True] * (len(steps) - 1) + [False]
    assert "<mark>" in steps[-1][1][0]


def test_follow_up_knows_what_was_said() -> None:
    engine, session = FakeEngine(), Session()
    run(engine, session, MINISTER)
    frames = run(engine, session, CALL)[-1]
    assert len(frames) == 2 and CALL_ALONE in frames[1]
    assert session.history == [(MINISTER, "Marcelo Ebrard"), (CALL_ALONE, 'He said it was "cordial."')]


def test_error_is_a_line_and_nothing_is_lost() -> None:
    engine, session = FakeEngine(), Session()
    run(engine, session, AID)
    frames = run(engine, session, FAILS)[-1]
    assert len(frames) == 2
    assert "the model &lt;b&gt;went away&lt;/b&gt;; start it again" in frames[1]
    assert f'data-ask="{FAILS}"' in frames[1]
    assert [q for q, _ in session.history] == [AID]
    assert "<mark>" in run(engine, session, MINISTER)[-1][2]


def test_fault_keeps_the_conversation(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> FakeChat:
        raise ZeroDivisionError("secret detail")

    session = Session()
    list(ask(FakeEngine(), session, AID, chat=broken))
    (frame,) = session.frames()
    assert "Something went wrong" in frame and "secret detail" not in frame
    assert "secret detail" in caplog.text
    assert session.run is None


def test_two_sessions_share_nothing() -> None:
    engine, one, two = FakeEngine(pace=0.03), Session(), Session()
    first, second = ask(engine, one, AID, chat=FakeChat), ask(engine, two, MINISTER, chat=FakeChat)
    for _ in range(2):  # both in progress at once
        next(first), next(second)
    assert AID in one.frames()[0] and AID not in two.frames()[0]
    list(first), list(second)
    assert [q for q, _ in one.history] == [AID] and [q for q, _ in two.history] == [MINISTER]


def test_stop_closes_the_stream() -> None:
    engine, session = FakeEngine(), Session()
    steps = ask(engine, session, SLOW, chat=FakeChat)
    next(steps), next(steps)
    handler(build(engine, chat=FakeChat), "on_stop")(session)
    started = time.monotonic()
    list(steps)
    assert time.monotonic() - started < 1
    assert "Stopped before" in session.frames()[0] and "word word" not in session.frames()[0]
    assert waits_for(lambda: engine.opened == engine.closed == 1)
    assert session.history == []


def test_leaving_the_page_closes_the_stream() -> None:
    engine, session = FakeEngine(), Session()
    steps = ask(engine, session, SLOW, chat=FakeChat)
    next(steps), next(steps)
    steps.close()  # what Gradio does when the browser is gone
    assert waits_for(lambda: engine.opened == engine.closed == 1)
    assert session.run is None


def test_new_chat_drops_the_run() -> None:
    engine, session = FakeEngine(), Session()
    run(engine, session, AID)
    steps = ask(engine, session, SLOW, chat=FakeChat)
    next(steps), next(steps)
    page = build(engine, chat=FakeChat)
    assert "dl-welcome" in handler(page, "on_new")(session)[1][0]
    assert list(steps) == []
    assert session.frames() == [] and session.history == []
    assert waits_for(lambda: engine.opened == engine.closed == 2)


def test_a_second_question_waits_its_turn() -> None:
    engine, session = FakeEngine(), Session()
    steps = ask(engine, session, SLOW, chat=FakeChat)
    next(steps)
    list(ask(engine, session, AID, chat=FakeChat))
    assert engine.opened <= 1 and len(session.frames()) == 1
    session.stop()
    list(steps)


@pytest.mark.parametrize("blank", ["", "  \n "])
def test_blank_question_asks_nothing(blank: str) -> None:
    engine, session = FakeEngine(), Session()
    assert run(engine, session, blank) == [[]]
    assert engine.opened == 0


def test_stop_is_heard_while_the_model_is_silent() -> None:
    release, closed = threading.Event(), threading.Event()

    def silent() -> Iterator[str]:
        try:
            release.wait(10)
            yield "late"
            yield "later"
        finally:
            closed.set()

    stopped = threading.Event()
    threading.Timer(0.1, stopped.set).start()
    started = time.monotonic()
    assert list(pump(silent, stopped.is_set)) == []
    assert time.monotonic() - started < 2
    release.set()
    assert closed.wait(5)


def test_examples_are_those_of_the_held_articles() -> None:
    assert len(default_examples(FakeEngine())) == 4
    assert default_examples(FakeEngine(seeds=False, hostile=True)) == []
    page = build(FakeEngine(), examples=["Mine?"], chat=FakeChat)
    (frame,) = handler(page, "on_new")(Session())[1]
    assert 'data-ask="Mine?"' in frame and AID not in frame


def test_empty_library() -> None:
    page = build(FakeEngine(seeds=False), chat=FakeChat)
    assert "The library is empty" in handler(page, "on_new")(Session())[1][0]


def test_library_that_cannot_be_read_says_so() -> None:
    class Broken(FakeEngine):
        def sources(self) -> Any:
            raise RagError("the store is locked; close the other window")

    head, _, _, frames, *_ = handler(build(Broken()), "on_load")(Session())
    assert "the store is locked" in head and "the store is locked" in frames[0]


def test_warm_up_says_how_it_goes() -> None:
    gate = threading.Event()

    class Loading(FakeEngine):
        def warm_up(self) -> None:
            gate.wait(5)
            raise RagError("weights are missing; run rag models pull")

    warm_up = WarmUp(Loading())
    page = build(FakeEngine(pace=0.01), warm_up=warm_up, chat=FakeChat)
    warm_up.start()
    head, timer = handler(page, "on_tick")()
    assert "Loading the models" in head and timer.active
    assert "Loading the models" in next(handler(page, "on_ask")(AID, Session()))[1][0]
    gate.set()
    assert waits_for(lambda: not warm_up.loading)
    head, timer = handler(page, "on_tick")()
    assert "weights are missing" in head and not timer.active


def test_model_names() -> None:
    assert model_name("openai:org/model-7b") == "org/model-7b"
    assert model_name("/models/tiny.gguf") == "tiny"
    assert "built-in" in model_name("local") and "small" in model_name("local:small")


def test_served_page_has_no_outside_asset() -> None:
    with serve(build(FakeEngine(), chat=FakeChat)) as url, httpx.Client(base_url=url, trust_env=False) as client:
        for path in ("/", "/theme.css", "/favicon.ico", "/manifest.json"):
            response = client.get(path)
            assert response.status_code == 200, path
            assert "fonts.g" not in response.text and "@import" not in response.text
        config = client.get("/config").json()
        assert config["footer_links"] == [] and config["analytics_enabled"] is False


def test_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RagError, match=f"cannot listen on 127.0.0.1:{port}"), serve(build(FakeEngine()), port=port):
            pass  # pragma: no cover
