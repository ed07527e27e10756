"""The Check tab's handlers, without a browser."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from doubles import WordJudge
from fakes import WAIT, make_engine
from parsed import Parsed

from rag import CheckReport, Engine, ModelMissingError
from ui import Access, build
from ui.check.tab import Reader
from ui.server.queue import queue_of

DAM = "The dam fails\n\nThe Halden dam was finished in 1968. The dam burst on 12 March. The mayor did not resign."
MILL = "The mill\n\nThe paper mill of Moravik stood still for six weeks."
TEXT = "The Halden dam was finished in 1968. The mayor resigned. Cheese is good."


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents={"dam.txt": DAM, "mill.txt": MILL}, judge=WordJudge()) as engine:
        yield engine


def handler(page: gr.Blocks, name: str) -> Callable[..., Any]:
    return next(f.fn for f in page.fns.values() if f.name == name and f.fn)


def views(page: gr.Blocks, text: str, reader: Reader | None = None, chosen: tuple[str, ...] = ()) -> list[Any]:
    async def collected() -> list[Any]:
        return [view async for view in handler(page, "on_check")(text, reader or Reader(), chosen)]

    return asyncio.run(collected())


def shown(view: Any) -> Parsed:
    return Parsed("".join(view[0]))


def problem(engine: Engine, text: str) -> str:
    *_, last = views(build(engine, examples=[]), text)
    (said,) = shown(last).find("dl-problem")
    assert not shown(last).find("dl-summary") and "\n" not in said
    return said


def test_each_sentence_with_its_verdict(judged: Engine) -> None:
    first, last = views(build(judged, examples=[]), TEXT)
    assert shown(first).text == "Checking each sentence…" and [v["visible"] for v in first[1:]] == [False, True]
    html = shown(last)
    assert html.find("dl-summary") == ["1 of 3 sentences supported, 1 contradicted, 1 not found"]
    assert html.find("strong") == ["Supported", "Contradicted", "Not found"]
    assert [v["visible"] for v in last[1:]] == [True, False]
    assert queue_of(judged.settings).tickets == []


def test_read_only_page_checks_too(judged: Engine) -> None:
    *_, last = views(build(judged, examples=[], access=Access(read_only=True)), TEXT)
    assert shown(last).find("dl-summary")


def test_only_the_chosen_articles_are_searched(judged: Engine) -> None:
    page = build(judged, examples=[])
    (mill,) = [s.id for s in judged.sources() if s.source == "mill.txt"]
    *_, last = views(page, TEXT, chosen=(mill,))
    assert shown(last).find("dl-summary") == ["0 of 3 sentences supported, 3 not found in 1 chosen article"]
    note = handler(page, "on_open_check")
    assert "Only 1 chosen article" in note((mill,))["value"] and not note(())["visible"]


def test_text_that_cannot_be_checked_is_one_line(judged: Engine) -> None:
    assert "the text is empty" in problem(judged, " \n")
    assert "in parts" in problem(judged, "a" * 20_001) and "20,000" in problem(judged, "a" * 20_001)


def test_judge_that_is_turned_off_is_one_line(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={"dam.txt": DAM}, judge=None) as engine, engine.using(judge="none") as off:
        assert "turned off" in problem(off, TEXT)


def test_failure_is_one_line_and_frees_the_place(judged: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> CheckReport:
        raise ModelMissingError("the judge is missing; run: rag models pull")

    def broken(*_: object) -> CheckReport:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Engine, "check", missing)
    assert "rag models pull" in problem(judged, TEXT)
    monkeypatch.setattr(Engine, "check", broken)
    assert "log says what" in problem(judged, TEXT)
    assert queue_of(judged.settings).tickets == []


def test_empty_library_is_not_searched_in_vain(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={}, judge=WordJudge()) as engine:
        *_, last = views(build(engine), TEXT)
    assert "library is empty" in shown(last).text and not shown(last).find("dl-sentence")


def test_readers_wait_their_turn_and_can_stop(judged: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, go_on = Reader(), threading.Event()

    def slow(*_: object) -> CheckReport:
        handler(page, "on_stop_check")(reader)
        assert go_on.wait(WAIT)
        return CheckReport(())

    async def waited() -> list[str]:
        said: list[str] = []
        places = [line.join() for _ in range(line.places)]
        async for view in handler(page, "on_check")(TEXT, reader, ()):
            said.append(shown(view).text)
            if "before yours" in said[-1]:
                places.pop().leave()
            elif "Checking" in said[-1]:
                assert [gr.skip()] * 3 == list(await anext(handler(page, "on_check")(TEXT, reader, ())))
        for place in places:
            place.leave()
        return said

    monkeypatch.setattr(Engine, "check", slow)
    page, line = build(judged, examples=[]), queue_of(judged.settings)
    assert asyncio.run(waited()) == [
        "1 question before yours…",
        "Checking each sentence…",
        "Stopped before the text was checked.",
    ]
    assert len(line.tickets) == 1  # the place is free once the engine has returned
    go_on.set()
    end = time.monotonic() + WAIT
    while line.tickets and time.monotonic() < end:
        time.sleep(0.01)
    assert line.tickets == []
