"""Attacks over HTTP with what the page never sends."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import pytest
from fakes import WAIT
from visitor import API, Visitor

from ui.server.bodies import MOST_JSON

pytestmark = [pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"), pytest.mark.long]


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
        monkeypatch.setattr("ui.server.bodies.BODY_SECONDS", 0.2)
        address = httpx.URL(url)
        with socket.create_connection((address.host, address.port or 80), timeout=WAIT) as slow:
            head = f"POST {API}/queue/join HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{{"
            slow.sendall(head.encode())
            assert b" 408 " in slow.recv(100)
