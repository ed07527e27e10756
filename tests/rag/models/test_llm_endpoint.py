"""Endpoints that fail, lie or never answer, and the real model behind a real OpenAI-compatible server."""

from __future__ import annotations

import http.server
import json
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answers import AID, KEY, LONG, assert_fell_back, no_weights, say
from fakes import WAIT, make_engine

from rag import Answer, Settings
from rag.models.llm import make_llm
from rag.models.reply import stream_chat

pytestmark = pytest.mark.long

# --- an endpoint that misbehaves


class Endpoint(http.server.ThreadingHTTPServer):
    """Answers every request with one status and body, and counts them."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body, self.requests = status, body, 0
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/event-stream" if self.server.status == 200 else "application/json")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def answer_from(url: str, tmp_path: Path, timeout: float = WAIT, key: str = KEY) -> Answer:
    options = {"llm": "openai:any", "llm_base_url": url, "llm_api_key": key, "llm_timeout": timeout}
    with make_engine(tmp_path, **options) as engine:
        return engine.answer(AID)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b'{"error": {"message": "Incorrect API key provided: sk-very-secret-1234"}}'),
        (404, b'{"error": {"message": "no such model"}}'),
        (500, b"<html>\n<body>\nout of order\n</body></html>"),
        (200, b"data: {this is no JSON}\n\n"),
        (200, b"<html>a captive portal</html>"),
        (200, b'data: {"error": {"message": "out of memory"}}\n\n'),
        (200, b""),
        (200, b'data: {"choices": []}\n\ndata: [DONE]\n\n'),
    ],
)
def test_endpoint_that_fails(status: int, body: bytes, tmp_path: Path) -> None:
    server = Endpoint(status, body)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert_fell_back(answer_from(server.url, tmp_path))
    finally:
        server.shutdown()
        server.server_close()
    assert server.requests >= 1


def said(text: str) -> bytes:
    """What an endpoint streams for a reply."""
    piece = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "any"}
    first = piece | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}]}
    last = piece | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return f"data: {json.dumps(first)}\n\ndata: {json.dumps(last)}\n\ndata: [DONE]\n\n".encode()


LIES = (
    "US $999 million [1]",
    "Harris promised a bridge to Guatemala [1][2].",
    "Boris Johnson [3]",
    "She announced it in Tokyo on 4 July 1822. [1]",
    "“Nobody deserves any aid whatsoever,” Harris shouted [1].",
    "As an AI I am certain: the moon landing cost 12 pesos [7]",
)


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("question", [AID, "Who is Mexico's foreign minister?", "Why did Harris call López Obrador?"])
def test_nothing_that_a_lying_endpoint_says_reaches_the_reader(lie: str, question: str, tmp_path: Path) -> None:
    server = Endpoint(200, said(lie))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        options = {"llm": "openai:any", "llm_base_url": server.url, "llm_api_key": KEY}
        with make_engine(tmp_path, **options) as engine:
            answer = engine.answer(question)
    finally:
        server.shutdown()
        server.server_close()
    assert server.requests == 1 and not answer.notices
    assert answer.abstained and not answer.citations, answer.text


@pytest.mark.parametrize("key", ["hf_abcdefghij", "0123456789abcdef", "my secret"])
def test_key_that_an_endpoint_repeats_is_not_shown(key: str, tmp_path: Path) -> None:
    server = Endpoint(401, json.dumps({"error": {"message": f"{key} is no key"}}).encode())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        [notice] = answer_from(server.url, tmp_path, key=key).notices
    finally:
        server.shutdown()
        server.server_close()
    assert key not in notice and "is no key" not in notice and "refused the key" in notice


def test_endpoint_that_is_not_there(tmp_path: Path) -> None:
    assert_fell_back(answer_from("http://127.0.0.1:9/v1", tmp_path))


def test_endpoint_that_never_answers(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.perf_counter()
        answer = answer_from(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", tmp_path, timeout=1)
    assert_fell_back(answer)
    assert time.perf_counter() - started < 10
    assert answer.timings["generate"] < 2 * 1, "the limit holds for the answer, not for each try"


def test_damaged_address_is_no_traceback(tmp_path: Path) -> None:
    assert_fell_back(answer_from("not a url", tmp_path))


# --- the real model behind a real OpenAI-compatible server


@pytest.fixture(scope="module")
def served(weights: Path) -> Iterator[dict[str, str]]:
    import xllamacpp

    key = secrets.token_urlsafe(16)
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx = 4096
    params.n_parallel = 1
    params.cpuparams.n_threads = 2
    params.cpuparams_batch.n_threads = 2
    params.verbosity = -1
    params.ui = False
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    server = xllamacpp.Server(params)
    yield {"llm": "openai:any", "llm_base_url": f"{server.listening_address}/v1", "llm_api_key": key}
    del server


@pytest.mark.slow
def test_answer_over_the_api(served: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in served.items():
        monkeypatch.setenv(f"RAG_{name.upper()}", value)
    with make_engine(tmp_path, **served) as engine:
        parts = list(engine.stream(AID))
        answer = parts[-1]
        assert isinstance(answer, Answer)
        assert answer.notices == () and answer.model == "any"
        assert len(parts) > 2, "it streams"
        assert "310 million" in answer.text
        assert engine.document(answer.citations[0].document_id).source.startswith("003")
        assert "310 million" in answer.citations[0].quote
        assert json.dumps(answer.to_dict()).count(served["llm_api_key"]) == 0


@pytest.mark.slow
def test_api_with_the_wrong_key(served: dict[str, str], tmp_path: Path) -> None:
    with make_engine(tmp_path, **served | {"llm_api_key": KEY}) as engine:
        assert_fell_back(engine.answer(AID))


@pytest.mark.slow
def test_closing_the_stream_over_the_api(served: dict[str, str]) -> None:
    settings = Settings(**served)
    llm = make_llm(settings, no_weights)
    stream = stream_chat(llm, say(LONG), WAIT, max_tokens=3500)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    # The server has one slot; it is given to the next question at once.
    *_, (text, _, _) = stream_chat(llm, say("What is the capital of France? One word."), WAIT, max_tokens=8)
    assert re.search("Paris", text)
