"""The page's handlers and its server, without a browser."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest
from fakes import WAIT, FakeLLM, make_engine
from samples import AID, AID_QUOTE, MINISTER, sample_chat

from rag import Engine, Filters, RagError
from rag.users.feedback import feedback_path
from ui import build, serve
from ui.chat.session import Session
from ui.chat.tab import narrowed
from ui.page import WarmUp
from ui.settings.preferences import ENDPOINT

pytestmark = pytest.mark.long

KEY = "sk-very-secret-0123456789"


def handler(page: gr.Blocks, name: str) -> Callable[..., Any]:
    """Return the page's event handler of that name."""
    found = [f.fn for f in page.fns.values() if f.name == name and getattr(f.fn, "__module__", "").startswith("ui.")]
    functions = {getattr(f, "__func__", f): f for f in found if f}
    chat = [f for f in functions.values() if "library" not in f.__module__ and "quality" not in f.__module__]
    assert len(chat) == 1, (name, chat)
    return chat[0]


def steps(page: gr.Blocks, name: str, *inputs: Any) -> list[tuple[Any, ...]]:
    async def collected() -> list[tuple[Any, ...]]:
        return [view async for view in handler(page, name)(*inputs)]

    return asyncio.run(collected())


def event(**data: str) -> Any:
    return SimpleNamespace(_data=data)


def test_handler_shows_stop_while_busy_and_empties_the_box_once(page: gr.Blocks, model: FakeLLM) -> None:
    async def drafted() -> list[tuple[Any, ...]]:
        views = []
        async for view in handler(page, "on_ask")(AID, session, ()):
            views.append(view)
            if "dl-draft" in view[2][0]:
                model.gate.set()
        return views

    model.gate, session = threading.Event(), Session()
    views = asyncio.run(drafted())
    assert [v[6] for v in views] == ["", *[gr.skip()] * (len(views) - 1)]
    assert [v[3]["visible"] for v in views] == [False] * (len(views) - 1) + [True]
    assert [v[4]["visible"] for v in views] == [True] * (len(views) - 1) + [False]
    assert "dl-draft" in "".join(v[2][0] for v in views)
    assert AID_QUOTE in views[-1][2][0] and "dl-draft" not in views[-1][2][0]
    # The browser keeps the conversation once it is answered, not at every word.
    assert [v[5] for v in views[:-1]] == [gr.skip()] * (len(views) - 1)
    assert views[-1][5]["conversations"][0]["turns"][0]["asked"] == AID


def test_chosen_articles_come_before_the_collection(page: gr.Blocks, engine: Engine) -> None:
    assert narrowed((), "", "", "", "court") == Filters(collection="court")
    assert narrowed(("a",), "", "", "", "court") == Filters(documents=("a",))


def test_an_unknown_collection_is_said(page: gr.Blocks) -> None:
    session = Session()
    steps(page, "on_ask", AID, session, (), "", "", "", "<b>")
    assert "cannot be the name of a collection" in (session.current.turns[0].problem or "")
    session = Session()
    assert "cannot be the name" in handler(page, "on_collection")(session, "../x")[2][0]


def test_example_retry_and_edit(page: gr.Blocks) -> None:
    session = Session()
    steps(page, "on_ask_here", session, (), event(do="ask", question=AID))
    (turn,) = session.current.turns
    steps(page, "on_ask_here", session, (), event(do="retry", turn=turn.id))
    (again,) = session.current.turns
    assert again.asked == AID and again.id != turn.id
    steps(page, "on_ask_here", session, (), event(do="edit", turn=again.id, question=MINISTER))
    assert [t.asked for t in session.current.turns] == [MINISTER]
    steps(page, "on_ask_here", session, (), event(do="edit", turn=session.current.turns[0].id, question="  "))
    assert [t.asked for t in session.current.turns] == [MINISTER]


def test_conversations_are_opened_renamed_deleted_and_searched(page: gr.Blocks) -> None:
    session = Session()
    act = handler(page, "on_act")
    steps(page, "on_ask", AID, session, ())
    first = session.current
    assert "dl-welcome" in act(session, event(do="new"))[2][0]
    steps(page, "on_ask", MINISTER, session, ())
    assert session.book.conversations == [session.current, first]
    act(session, event(do="rename", conversation=first.id, name="  Aid\n money "))
    assert first.title == "Aid money"
    assert "Aid money" in act(session, event(do="search", search="310"))[1]
    assert MINISTER not in act(session, event(do="search", search="310"))[1]
    act(session, event(do="search", search=""))
    act(session, event(do="open", conversation=first.id))
    assert session.current is first
    assert "Undo" in act(session, event(do="delete", conversation=first.id))[1]
    assert first not in session.book.conversations
    act(session, event(do="undo"))
    assert session.current is first
    assert "Undo" not in act(session, event(do="new"))[1]


def test_question_asked_before_the_page_was_loaded_is_kept(page: gr.Blocks) -> None:
    async def asked() -> None:
        views = handler(page, "on_ask")(AID, session, ())
        await views.__anext__()
        assert AID in handler(page, "on_load")(session, stored, None)[-5][0]
        async for _ in views:
            pass

    earlier, session = Session(), Session()
    stored = steps(page, "on_ask", MINISTER, earlier, ())[-1][5]
    asyncio.run(asked())
    assert [t.asked for t in session.current.turns] == [AID]
    assert [c.title for c in session.book.conversations] == [AID, MINISTER]


@pytest.mark.parametrize("data", [{}, {"do": "open"}, {"do": "vote", "turn": "x"}, {"do": "export", "kind": "exe"}])
def test_odd_events_do_nothing(page: gr.Blocks, data: dict[str, str]) -> None:
    session = Session()
    assert "dl-welcome" in handler(page, "on_act")(session, event(**data))[2][0]


def test_votes_and_notes_are_kept_beside_the_store(page: gr.Blocks, engine: Engine) -> None:
    session = Session()
    act = handler(page, "on_act")
    steps(page, "on_ask", AID, session, ())
    (turn,) = session.current.turns
    act(session, event(do="vote", turn=turn.id, vote="down"))
    act(session, event(do="note", turn=turn.id, note=" too low ", unsaid="on"))
    lines = feedback_path(engine.settings.store).read_text(encoding="utf-8").splitlines()
    assert [(json.loads(line)["vote"], json.loads(line)["note"]) for line in lines] == [
        ("down", ""),
        ("down", "too low"),
    ]
    assert turn.unsaid and handler(page, "on_judged")(session)[0]["text"].count("\n") == 1
    act(session, event(do="vote", turn=turn.id, vote="down"))  # taken back
    assert turn.vote == "" and "no feedback" in handler(page, "on_judged")(session)[1]


def test_examples_follow_the_library_or_are_given(engine: Engine, page: gr.Blocks) -> None:
    session = Session()
    shown = asyncio.run(handler(page, "on_suggest")(session, ()))
    assert shown[2][0].count("dl-example") == 4  # the list and three questions
    assert len(session.opening) == 3
    again = asyncio.run(handler(page, "on_suggest")(session, ()))
    assert again[2][0].count("dl-example") == 4  # an earlier drawing without them may arrive in between
    own = build(engine, examples=["Mine?"], chat=sample_chat)
    (frame,) = handler(own, "on_act")(Session(), event(do="new"))[2]
    assert 'data-question="Mine?"' in frame


def test_empty_library(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={}) as engine:
        page = build(engine)
        assert "library is empty" in handler(page, "on_act")(Session(), event(do="new"))[2][0]


def test_library_that_cannot_be_read_says_so(engine: Engine, page: gr.Blocks, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Engine) -> Any:
        raise RagError("the store is locked; close the other window")

    monkeypatch.setattr(Engine, "counts", broken)
    head, _, *rest = handler(page, "on_load")(Session(), None, None)
    assert "the store is locked" in head and "the store is locked" in rest[-5][0]


def test_reader_has_settings_of_their_own(page: gr.Blocks, engine: Engine) -> None:
    one, two = Session(), Session()
    save = handler(page, "on_save")
    head, stored, key, said = save(one, "extractive", "", "", 0.1, 2, "")
    assert "quoting" in head and "Saved" in said and stored["model"] == "extractive" and key == ""
    assert one.own and (one.own.settings.llm, one.own.settings.caution, one.own.settings.evidence) == (
        "extractive",
        0.1,
        2,
    )
    assert two.own is None and engine.settings.llm == "local"
    steps(page, "on_ask", AID, one, ())
    steps(page, "on_ask", AID, two, ())
    given = [s.current.turns[0].answer for s in (one, two)]
    assert [a and a.text for a in given] == [f"{AID_QUOTE} [1]", "US $310 million [1]"]
    one.close()


def test_settings_come_back_with_the_page_but_no_key(page: gr.Blocks) -> None:
    first = Session()
    _, stored, key, said = handler(page, "on_save")(first, ENDPOINT, " http://127.0.0.1:9/v1 ", "m", 0.5, 5, KEY)
    assert key == "" and KEY not in json.dumps(stored) + said
    own = first.own
    assert own and own.settings.llm_api_key and own.settings.llm_api_key.get_secret_value() == KEY
    later = Session()
    _, _, model, url, name, _, _, empty, endpoint, told, *_ = handler(page, "on_load")(later, None, stored)
    assert (model, url, name, empty) == (ENDPOINT, "http://127.0.0.1:9/v1", "m", "") and endpoint["visible"]
    assert "key is not kept" in told
    assert later.own and later.own.settings.llm_api_key is None
    first.close()
    later.close()


def test_key_goes_to_its_address_only(page: gr.Blocks) -> None:
    def key_after(url: str, typed: str) -> str:
        handler(page, "on_save")(session, ENDPOINT, url, "m", 0.5, 5, typed)
        key = session.own and session.own.settings.llm_api_key
        return key.get_secret_value() if key else ""

    session = Session()
    assert key_after("http://127.0.0.1:9/v1", KEY) == KEY
    assert key_after("http://127.0.0.1:9/v1", "") == KEY  # the emptied field means: the one given before
    assert key_after("http://127.0.0.1:8/v1", "") == ""
    assert key_after("http://127.0.0.1:9/v1", "") == ""
    session.close()


def test_unusable_settings_change_nothing(page: gr.Blocks) -> None:
    session = Session()
    head, stored, key, said = handler(page, "on_save")(session, ENDPOINT, "nonsense", "m", 0.5, 5, KEY)
    assert [head is not None, stored, key] == [True, gr.skip(), gr.skip()]
    assert "no web address" in said and session.own is None and session.key == ""


def test_model_is_tested_without_being_used(page: gr.Blocks) -> None:
    def tried(*values: Any) -> str:
        return str(asyncio.run(handler(page, "on_test")(session, *values)))

    session = Session()
    assert "It works" in tried("local", "", "", 0.5, 5, "")
    assert "It works" in tried("extractive", "", "", 0.5, 5, "")
    assert "does not work" in tried("local:small", "", "", 0.5, 5, "")  # its weights are not here
    assert "no web address" in tried(ENDPOINT, "nonsense", "m", 0.5, 5, "")
    assert session.own is None


def test_filters_beside_the_question(page: gr.Blocks) -> None:
    session = Session()
    steps(page, "on_ask", AID, session, (), "2030", None, "reuters, afp")
    given = session.current.turns[0].answer
    assert given and given.text == (
        "No article in the library meets the filter (named or published by reuters or afp, since 2030)."
    )
    steps(page, "on_ask", AID, session, (), "July", "", "")
    assert "'July' is no date" in session.current.turns[1].problem
    label = handler(page, "on_narrow")("2024", None, "")["label"]
    assert label == "Only articles from 2024"


def test_line_about_chosen_articles(page: gr.Blocks) -> None:
    *_, only, everything, _ = handler(page, "on_chat")(Session(), ("a", "b"))
    assert "Only 2 chosen articles" in only["value"] and only["visible"] and everything["visible"]
    *_, only, everything, _ = handler(page, "on_chat")(Session(), ())
    assert not only["visible"] and not everything["visible"]
    assert handler(page, "on_everything")()[0] == ()


def test_warm_up_says_how_it_goes(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def loading(_: Engine) -> None:
        gate.wait(WAIT)
        raise RagError("weights are missing; run rag models pull")

    monkeypatch.setattr(Engine, "warm_up", loading)
    warm_up = WarmUp(engine)
    page = build(engine, warm_up=warm_up, chat=sample_chat)
    warm_up.start()
    head, timer = handler(page, "on_tick")(Session())
    assert "Loading the models" in head and timer.active
    assert "Loading the models" in steps(page, "on_ask", AID, Session(), ())[0][2][0]
    gate.set()
    end = time.monotonic() + WAIT
    while warm_up.loading and time.monotonic() < end:
        time.sleep(0.01)
    head, timer = handler(page, "on_tick")(Session())
    assert "weights are missing" in head and not timer.active


def test_served_page_has_no_outside_asset(page: gr.Blocks) -> None:
    with serve(page) as url, httpx.Client(base_url=url, trust_env=False) as client:
        for path in ("/", "/theme.css", "/favicon.ico", "/manifest.json"):
            response = client.get(path)
            assert response.status_code == 200, path
            assert "fonts.g" not in response.text and "@import" not in response.text
        config = client.get("/config").json()
        assert config["footer_links"] == [] and config["analytics_enabled"] is False


def test_taken_port_is_one_line(page: gr.Blocks) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RagError, match=f"cannot listen on 127.0.0.1:{port}"), serve(page, port=port):
            pass  # pragma: no cover
