"""What is sent to an endpoint: no parameter that it refused, and room for the thoughts of a model that thinks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from answers import no_weights, say
from fakes import WAIT
from llama_index.core.llms.llm import LLM

from rag import LLMError, Settings
from rag.models.llm import make_llm
from rag.models.reply import stream_chat

SAYS_SO = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


class Server(ThreadingHTTPServer):
    """Refuses some parameters, and thinks for some tokens before it says "yes"."""

    def __init__(self, refuses: tuple[str, ...] = (), message: str = "", thinks: int = 0) -> None:
        self.refuses, self.message, self.thinks = refuses, message, thinks
        self.asked: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        if refused := [name for name in self.server.refuses if name in asked]:
            message = self.server.message or f"{refused[0]} is not known"
            self.reply(400, "application/json", json.dumps({"error": {"message": message, "param": None}}))
            return
        most = asked.get("max_tokens", asked.get("max_completion_tokens", 10**6))
        cut = most < self.server.thinks
        pieces: list[dict[str, Any]] = [{"delta": {"reasoning_content": "hm "}}] if self.server.thinks else []
        pieces += [] if cut else [{"delta": {"content": "yes"}}]
        pieces.append({"delta": {}, "finish_reason": "length" if cut else "stop"})
        rows = [{"choices": [{"index": 0, "finish_reason": None} | piece]} for piece in pieces]
        rows.append({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}})
        base = {"id": "x", "created": 1, "model": "m", "object": "chat.completion.chunk"}
        events = [*(json.dumps(base | row) for row in rows), "[DONE]"]
        self.reply(200, "text/event-stream", "".join(f"data: {event}\n\n" for event in events))

    def reply(self, status: int, kind: str, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Server, LLM]]:
    server = Server(**request.param)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    yield server, make_llm(Settings(llm="openai:any", llm_base_url=url, llm_api_key="x", answer_tokens=100), no_weights)
    server.shutdown()
    server.server_close()


def ask(llm: LLM) -> tuple[str, list[tuple[int, int]]]:
    tokens: list[tuple[int, int]] = []
    *_, (text, _, _) = stream_chat(llm, say("?"), WAIT, count=tokens.append)
    return text, tokens


@pytest.mark.parametrize("served", [{}], indirect=True)
def test_what_is_sent_and_counted(served: tuple[Server, LLM]) -> None:
    server, llm = served
    assert ask(llm) == ("yes", [(7, 3)])
    [sent] = server.asked
    assert (sent["max_tokens"], sent["temperature"], sent["stream_options"]) == (100, 0.0, {"include_usage": True})


@pytest.mark.parametrize(
    ("served", "kept"),
    [
        ({"refuses": ("max_tokens",), "message": SAYS_SO}, {"max_completion_tokens", "temperature", "stream_options"}),
        ({"refuses": ("temperature",)}, {"max_tokens", "stream_options"}),
        ({"refuses": ("stream_options",)}, {"max_tokens", "temperature"}),
        ({"refuses": ("max_tokens", "max_completion_tokens", "temperature")}, {"stream_options"}),
        ({"refuses": ("max_tokens",), "message": "bad request"}, {"max_completion_tokens"}),
    ],
    indirect=["served"],
)
def test_a_refused_parameter_is_not_sent_again(served: tuple[Server, LLM], kept: set[str]) -> None:
    server, llm = served
    assert ask(llm)[0] == "yes"
    calls = len(server.asked)
    assert ask(llm)[0] == "yes" and len(server.asked) == calls + 1
    assert set(server.asked[-1]) & {"max_tokens", "max_completion_tokens", "temperature", "stream_options"} == kept


@pytest.mark.parametrize("served", [{"refuses": ("messages",)}], indirect=True)
def test_a_question_that_is_refused_is_an_error(served: tuple[Server, LLM]) -> None:
    server, llm = served
    with pytest.raises(LLMError, match=r"refused the question \(400\)"):
        ask(llm)
    assert len(server.asked) <= 3


@pytest.mark.parametrize("served", [{"thinks": 5000}], indirect=True)
def test_thoughts_do_not_eat_the_answer(served: tuple[Server, LLM]) -> None:
    server, llm = served
    assert ask(llm)[0] == "yes" and ask(llm)[0] == "yes"
    assert [sent["max_tokens"] for sent in server.asked] == [100, 8100, 8100], "later calls have the room at once"


@pytest.mark.parametrize("served", [{"thinks": 10**5}], indirect=True)
def test_a_model_that_only_thinks_is_an_error(served: tuple[Server, LLM]) -> None:
    server, llm = served
    with pytest.raises(LLMError, match="spent its reply on thinking"):
        ask(llm)
    assert len(server.asked) == 2
