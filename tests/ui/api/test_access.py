"""Who may use the interface for programs, and what it says of the server."""

from __future__ import annotations

import base64
import threading

import pytest
from api_client import TOKEN, Client
from fakes import WAIT
from samples import AID
from visitor import wait_for

from rag import Engine, ModelMissingError
from ui.page import WarmUp
from ui.server.access import Access
from ui.server.lockout import MOST_WRONG
from ui.server.problems import KINDS

WITH_PASSWORD = Access(password="pässword")


def basic(password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}


@pytest.mark.parametrize("path", ["/v1/documents", "/v1/models", "/metrics", "/v1/openapi.json", "/mcp", "/v1/none"])
def test_the_password_protects_everything(engine: Engine, path: str) -> None:
    client = Client(engine, WITH_PASSWORD)
    done = client.get(path)
    assert done.status_code == 401 and "Basic" in done.headers["www-authenticate"]
    assert done.headers["content-type"] == "application/problem+json" and done.json()["request_id"]


def test_health_needs_no_password(engine: Engine) -> None:
    client = Client(engine, WITH_PASSWORD)
    assert client.get("/healthz").json() == {"status": "ok", "ready": True}
    assert client.get("/healthz/live").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (basic("pässword"), 200),
        ({"authorization": "Bearer pässword".encode()}, 200),
        ({"authorization": f"Bearer {TOKEN}"}, 200),
        (basic(TOKEN), 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": "Digest pässword".encode()}, 401),
    ],
)
def test_the_password_comes_as_basic_or_bearer(engine: Engine, headers: dict[str, str], status: int) -> None:
    assert Client(engine, WITH_PASSWORD).get("/v1/documents", headers=headers).status_code == status


def test_wrong_passwords_have_to_wait(engine: Engine) -> None:
    client = Client(engine, WITH_PASSWORD)
    for _ in range(MOST_WRONG + 1):
        done = client.get("/v1/documents", headers={"authorization": "Bearer guess"})
    assert done.status_code == 429 and done.headers["retry-after"] == "60"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_other_pages_may_not_ask(client: Client, headers: dict[str, str], status: int) -> None:
    done = client.post("/v1/answer", {"question": AID}, headers=headers)
    assert done.status_code == status and done.json()["status"] == status


def test_requests_say_how_long_they_are_and_are_not_too_large(client: Client) -> None:
    async def chunks() -> object:
        yield b"{}"

    assert client.post("/v1/answer", content=chunks()).status_code == 411
    assert client.post("/v1/answer", content=b"x" * 4_000_001).status_code == 413


def test_a_request_may_bring_its_id(client: Client) -> None:
    assert client.get("/v1/none", headers={"x-request-id": "my-1"}).json()["request_id"] == "my-1"
    odd = client.get("/v1/none", headers={"x-request-id": "a b<"})
    assert odd.status_code == 404 and odd.headers["x-request-id"] not in ("", "a b<")
    assert client.send("PUT", "/v1/answer").status_code in (405, 411)


def test_a_server_that_loads_its_models_is_alive_and_not_ready(own_engine: Engine) -> None:
    client = Client(own_engine, ready=lambda: False)
    assert client.get("/healthz/live").json() == {"status": "ok", "ready": False}
    done = client.get("/healthz/ready")
    assert done.status_code == 503 and done.headers["retry-after"]


def test_what_needs_no_model_says_nothing_about_the_models(own_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = threading.Event()
    monkeypatch.setattr(own_engine, "warm_up", lambda: loaded.wait(WAIT))
    warm_up = WarmUp(own_engine)
    client = Client(own_engine, ready=lambda: warm_up.ready)
    warm_up.start()
    assert "1 article" in client.post("/v1/answer", {"question": "How many articles are there?"}).json()["text"]
    assert client.get("/healthz/ready").status_code == 503
    loaded.set()
    wait_for(lambda: client.get("/healthz/ready").status_code == 200)


def test_models_that_cannot_be_loaded_are_not_ready(own_engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    def missing() -> None:
        raise ModelMissingError("no weights in /secret/folder; run: rag models pull")

    own_engine.warm_up = missing  # type: ignore[method-assign,assignment]
    warm_up = WarmUp(own_engine)
    warm_up._run()
    done = Client(own_engine, ready=lambda: warm_up.ready).get("/healthz/ready")
    assert done.status_code == 503 and "secret" not in done.text and "run: rag models pull" in caplog.text


def test_a_server_that_answers_is_ready(own_engine: Engine) -> None:
    client = Client(own_engine, ready=lambda: False)
    assert not client.get("/healthz").json()["ready"]
    assert client.post("/v1/answer", {"question": "How long is the pier?"}).status_code == 200
    assert client.get("/healthz").json()["ready"] and client.get("/healthz/ready").status_code == 200


def test_figures_count_questions_and_errors(client: Client) -> None:
    def figure(line: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return float(next((text.split()[-1] for text in lines if text.startswith(line)), 0))

    names = ['dateline_questions_total{channel="http"}', 'dateline_stage_seconds_count{stage="total"}']
    before = [figure(name) for name in names]
    client.post("/v1/answer", {"question": AID})
    assert [figure(name) for name in names] == [count + 1 for count in before]
    client.post("/v1/answer", {"question": " "})
    assert figure('dateline_errors_total{kind="QuestionError"}') >= 1
    assert figure('dateline_responses_total{status="422"}') >= 1


def test_the_description_has_examples_and_every_problem(client: Client) -> None:
    found = client.get("/v1/openapi.json").json()
    assert {"/v1/answer", "/v1/check", "/v1/search", "/v1/documents", "/healthz", "/metrics"} <= set(found["paths"])
    assert found["components"]["schemas"]["AnswerForm"]["examples"]
    said = {int(s) for path in found["paths"].values() for way in path.values() for s in way["responses"]}
    assert said - {200, 204} <= set(KINDS)
    assert not [path for path in found["paths"] if path.startswith("/local")]
