"""Attacks over HTTP on a running server."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from fakes import WAIT, FakeLLM
from samples import AID, REPLIES, SLOW, sample_chat, sample_engine
from visitor import API, Visitor, file_data

from rag import Engine, IngestReport, UsageError
from ui import Access, build, serve
from ui.chat.feedback import feedback_path
from ui.server import queue, visitors
from ui.server import uploads as uploads_module
from ui.server.guard import MOST_JSON, MOST_WRONG
from ui.server.uploads import uploads

ARTICLE = "A new pier\n\nThe council of Harborough opened a new pier of 40 metres on Friday.\n"
pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave no upload, and nobody who waits, to the next test."""
    yield
    queue._lines.clear()
    with monkeypatch.context() as patch:
        patch.setattr(uploads_module, "FORGOTTEN", -1.0)
        uploads().sweep()


@pytest.fixture
def model() -> FakeLLM:
    return FakeLLM(replies=REPLIES)


@pytest.fixture
def engine(tmp_path: Path, model: FakeLLM) -> Iterator[Engine]:
    with sample_engine(tmp_path, model=model) as engine:
        yield engine


@pytest.fixture
def page(engine: Engine) -> gr.Blocks:
    return build(engine, chat=sample_chat)


@pytest.fixture
def url(page: gr.Blocks) -> Iterator[str]:
    with serve(page) as url:
        yield url


@pytest.fixture
def visitor_of(url: str) -> Iterator[Visitor]:
    with Visitor(url) as visitor:
        yield visitor.open()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text("Secret plans\n\nThe treasure is buried under the old oak in Eidsund.\n")
    return path


def holds_nothing_new(engine: Engine) -> bool:
    return not any("treasure" in engine.document(s.id).text for s in engine.sources())


class TestFiles:
    """Nobody reads or deletes a file of the server's user."""

    @pytest.mark.parametrize("more", [{}, {"is_stream": True}, {"url": "http://127.0.0.1/x"}, {"orig_name": "a.txt"}])
    def test_file_that_was_not_uploaded(
        self, visitor: Visitor, engine: Engine, secret: Path, more: dict[str, Any]
    ) -> None:
        event = visitor.event("dl-drop", "upload")
        answer = visitor.join(event, [[file_data(str(secret), **more)], None])
        assert answer.status_code == 403 and "not uploaded here" in answer.text
        assert secret.exists() and holds_nothing_new(engine)

    def test_every_form_of_a_file(self, visitor: Visitor, engine: Engine, secret: Path) -> None:
        event = visitor.event("dl-drop", "upload")
        inside = f"{uploads().folder}/x/../../{secret.name}"
        link = uploads().folder / "link.txt"
        link.symlink_to(secret)
        try:
            for path in (str(secret), inside, str(link), "http://127.0.0.1:1/a.txt", f"file://{secret}", "\0"):
                for data in ([[{"path": path}], None], [file_data(path), None], [[[file_data(path)]], None]):
                    assert visitor.join(event, data).status_code in (403, 422), data
        finally:
            link.unlink()
        assert secret.exists() and holds_nothing_new(engine)

    def test_every_handler(self, visitor: Visitor, engine: Engine, secret: Path) -> None:
        for dependency in visitor.config["dependencies"]:
            data = [file_data(str(secret), is_stream=True)] * len(dependency["inputs"])
            answer = visitor.join(dependency["id"], data)
            assert answer.status_code == 403 or not data, dependency
        for name in ("article", "report", "lines", "compare", "preprocess", "postprocess"):
            body = {"component_id": 1, "fn_name": name, "session_hash": "page1", "data": file_data(str(secret))}
            assert visitor.http.post(f"{API}/component_server", json=body).status_code >= 400
        assert secret.exists() and holds_nothing_new(engine)

    def test_file_of_another_reader(self, visitor: Visitor, url: str, engine: Engine) -> None:
        path = visitor.upload("pier.txt", ARTICLE.encode())
        with Visitor(url, "page2") as other:
            event = other.open().event("dl-drop", "upload")
            assert other.join(event, [[file_data(path)], None]).status_code == 403
        assert Path(path).exists()

    def test_upload_is_added_once_and_deleted(self, visitor: Visitor, engine: Engine) -> None:
        path = visitor.upload("pier.txt", ARTICLE.encode())
        assert Path(path).exists()
        assert any(m.get("success") for m in visitor.add(file_data(path)))
        assert "pier.txt" in {s.source for s in engine.sources()} and not Path(path).parent.exists()
        event = visitor.event("dl-drop", "upload")
        assert visitor.join(event, [[file_data(path)], None]).status_code == 403

    def test_same_file_of_two_readers(self, visitor: Visitor, url: str) -> None:
        path = visitor.upload("pier.txt", ARTICLE.encode())
        with Visitor(url, "page2") as other:
            assert other.open().upload("pier.txt", ARTICLE.encode()) == path
            visitor.add(file_data(path))
            assert Path(path).exists()
            other.add(file_data(path))
            assert not Path(path).exists()

    def test_gradio_and_intake_check_as_well(
        self, visitor: Visitor, engine: Engine, secret: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The guard is not the only thing in the way."""
        event = visitor.event("dl-drop", "upload")
        with monkeypatch.context() as patch:
            patch.setattr("ui.server.calls._files", lambda value: iter(()))
            assert visitor.join(event, [[file_data(str(secret), is_stream=True)], None]).status_code == 200
            assert not any(m.get("success") for m in visitor.listen())
            patch.setattr("gradio.processing_utils._check_allowed", lambda *_: None)
            visitor.join(event, [[file_data(str(secret), is_stream=True)], None])
            said = json.dumps(list(visitor.listen()))
        assert "was not uploaded here" in said and secret.exists() and holds_nothing_new(engine)


class TestSenders:
    """Only the page itself, and whoever has the password, may talk to the server."""

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "192.168.1.9", "", "[::1", "10.0.0.1:8"],
    )
    def test_foreign_host(self, url: str, host: str) -> None:
        with Visitor(url, host=host) as visitor:
            for path in ("/", "/config", f"{API}/queue/data?session_hash=a"):
                assert visitor.http.get(path).status_code in (400, 421)

    @pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "LOCALHOST", "127.0.0.2", "[::1]"])
    def test_own_host(self, url: str, name: str) -> None:
        with Visitor(url, host=f"{name}:{httpx.URL(url).port}") as visitor:
            assert visitor.http.get("/config").status_code == 200

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", ""])
    def test_foreign_origin(self, visitor: Visitor, origin: str) -> None:
        answer = visitor.http.post(f"{API}/queue/join", json={}, headers={"origin": origin})
        assert answer.status_code == 403
        files = {"files": ("a.txt", b"x")}
        assert visitor.http.post(f"{API}/upload", files=files, headers={"origin": origin}).status_code == 403

    def test_own_origin_and_another_sites_link(self, visitor: Visitor, url: str) -> None:
        assert visitor.http.get("/config", headers={"origin": url.rstrip("/")}).status_code == 200
        cross = {"sec-fetch-site": "cross-site"}
        assert visitor.http.get("/config", headers=cross).status_code == 403
        assert visitor.http.get("/", headers=cross | {"sec-fetch-mode": "navigate"}).status_code == 200

    def test_password(self, page: gr.Blocks) -> None:
        with serve(page, access=Access(password="pässword")) as url, Visitor(url) as visitor:
            for path in ("/", "/config", f"{API}/startup-events"):
                answer = visitor.http.get(path)
                assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Basic")
            assert visitor.http.get("/config", auth=("x", "pässword".encode())).status_code == 200  # type: ignore[arg-type]
            for wrong in ("Basic x", "Bearer pässword", "Basic " + "A" * 99):
                headers = {"authorization": wrong.encode()}
                assert visitor.http.get("/config", headers=headers).status_code == 401  # type: ignore[arg-type]
            for _ in range(MOST_WRONG):
                answer = visitor.http.get("/config", auth=("x", "guess"))
            assert answer.status_code == 429 and answer.headers["retry-after"]

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.9"])
    def test_others_come_in_with_a_password_or_where_everyone_may(self, host: str) -> None:
        with pytest.raises(UsageError, match=r"RAG_PASSWORD.*--open"):
            Access(host).check()
        Access(host, password="x").check()
        Access(host, everyone=True).check()

    def test_names_of_a_page_that_others_reach(self) -> None:
        access = Access("0.0.0.0", names=("news.example",), everyone=True)
        assert [access.answers_to(h) for h in ("news.example", "192.168.1.9:80", "localhost", "evil.example")] == [
            True, True, True, False,
        ]  # fmt: skip


class TestReadOnly:
    """A page on which nobody can change anything."""

    @pytest.fixture
    def page(self, engine: Engine) -> gr.Blocks:
        return build(engine, chat=sample_chat, access=Access(read_only=True))

    @pytest.fixture
    def url(self, page: gr.Blocks) -> Iterator[str]:
        with serve(page, access=Access(read_only=True)) as url:
            yield url

    def test_nothing_can_be_added(self, visitor: Visitor) -> None:
        assert visitor.http.post(f"{API}/upload", files={"files": ("a.txt", b"x")}).status_code == 404
        with pytest.raises(KeyError):
            visitor.event("dl-drop", "upload")
        assert "From the web" not in json.dumps(visitor.config) and "system-naive" not in json.dumps(visitor.config)

    def test_nothing_can_be_removed(self, visitor: Visitor, engine: Engine) -> None:
        before = engine.sources()
        acts = [d for d in visitor.config["dependencies"] if any(t[1] == "act" for t in d["targets"])]
        assert acts
        for dependency in acts:
            data = {"do": "remove", "id": before[0].id, "vote": "up"}
            visitor.join(dependency["id"], [None] * len(dependency["inputs"]), event_data=data)
        list(visitor.listen())
        assert engine.sources() == before and not feedback_path(engine.settings.store).exists()

    def test_questions_are_answered(self, visitor: Visitor) -> None:
        visitor.join(visitor.event("dl-box", "submit"), [AID, None, None])
        assert "310 million" in json.dumps(list(visitor.listen()))


class TestShapes:
    """What the page never sends is refused in words that are not Python's."""

    @pytest.mark.parametrize(
        "path",
        [
            "/openapi.json", "/docs", "/redoc", "/info", "/user", "/token", "/login_check", "/app_id", "/dev/reload",
            "/monitoring", "/monitoring/x", "/runs", "/run-history/records", f"{API}/openapi.json",
            f"{API}/file=/etc/passwd", f"{API}/proxy=http://127.0.0.1/", f"{API}/deep_link", f"{API}/queue/status",
            f"{API}/vibe-code", f"{API}/profiling/traces", f"{API}/call/on_act/x", f"{API}/stream/a/b/c/playlist.m3u8",
            "/assets/../config.py", "/x",
        ],
    )  # fmt: skip
    def test_address_that_nobody_needs(self, visitor: Visitor, path: str) -> None:
        assert visitor.http.get(path).status_code == 404

    @pytest.mark.parametrize("path", ["run/on_act", "api/on_act", "call/on_act", "login", "vibe-edit", "stream/x"])
    def test_call_that_nobody_needs(self, visitor: Visitor, path: str) -> None:
        assert visitor.http.post(f"{API}/{path}", json={"data": []}).status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"fn_index": 1}', b"\xff",
            *(
                json.dumps({"fn_index": 0, "session_hash": "a", "data": []} | odd).encode()
                for odd in (
                    {"fn_index": "0"}, {"fn_index": 10**6}, {"fn_index": -1}, {"data": None}, {"data": {}},
                    {"data": [1] * 99}, {"session_hash": None}, {"session_hash": "../x"}, {"session_hash": {"a": 1}},
                    {"event_data": "x"}, {"event_data": [1]}, {"event_data": {"do": {"a": 1}}}, {"trigger_id": {}},
                )
            ),
        ],
    )  # fmt: skip
    def test_odd_event(self, visitor: Visitor, body: bytes) -> None:
        for path in ("queue/join", "run/predict"):
            answer = visitor.http.post(f"{API}/{path}", content=body)
            assert 400 <= answer.status_code < 500
            assert not any(word in answer.text for word in ("Traceback", "Error", "object has no", "Expecting"))

    @pytest.mark.parametrize("data", [None, [], ["x"], "x", [1, 2, 3], ["x", "y", "z"], [None] * 3, ["x", 1e400, 1]])
    def test_odd_article(self, visitor: Visitor, data: Any) -> None:
        panel = next(c["id"] for c in visitor.config["components"] if c["props"].get("elem_id") == "dl-panel")
        body = {"component_id": panel, "fn_name": "article", "session_hash": "page1", "data": data}
        answer = visitor.http.post(f"{API}/component_server", content=json.dumps(body))
        assert answer.status_code == 200 and "no longer" in answer.text

    def test_odd_event_data_costs_nothing(self, visitor: Visitor) -> None:
        for dependency in visitor.config["dependencies"]:
            for odd in ({}, {"do": None}, {"do": ["x"], "page": "x"}, {"do": "page", "page": "x"}, {"question": [1]}):
                data: list[Any] = [None] * len(dependency["inputs"])
                visitor.join(dependency["id"], data, event_data=odd)
                assert "Traceback" not in json.dumps(list(visitor.listen()))

    def test_body_that_is_too_large_or_of_unknown_length(self, visitor: Visitor) -> None:
        answer = visitor.http.post(f"{API}/queue/join", content=b" " * (MOST_JSON + 1))
        assert answer.status_code == 413
        answer = visitor.http.post(f"{API}/queue/join", content=iter([b"{}"]))
        assert answer.status_code == 411

    def test_body_that_never_comes(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ui.server.guard.BODY_SECONDS", 0.2)
        address = httpx.URL(url)
        with socket.create_connection((address.host, address.port or 80), timeout=WAIT) as slow:
            head = f"POST {API}/queue/join HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{{"
            slow.sendall(head.encode())
            assert b" 408 " in slow.recv(100)


class TestWaiting:
    """Lines are bounded, everyone learns their place, and what nobody listens to ends."""

    def test_everyone_learns_their_place(self, url: str, model: FakeLLM) -> None:
        def ask(number: int) -> None:
            with Visitor(url, f"page{number}") as visitor:
                visitor.config = config
                assert visitor.join(event, [SLOW if number == 0 else AID, None, None]).status_code == 200
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
                visitor.join(event, [AID, None, None])
            wait_for(lambda: model.started.is_set())
            visitor.page = "page9"
            wait_for(lambda: waiting() == 3)
            visitor.join(event, [AID, None, None])
            assert "3 others wait already" in json.dumps(list(visitor.listen()))
            model.gate.set()
            wait_for(lambda: waiting() == 0)

    def test_question_that_nobody_listens_to_is_dropped(
        self, url: str, model: FakeLLM, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(visitors, "GRACE", 0.2)
        model.gate = threading.Event()
        with Visitor(url) as visitor:
            event = visitor.open().event("dl-box", "submit")
            for number in range(5):
                visitor.page = f"page{number}"
                visitor.join(event, [AID, None, None])
            wait_for(lambda: waiting() == 5 or model.started.is_set())
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
                three.open().join(three.event("dl-box", "submit"), [AID, None, None])
                assert "310 million" in json.dumps(list(three.listen()))
            go_on.set()
            list(messages)
            listening.join(WAIT)
        assert order.index("two.txt") <= 2 and len(order) == 5


class TestDisk:
    """Uploads and feedback take no more than their share of the disk."""

    def test_request_that_is_too_large(self, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ui.server.guard.MOST_OF_READER", 1000)
        answer = visitor.http.post(f"{API}/upload", files={"files": ("a.txt", b"x" * 2000)})
        assert answer.status_code == 413

    @pytest.mark.parametrize("most", ["MOST_OF_READER", "MOST_OF_ALL"])
    def test_more_uploads_than_there_is_room_for(
        self, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, most: str
    ) -> None:
        monkeypatch.setattr(uploads_module, most, 3000)
        kept = visitor.upload("a.txt", b"x" * 2000)
        answer = visitor.http.post(f"{API}/upload", files={"files": ("b.txt", b"y" * 2000)})
        assert answer.status_code == 413 and "uploads" in answer.text
        visitor.add(file_data(kept))
        visitor.upload("b.txt", b"y" * 2000)

    def test_upload_that_breaks_off_leaves_nothing(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        address = httpx.URL(url)
        part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n' + b"x" * 100_000
        head = (
            f"POST {API}/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        with socket.create_connection((address.host, address.port or 80), timeout=WAIT) as broken:
            broken.sendall(head.encode() + part)
            time.sleep(0.2)
        wait_for(lambda: not uploads()._coming)
        monkeypatch.setattr(uploads_module, "FORGOTTEN", -1.0)
        uploads().sweep()
        assert [p.name for p in uploads().folder.rglob("*")] == ["lock"]

    def test_left_over_uploads_go_at_the_next_start(self, tmp_path: Path) -> None:
        left = tmp_path / "dateline-uploads-dead" / "abc"
        left.mkdir(parents=True)
        (left / "a.txt").write_text("x")
        uploads_module._sweep_left_over(tmp_path)
        assert not left.parent.exists()

    def test_feedback_is_bounded(self, visitor: Visitor, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        visitor.join(visitor.event("dl-box", "submit"), [AID, None, None])
        shown = json.dumps(list(visitor.listen()))
        turn = shown.split('data-turn=\\"')[1][:16]
        act, path = visitor.event("dl-thread", "act"), feedback_path(engine.settings.store)
        for _ in range(3):
            visitor.join(act, [None], event_data={"do": "vote", "turn": turn, "vote": "up"})
            list(visitor.listen())
        size = path.stat().st_size
        assert size
        monkeypatch.setattr("ui.chat.feedback.MOST_BYTES", size)
        visitor.join(act, [None], event_data={"do": "vote", "turn": turn, "vote": "up"})
        list(visitor.listen())
        assert path.stat().st_size == size


def waiting() -> int:
    """How many questions wait for a model, or have it."""
    return sum(len(waited.tickets) for waited in queue._lines.values())


def wait_for(condition: Any) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)
