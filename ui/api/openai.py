"""`/v1/chat/completions` and `/v1/models`: the interface in OpenAI's form, for programs that speak it already."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import secrets
import time
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from rag import Answer, UsageError
from ui.api.forms import QUESTION, Collection, FiltersForm
from ui.api.http import caller_of, documented, event, events, noticed, stream_of
from ui.api.service import NotFoundError, Service, last, pieces
from ui.server.problems import Json

MODEL = "dateline"
_CREATED = 1_700_000_000  # a time that every model must have; it means nothing here
# Where Markdown would begin a link, an image or HTML; many programs show what they get as Markdown.
_MARKUP = re.compile(r"(?<=\])(?=\()|(?<=!)(?=\[)|(?=<[a-zA-Z/!?])")
_SPACE = re.compile(r"\s+")
_ABOUT = """The last message is the question; earlier questions and answers are what it may refer to. System messages
and settings of the model, such as `temperature`, change nothing. The content is the checked answer with its sources as
plain text; `citations` has them as data. With `stream`, the words come once the answer is checked, and
`usage` is left out."""

_STREAM = stream_of(example='data: {"choices": [{"delta": {"content": "US $310 million"}}]}\n\ndata: [DONE]\n\n')


class Part(BaseModel):
    """A part of a message; only texts are read."""

    type: str = "text"
    text: str = ""


class Message(BaseModel):
    """A message of the conversation."""

    role: str
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """Return the message's text."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class Asked(BaseModel):
    """A conversation whose last message is a question; other fields of OpenAI's form are ignored."""

    model_config = ConfigDict(
        title="ChatCompletionForm",
        json_schema_extra={"examples": [{"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]}]},
    )
    messages: list[Message] = Field(min_length=1, max_length=1000)
    model: str = MODEL
    stream: bool | None = False
    filters: FiltersForm = Field(default=FiltersForm(), description="Not in OpenAI's form: which articles to search.")
    collection: Collection = ""


def routes(service: Service) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["OpenAI's form"])

    @router.get("/v1/models", responses=documented(), response_model=dict[str, Any])
    def models() -> Response:
        """List the one model."""
        return Json({"object": "list", "data": [_model()]})

    @router.get("/v1/models/{model}", responses=documented(404), response_model=dict[str, Any])
    def model(model: str) -> Response:
        """Describe the model."""
        _check(model)
        return Json(_model())

    @router.post(
        "/v1/chat/completions",
        responses={200: _STREAM, **documented(404, 408)},
        response_model=dict[str, Any],
        description=_ABOUT,
    )
    async def completions(form: Asked, request: Request) -> Response:
        """Answer the last message."""
        _check(form.model)
        question, history = conversation(form.messages)
        caller = caller_of(request)
        filters = form.filters.given(form.collection)
        parts = service.answer(question, caller, "openai", filters, history)
        if form.stream:
            await asyncio.to_thread(service.check_question, question, caller, filters)
            return events(request, _chunks(parts))
        async with noticed(request, caller):
            answer: Answer = await last(parts)
        message = {"role": "assistant", "content": text_of(answer)}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        found = {**_head("chat.completion"), "choices": [choice], "usage": _usage(answer)}
        return Json({**found, "citations": _citations(answer)})

    return router


def conversation(messages: list[Message]) -> tuple[str, list[tuple[str, str]]]:
    """Return the question of a conversation, and the earlier (question, answer) pairs.

    Raises:
        UsageError: The last message is not the user's.
    """
    said = [message for message in messages if message.role in ("user", "assistant")]
    if not said or said[-1].role != "user":
        raise UsageError("the last message must be the user's; it is the question")
    history = []
    question = ""
    for message in said[:-1]:
        if message.role == "user":
            question = message.text
        elif question:
            history.append((question, message.text.split("\n\nSources:\n")[0]))
            question = ""
    return said[-1].text, history


def text_of(answer: Answer) -> str:
    """Return an answer with its sources as plain text that holds no markup."""
    lines = [answer.text]
    if answer.citations:
        lines += ["", "Sources:"]
    for c in answer.citations:
        about = f" ({c.origin})" if c.origin else ""
        lines.append(f"- [{c.marker}] {_one_line(c.title or c.source)}{_one_line(about)}: “{_one_line(c.quote)}”")
    if answer.unconfirmed:
        lines += ["", f"Not confirmed by the articles: {' '.join(answer.unconfirmed)}"]
    lines += [f"({notice})" for notice in answer.notices]
    return _MARKUP.sub(r"\\", "\n".join(lines))


async def _chunks(parts: AsyncGenerator[int | str | Answer, None]) -> AsyncGenerator[bytes, None]:
    """Yield the answer in OpenAI's chunks once it is checked, and comments until then, which clients ignore."""
    head = _head("chat.completion.chunk")

    def chunk(delta: dict[str, str], finish: str | None = None, **more: Any) -> bytes:
        return event("", {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})

    yield chunk({"role": "assistant", "content": ""})
    async for part in parts:
        if not isinstance(part, Answer):
            yield b": working\n\n"
            continue
        for piece in pieces(text_of(part)):
            yield chunk({"content": piece})
        yield chunk({}, "stop", citations=_citations(part))
    yield b"data: [DONE]\n\n"


def _head(kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{secrets.token_hex(12)}", "object": kind, "created": int(time.time()), "model": MODEL}


def _model() -> dict[str, Any]:
    return {"id": MODEL, "object": "model", "created": _CREATED, "owned_by": MODEL}


def _check(model: str) -> None:
    if model != MODEL:
        raise NotFoundError(f"there is no such model; the only one is {MODEL!r}")


def _citations(answer: Answer) -> list[dict[str, Any]]:
    return [dataclasses.asdict(citation) for citation in answer.citations]


def _usage(answer: Answer) -> dict[str, int]:
    read, written = answer.usage.prompt_tokens, answer.usage.answer_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _one_line(text: str) -> str:
    return _SPACE.sub(" ", text)
