"""What is said about an endpoint that does not work, tried on servers that do each thing wrong."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from bench.support import bad_endpoint
from ui.settings import endpoint
from ui.settings.endpoint import try_endpoint, url_problem

INNER = "a password of the inner network"
KEY = "sk-very-secret-0123456789"
GOOD = {"choices": [{"message": {"role": "assistant", "content": "yes"}}]}


@contextmanager
def server(status: int, body: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve one reply to everything; gives the address and what was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({"path": self.path, "key": self.headers["Authorization"], **sent})
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/v1", asked
        finally:
            http.shutdown()
            thread.join()


def tried(url: str, model: str = "m", key: str = KEY) -> str:
    return asyncio.run(try_endpoint(url, model, key))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_one_that_works() -> None:
    with server(200, GOOD) as (url, asked):
        assert tried(url + "/", "some/model") == ""
    assert [(a["path"], a["model"], a["key"]) for a in asked] == [
        ("/v1/chat/completions", "some/model", f"Bearer {KEY}")
    ]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"error": {"message": f"{INNER}: {KEY}"}}, "The key was refused."),
        (403, b"<html>no</html>", "The key was refused."),
        (404, {"error": {"message": INNER}}, "It knows no model “m”"),
        (404, {"detail": INNER}, "most end in /v1."),
        (429, {"error": {"message": INNER}}, "takes no more questions for now"),
        (500, INNER.encode(), "has a fault of its own (500)"),
        (400, {"error": INNER}, "It refused the question (400)."),
        (302, INNER.encode(), "It leads to another address (302)"),
        (200, b"<html>a web page</html>", "no OpenAI-compatible server"),
        (200, {"choices": [], "said": INNER}, "no OpenAI-compatible server"),
        (200, {"choices": [{"message": {"content": " "}}]}, "says nothing"),
        (200, b"[" * 100_000, "no OpenAI-compatible server"),
    ],
)
def test_what_is_wrong_is_said(status: int, body: Any, said: str) -> None:
    with server(status, body) as (url, _):
        told = tried(url)
    assert said in told and KEY not in told and INNER not in told and "\n" not in told and len(told) < 400


def test_missing_key_is_asked_for() -> None:
    with server(401, {}) as (url, asked):
        assert tried(url, key="") == "It wants a key."
    assert asked[0]["key"] == "Bearer none"


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert tried(f"http://127.0.0.1:{port}/v1").startswith(f"Nothing answers at 127.0.0.1:{port}.")


def test_unknown_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lookup(*_: object, **__: object) -> Any:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", lookup)
    assert tried("http://nowhere.invalid/v1").startswith("There is no machine called nowhere.invalid")


def test_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "took longer than 0.2 seconds" in tried(f"http://127.0.0.1:{silent.getsockname()[1]}/v1")


def test_no_http_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hello() -> None:
            with listener.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-hello\r\n")

        threading.Thread(target=hello, daemon=True).start()
        told = tried(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        assert "does not speak like an OpenAI-compatible server" in told and "SSH" not in told


def test_no_https_there() -> None:
    with server(200, GOOD) as (url, _):
        assert tried(url.replace("http:", "https:")).startswith("No safe connection to 127.0.0.1")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "no web address"),
        ("127.0.0.1:8000", "no web address"),
        ("ftp://a/v1", "no web address"),
        ("http://", "no web address"),
        ("http://a:b/v1", "no web address"),
        ("http://[::1/v1", "no web address"),
        ("http://me:pw@a/v1", "put the key into"),
        ("http://a/v1?key=x", "after a ? or #"),
    ],
)
def test_unusable_address(url: str, said: str) -> None:
    assert said in url_problem(url) and said in tried(url)


def test_missing_name_and_odd_key() -> None:
    assert "name is missing" in tried("http://127.0.0.1:1/v1", model="")
    assert "no key has" in tried("http://127.0.0.1:1/v1", key="schlüssel→")


def test_a_byte_now_and_then_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_TIMEOUT", 0.5)
    with bad_endpoint.endpoint("slow line") as http:
        assert "took longer than 0.5 seconds" in tried(http.url)


def test_redirects_are_not_followed() -> None:
    with bad_endpoint.endpoint("redirect") as http:
        assert "leads to another address (307)" in tried(http.url)
    assert len(http.paths) == 1


def test_proxy_that_lacks_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "socksio", None)
    assert "needs a package that is missing" in tried("http://models.example/v1")
    with server(200, GOOD) as (url, _):  # no proxy leads to this machine
        assert tried(url) == ""
