"""Attacks over HTTP on the time of others: many who wait, or leave, or upload."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from fakes import WAIT, FakeLLM
from samples import AID, SLOW
from visitor import ARTICLE, Visitor, asked, file_data, wait_for

from rag import Engine, IngestReport
from ui.server import queue, visitors

pytestmark = [pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"), pytest.mark.long]


class TestWaiting:
    """Lines are bounded, everyone learns their place, and what nobody listens to ends."""

    def test_everyone_learns_their_place(self, url: str, model: FakeLLM) -> None:
        def ask(number: int) -> None:
            with Visitor(url, f"page{number}") as visitor:
                visitor.config = config
                assert visitor.join(event, asked(SLOW if number == 0 else AID)).status_code == 200
                for message in visitor.listen():
                    text = json.dumps(message, ensure_ascii=False)
                    if "before yours" in text:
                        places.add(number)
                    if len(places) == count - 1:
                        model.gate.set()  # type: ignore[union-attr]
                    if "dl-answer" in text:
                        done.add(number)

        model.gate, count = threading.Event(), 60
        places: set[int] = set()
        done: set[int] = set()
        with Visitor(url) as first:
            config, event = first.open().config, first.event("dl-box", "submit")
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(count)]
        threads[0].start()
        wait_for(lambda: model.started.is_set())
        for thread in threads[1:]:
            thread.start()
        for thread in threads:
            thread.join(4 * WAIT)
        assert len(places) == count - 1 and len(done) == count

    def test_line_is_bounded(self, url: str, model: FakeLLM, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ui.server.queue.MOST_WAITING", 3)
        model.gate = threading.Event()
        with Visitor(url) as visitor:
            event = visitor.open().event("dl-box", "submit")
            for number in range(3):
                visitor.page = f"page{number}"
                visitor.join(event, asked(AID))
            wait_for(lambda: model.started.is_set())
            visitor.page = "page9"
            wait_for(lambda: waiting() == 3)
            visitor.join(event, asked(AID))
            assert "3 others wait already" in json.dumps(list(visitor.listen()))
            model.gate.set()
            wait_for(lambda: waiting() == 0)

    def test_question_that_nobody_listens_to_is_dropped(
        self, url: str, model: FakeLLM, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(visitors, "GRACE", WAIT)  # none may go before all are there
        model.gate = threading.Event()
        with Visitor(url) as visitor:
            event = visitor.open().event("dl-box", "submit")
            for number in range(5):
                visitor.page = f"page{number}"
                visitor.join(event, asked(AID))
            wait_for(lambda: waiting() == 5)
            monkeypatch.setattr(visitors, "GRACE", 0.2)
            # The model is silent, so the one that it is asked holds its place until it says something.
            wait_for(lambda: waiting() <= 1)
            model.gate.set()
            wait_for(lambda: waiting() == 0)

    def test_upload_ends_when_its_reader_is_gone(
        self, url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun, ended = threading.Event(), threading.Event()

        def slow(source: str, *_: Any, stopped: Any) -> IngestReport:
            begun.set()
            wait_for(stopped)
            ended.set()
            return IngestReport(failed=((source, "stopped"),))

        monkeypatch.setattr(visitors, "GRACE", 0.2)
        monkeypatch.setattr(engine, "add", slow)
        with Visitor(url) as visitor:
            path = visitor.open().upload("pier.txt", ARTICLE.encode())
            visitor.join(visitor.event("dl-drop", "upload"), [[file_data(path)], None])
            messages = visitor.listen()
            next(messages)
            assert begun.wait(WAIT)
            messages.close()  # type: ignore[attr-defined]
        assert ended.wait(WAIT)
        wait_for(lambda: not Path(path).exists())

    def test_uploads_do_not_hold_up_questions_nor_one_reader_the_other(
        self, url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order: list[str] = []
        begun, go_on = threading.Event(), threading.Event()

        def gated(source: str, *_: Any, **__: Any) -> IngestReport:
            order.append(source)
            begun.set()
            assert go_on.wait(WAIT)
            return IngestReport(failed=((source, "no"),))

        monkeypatch.setattr(engine, "add", gated)
        with Visitor(url) as one, Visitor(url, "page2") as two:
            files = [file_data(one.open().upload(f"one{n}.txt", ARTICLE.encode() + bytes([65 + n]))) for n in range(4)]
            one.join(one.event("dl-drop", "upload"), [files, None])
            listening = threading.Thread(target=lambda: list(one.listen()))
            listening.start()
            assert begun.wait(WAIT)
            path = two.open().upload("two.txt", ARTICLE.encode())
            two.join(two.event("dl-drop", "upload"), [[file_data(path)], None])
            messages = two.listen()
            said = ""
            while "1 upload before yours" not in said:
                said = json.dumps(next(messages), ensure_ascii=False)
            with Visitor(url, "page3") as three:
                three.open().join(three.event("dl-box", "submit"), asked(AID))
                assert "310 million" in json.dumps(list(three.listen()))
            go_on.set()
            list(messages)
            listening.join(WAIT)
        assert order.index("two.txt") <= 2 and len(order) == 5


def waiting() -> int:
    """How many questions wait for a model, or have it."""
    return sum(len(waited.tickets) for waited in queue._lines.values())
