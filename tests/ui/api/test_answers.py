"""Questions, texts and searches over HTTP."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_client import Client
from fakes import WAIT, FakeLLM, make_engine
from samples import AID, AID_QUOTE, CALL, MINISTER, REPLIES
from starlette.types import Message

from rag import Engine, StoreError
from ui.server import queue


def events(text: str) -> list[tuple[str, dict[str, object]]]:
    found = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in found]


def test_an_answer_is_what_the_engine_says(client: Client, engine: Engine) -> None:
    done = client.post("/v1/answer", {"question": AID})
    assert done.status_code == 200 and done.headers["content-type"] == "application/json"
    expected = json.loads(json.dumps(engine.answer(AID).to_dict()))
    assert {**done.json(), "timings": 0} == {**expected, "timings": 0}
    assert done.json()["citations"][0]["quote"] == AID_QUOTE


def test_a_stream_ends_with_the_checked_answer(client: Client) -> None:
    done = client.post("/v1/answer", {"question": MINISTER, "stream": True})
    assert done.headers["content-type"].startswith("text/event-stream")
    found = events(done.text)
    assert {name for name, _ in found[:-1]} <= {"draft"} and found[-1][0] == "answer"
    assert "Marcelo Ebrard" in str(found[-1][1]["text"])


def test_a_follow_up_refers_to_the_history(client: Client) -> None:
    history = [{"question": MINISTER, "answer": "Marcelo Ebrard"}]
    done = client.post("/v1/answer", {"question": CALL, "history": history})
    assert "Ebrard" in done.json()["question"]


def test_filters_are_applied(client: Client) -> None:
    done = client.post("/v1/answer", {"question": AID, "filters": {"sources": ["nowhere"]}})
    assert done.json()["abstained"] and "nowhere" in done.json()["text"]


def test_a_text_is_checked(client: Client) -> None:
    done = client.post("/v1/check", {"text": "Harris announced US $310 million in additional aid. Cod eat piers."})
    assert [item["verdict"] for item in done.json()["items"]] == ["supported", "not found"]


def test_a_search_finds_sentences(client: Client) -> None:
    hits = client.post("/v1/search", {"question": AID, "limit": 3}).json()["hits"]
    assert len(hits) == 3 and hits[0]["text"] == AID_QUOTE


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/answer", {"question": " "}),
        ("/v1/answer", {"question": " ", "stream": True}),
        ("/v1/answer", {"question": "x" * 3000}),
        ("/v1/answer", {"question": AID, "filters": {"since": "2024-13"}}),
        ("/v1/answer", {"question": AID, "filters": {"since": "yesterday"}}),
        ("/v1/answer", {"question": AID, "wrong": 1}),
        ("/v1/answer", {}),
        ("/v1/check", {"text": ""}),
        ("/v1/check", {"text": "x. " * 10_000}),
        ("/v1/search", {"question": AID, "limit": 0}),
    ],
)
def test_what_cannot_be_carried_out_is_a_problem_document(client: Client, path: str, body: dict[str, object]) -> None:
    done = client.post(path, body)
    assert done.status_code == 422 and done.headers["content-type"] == "application/problem+json"
    problem = done.json()
    assert problem["type"] == "urn:dateline:problem:unusable" and problem["status"] == 422
    assert problem["request_id"] == done.headers["x-request-id"]


def test_half_a_surrogate_pair_is_text_like_any_other(client: Client) -> None:
    for body, status in ((b'{"question": "\\ud800"}', 200), (b'{"\\ud800": 1}', 422), (b"{", 422), (b"\xff", 400)):
        done = client.post("/v1/answer", content=body, headers={"content-type": "application/json"})
        assert done.status_code == status and done.json()


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_is_done_for_a_program_that_left(tmp_path: Path, stream: bool) -> None:
    body = json.dumps({"question": AID, "stream": stream}).encode()
    sent: list[Message] = []

    async def asked(client: Client) -> None:
        messages = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]

        async def receive() -> Message:
            if len(messages) == 1:
                await asyncio.to_thread(model.started.wait, WAIT)
                return messages[0]
            return messages.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [
            (b"host", b"localhost"),
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
        ]
        asgi = {"version": "3.0", "spec_version": "2.3"}
        scope = {"type": "http", "method": "POST", "path": "/v1/answer", "query_string": b"", "headers": headers}
        await client.app(scope | {"asgi": asgi, "root_path": "", "scheme": "http"}, receive, send)

    model = FakeLLM(replies=REPLIES, gate=threading.Event())
    with make_engine(
        tmp_path, model=model, documents={"a.txt": "Harris announced additional aid for the region.\n"}
    ) as engine:
        asyncio.run(asked(Client(engine)))  # it ends although the model says nothing more
        assert b"event: answer" not in b"".join(m.get("body", b"") for m in sent)
        model.gate.set()
        assert model.closed.wait(WAIT)


def test_a_full_queue_says_when_to_come_again(client: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MOST_WAITING", 0)
    for stream in (False, True):
        done = client.post("/v1/answer", {"question": AID, "stream": stream})
        assert done.status_code == 429 and done.headers["retry-after"] == "60"
        assert done.json()["type"] == "urn:dateline:problem:busy"


@pytest.mark.parametrize(
    ("error", "status"), [(StoreError("the disk is full; make room"), 503), (ZeroDivisionError("secret"), 500)]
)
def test_an_error_after_the_beginning_ends_a_stream(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def failing(*_: object, **__: object) -> Iterator[str]:
        yield "word"
        raise error

    monkeypatch.setattr(Engine, "stream", failing)
    done = client.post("/v1/answer", {"question": AID, "stream": True})
    assert [name for name, _ in events(done.text)] == ["draft", "error"]
    assert events(done.text)[-1][1]["status"] == status and "secret" not in done.text


def test_a_fault_tells_nothing_but_its_request(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Engine, "retrieve", broken)
    with pytest.raises(ZeroDivisionError):  # the server logs it
        client.post("/v1/search", {"question": AID})
    client.raise_faults = False
    done = client.post("/v1/search", {"question": AID})
    assert done.status_code == 500 and "secret" not in done.text and done.json()["request_id"]
