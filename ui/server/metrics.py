"""Figures about this process in Prometheus' text format."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import Message, Send

from rag import Answer, RagError
from ui.server import queue

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0)  # seconds

_registry = CollectorRegistry()
_questions = Counter("dateline_questions", "Questions that were answered or refused.", ["channel"], registry=_registry)
_refusals = Counter("dateline_refusals", "Questions that the articles do not answer.", ["channel"], registry=_registry)
_tokens = Counter(
    "dateline_tokens",
    "Tokens that the model read and wrote, as it reports them or estimated.",
    ["kind"],
    registry=_registry,
)
_texts = Counter("dateline_checks", "Texts that were checked.", ["channel"], registry=_registry)
_stages = Histogram(
    "dateline_stage_seconds", "Seconds of a question by stage.", ["stage"], buckets=_BUCKETS, registry=_registry
)
_errors = Counter("dateline_errors", "Requests that failed, by kind of error.", ["kind"], registry=_registry)
_responses = Counter("dateline_responses", "Responses to programs, by HTTP status.", ["status"], registry=_registry)
_lag = Gauge(
    "dateline_lag",
    "Changes of a shared library that this process has still to follow; not a number while its database is down.",
    registry=_registry,
)


class _Queues(Collector):
    """Reads the queues when someone asks."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield how many are in each queue."""
        gauge = GaugeMetricFamily("dateline_waiting", "Work that waits for its turn, or has it.", labels=["queue"])
        for name, count in queue.waiting().items():
            gauge.add_metric([name], count)
        yield gauge


_registry.register(_Queues())


def answered(channel: str, answer: Answer) -> None:
    """Count an answer.

    Args:
        channel: Where the question came from: `chat`, `http`, `openai` or `mcp`.
        answer: The answer or the abstention.
    """
    _questions.labels(channel).inc()
    if answer.abstained:
        _refusals.labels(channel).inc()
    _tokens.labels("prompt").inc(answer.usage.prompt_tokens)
    _tokens.labels("answer").inc(answer.usage.answer_tokens)
    for stage, seconds in answer.timings.items():
        _stages.labels(stage).observe(seconds)


def checked(channel: str) -> None:
    """Count a text that was checked."""
    _texts.labels(channel).inc()


def failed(error: BaseException) -> None:
    """Count a failure, by the name of its class."""
    _errors.labels(type(error).__name__).inc()


def text(lag: Callable[[], int]) -> bytes:
    """Return all figures in Prometheus' text format.

    Args:
        lag: Returns how many changes of the library are still to be followed.
    """
    try:
        _lag.set(lag())
    except RagError:  # the database is down, which the errors of questions show
        _lag.set(math.nan)
    return generate_latest(_registry)


def counted(send: Send) -> Send:
    """Wrap `send` so that the response's status is counted."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            _responses.labels(str(message["status"])).inc()
        await send(message)

    return sent
