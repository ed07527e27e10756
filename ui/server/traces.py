"""Traces of requests and of the stages of answers, for a collector of OpenTelemetry that the environment names.

Where none is named, no package of OpenTelemetry is imported. A span has no text of a question, an article, or an
address that is not Dateline's own.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag import Answer, SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
# The addresses whose requests are traced; others are the page's files, open streams, and what is asked all the time.
ROUTES = frozenset(
    f"/{path}"
    for path in (
        "", "login", "login/oidc", "login/oidc/back", "logout", "mcp", "local/sources", "local/remove", "local/ingest",
        "gradio_api/queue/join", "gradio_api/run/predict", "gradio_api/component_server", "gradio_api/upload",
        "v1/answer", "v1/check", "v1/search", "v1/chat/completions", "v1/collections",
        *(f"v1/{kind}{one}" for kind in ("documents", "models", "users") for one in ("", "/{id}")),
    )
)  # fmt: skip
_ID = re.compile(r"(/v1/(?:documents|models|users))/[^/]+")
_FROM_THE_START = ("retrieve", "first_token")  # stages whose seconds count from the question on
_tracer: Tracer | None = None


def asked_for() -> bool:
    """Return whether the environment names a collector."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(os.environ.get(name) for name in _ENDPOINTS)


@contextlib.contextmanager
def sent() -> Iterator[None]:
    """Send spans within the block to the collector that the environment names; do nothing where it names none.

    Raises:
        SettingsError: The packages are missing, or the environment wants another protocol than OTLP over HTTP.
    """
    global _tracer
    if not asked_for():
        yield
        return
    provider = _provider()
    _tracer = provider.get_tracer("dateline")
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()  # sends what is left


def _provider() -> TracerProvider:
    wanted = next(filter(None, map(os.environ.get, _PROTOCOLS)), _PROTOCOL)
    if wanted != _PROTOCOL:
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {wanted!r}, and Dateline sends traces over HTTP; set it to {_PROTOCOL}, "
            "and the endpoint to the port for it (4318)"
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(
            f"{' or '.join(_ENDPOINTS)} asks for traces, and packages for them are not installed ({error.name}); "
            'run: pip install "dateline[otel]", or unset it'
        ) from error
    # What is given here would win over the environment.
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    provider = TracerProvider(resource=Resource.create({} if named else {SERVICE_NAME: "dateline"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def traced(app: ASGIApp) -> ASGIApp:
    """Return an ASGI application that passes requests on within a span each; `app` itself where nothing is traced."""
    return _Traced(app, _tracer) if _tracer else app


class _Traced:
    """Makes a span of each request to one of `ROUTES`; it goes on with the trace that the request names."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._app, self._tracer, self._propagator = app, tracer, TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from opentelemetry import context
        from opentelemetry.trace import SpanKind

        route = _route(scope["path"]) if scope["type"] == "http" else ""
        if not route:
            await self._app(scope, receive, send)
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        with self._tracer.start_as_current_span(
            f"{scope['method']} {route}",
            self._propagator.extract(headers, context.Context()),
            SpanKind.SERVER,
            {"http.request.method": scope["method"], "http.route": route},
            record_exception=False,  # its message may have the text of a question
            set_status_on_exception=False,
        ) as span:
            state = {**scope.get("state", {}), "trace": context.get_current()}
            with _failing(span):
                await self._app({**scope, "state": state}, receive, _noted(span, send))


def _noted(span: Span, send: Send) -> Send:
    """Wrap `send` so that the span has the status of the response, and the id of a program's request."""

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            span.set_attribute("http.response.status_code", status)
            if request_id := dict(message.get("headers", [])).get(b"x-request-id"):
                span.set_attribute("dateline.request_id", request_id.decode("latin-1"))
            if status >= 500:
                _failed(span, str(status))
        await send(message)

    return noted


@contextlib.contextmanager
def question(channel: str, parent: Any = None) -> Iterator[Callable[[Answer | None], None]]:
    """Make a span of a question, from when it is asked until the block ends, and spans of the stages of its answer.

    Args:
        channel: Where the question came from, as in `ui.server.metrics`.
        parent: The trace of the request that asked (`Visitor.trace`); by default the one that is under way here.

    Yields:
        A function that takes the answer, once there is one.
    """
    if _tracer is None:
        yield lambda answer: None
        return
    span, tracer, outcome = _tracer.start_span("question", parent), _tracer, "stopped"
    span.set_attribute("dateline.channel", channel)

    def told(answer: Answer | None) -> None:
        nonlocal outcome
        if answer:
            outcome = "refused" if answer.abstained else "answered"
            _stages(tracer, span, answer)

    try:
        with _failing(span):
            yield told
    except Exception:
        outcome = "failed"
        raise
    finally:
        span.set_attribute("dateline.outcome", outcome)
        span.end()


def _stages(tracer: Tracer, span: Span, answer: Answer) -> None:
    """Make spans of the stages of an answer that has just been given.

    Its timings say how long each stage took. The stages follow one another, so each begins where the one before ended.
    """
    from opentelemetry.trace import set_span_in_context

    usage = answer.usage
    span.set_attributes(
        {
            "gen_ai.response.model": answer.model,
            "gen_ai.usage.input_tokens": usage.prompt_tokens,
            "gen_ai.usage.output_tokens": usage.answer_tokens,
        }
    )
    end = time.time_ns()
    begin = end - _ns(answer.timings.get("total", sum(answer.timings.values())))
    whole = tracer.start_span("total", set_span_in_context(span), start_time=begin)
    within, reached = set_span_in_context(whole), begin
    for stage, seconds in answer.timings.items():
        if stage == "total":
            continue
        start = begin if stage in _FROM_THE_START else reached
        ended = start + _ns(seconds)
        tracer.start_span(stage, within, start_time=start).end(ended)
        reached = reached if stage == "first_token" else ended
    whole.end(end)


@contextlib.contextmanager
def _failing(span: Span) -> Iterator[None]:
    """Note on a span the class of an error that leaves the block; one who leaves or stops is no error."""
    try:
        yield
    except Exception as error:
        _failed(span, type(error).__name__)
        raise


def _failed(span: Span, kind: str) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)


def _route(path: str) -> str:
    """Return the one of `ROUTES` that a path belongs to; empty where it is none."""
    route = _ID.sub(r"\1/{id}", path)
    return route if route in ROUTES else ""


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
