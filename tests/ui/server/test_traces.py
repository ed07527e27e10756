"""Spans of requests and answers, as a collector on this machine gets them."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from collector import Collector, attributes, collecting
from commands import environment
from fakes import FakeLLM, make_engine
from mcp import Client as McpClient
from samples import AUSTRALIA, FAILS, sample_chat
from visitor import Visitor, asked

from rag import Engine, SettingsError
from ui import build, serve
from ui.api.app import build_api
from ui.server import queue, traces

ARTICLE = "The cod left the harbour in May 2019."
COD = "When did the cod leave the harbour?"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CHAT, HTTP = "POST /gradio_api/queue/join", "POST /v1/answer"


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Collector:
    """What a server sent that was asked in every way."""
    model = FakeLLM(default="in May 2019")
    with (
        pytest.MonkeyPatch.context() as patch,
        collecting() as (collector, address),
        make_engine(tmp_path_factory.mktemp("traces"), documents={"cod.txt": ARTICLE}, model=model) as engine,
    ):
        patch.setenv(ENDPOINT, address)
        page = build(engine, chat=sample_chat)
        with traces.sent(), serve(page, api=build_api(engine)) as url, Visitor(url) as visitor:
            ask(visitor, url)
    queue._lines.clear()
    assert traces._tracer is None
    return collector


def ask(visitor: Visitor, url: str) -> None:
    """Ask over HTTP, in the page and over MCP."""
    parent = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine-1"}
    http = visitor.open().http
    assert http.post("/v1/answer", json={"question": COD}, headers=parent).status_code == 200
    assert "event: answer" in http.post("/v1/answer", json={"question": COD, "stream": True}).text
    http.post("/v1/answer", json={"question": AUSTRALIA}, headers={"traceparent": "00-nonsense-01"})
    assert http.post("/v1/answer", json={"question": " "}).status_code == 422
    assert http.get("/v1/documents/nothing-like-it?query=secret").status_code == 404
    assert http.get("/v1/What-is-the-secret").status_code == 404
    for question in (COD, FAILS):
        visitor.join(visitor.event("dl-box", "submit"), asked(question))
        list(visitor.listen())

    async def called() -> None:
        async with McpClient(f"{url}mcp") as client:
            await client.call_tool("ask", {"question": COD})

    asyncio.run(called())


class TestServed:
    """What it sent."""

    pytestmark = pytest.mark.long

    def test_the_stages_are_below_the_answer(self, collector: Collector) -> None:
        [asked] = collector.below(collector.named(HTTP)[0])
        assert asked.name == "question"
        found = attributes(asked)
        assert found["dateline.channel"] == "http" and found["dateline.outcome"] == "answered"
        assert found["gen_ai.usage.input_tokens"] > 0
        [total] = collector.below(asked)
        stages = {span.name: span for span in collector.below(total)}
        assert total.name == "total" and set(stages) == {"retrieve", "first_token", "generate", "verify"}
        for span in (total, *stages.values()):
            assert asked.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert stages["retrieve"].start_time_unix_nano == total.start_time_unix_nano
        assert stages["generate"].start_time_unix_nano == stages["retrieve"].end_time_unix_nano
        assert stages["verify"].start_time_unix_nano == stages["generate"].end_time_unix_nano

    def test_a_trace_that_a_request_names_goes_on(self, collector: Collector) -> None:
        first, streamed, odd, *_ = collector.named(HTTP)
        assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, PARENT)
        assert {s.trace_id.hex() for s in collector.below(first)} == {TRACE}
        assert len({first.trace_id, streamed.trace_id, odd.trace_id}) == 3 and not odd.parent_span_id

    def test_the_status_of_requests(self, collector: Collector) -> None:
        first, _, refused, wrong = collector.named(HTTP)
        found = attributes(first)
        assert found["dateline.request_id"] == "mine-1" and found["http.route"] == "/v1/answer"
        assert attributes(wrong)["http.response.status_code"] == 422
        [asked] = collector.below(wrong)
        assert attributes(asked) == {
            "dateline.channel": "http", "dateline.outcome": "failed", "error.type": "QuestionError",
        }  # fmt: skip
        assert attributes(collector.below(refused)[0])["dateline.outcome"] == "refused"
        [lost] = collector.named("GET /v1/documents/{id}")
        assert attributes(lost)["http.response.status_code"] == 404

    def test_the_page_and_mcp(self, collector: Collector) -> None:
        joined = [s for span in collector.named(CHAT) for s in collector.below(span)]
        outcomes = [attributes(s)["dateline.outcome"] for s in joined]
        assert outcomes == ["answered", "failed"] and joined[1].status.code == 2
        assert {s.name for s in collector.below(joined[0])} == {"total"}
        below = [s for span in collector.named("POST /mcp") for s in collector.below(span)]
        assert [attributes(s)["dateline.channel"] for s in below] == ["mcp"]

    def test_no_text_is_sent(self, collector: Collector) -> None:
        sent = b"".join(collector.bodies)
        for text in (COD, ARTICLE, FAILS, AUSTRALIA, "harbour", "May 2019", "secret", "nothing-like-it"):
            assert text.encode() not in sent
        assert collector.spans and all(not span.events for span in collector.spans)

    def test_where_it_comes_from(self, collector: Collector) -> None:
        assert set(collector.paths) == {"/v1/traces"}
        assert {resource["service.name"] for resource in collector.resources} == {"dateline"}


def test_every_address_for_programs_is_traced_but_health_and_figures(engine: Engine) -> None:
    left_out = {path for path in build_api(engine).openapi()["paths"] if not traces._route(path)}
    assert left_out == {"/healthz", "/healthz/live", "/healthz/ready", "/metrics"}
    assert not traces._route("/wp-login.php") and not traces._route("/v1/documents/a/b")


@pytest.mark.parametrize("off", [{}, {"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
def test_nothing_is_traced_where_it_is_off(off: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in off.items():
        monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
        monkeypatch.setenv(name, value)
    with traces.sent():
        app = object()
        assert traces.traced(app) is app  # type: ignore[arg-type,comparison-overlap]


def test_nothing_is_imported_where_it_is_off() -> None:
    program = "import sys; from ui.server import traces\nwith traces.sent(): pass\n"
    program += "with traces.question('http') as told: told(None)\n"
    program += "raise SystemExit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], env=environment(), timeout=120).returncode == 0


def test_missing_packages_are_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SettingsError, match=r'pip install "dateline\[otel\]"') as caught, traces.sent():
        pass
    assert "\n" not in str(caught.value)


def test_another_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4317")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(SettingsError, match="http/protobuf"), traces.sent():
        pass
