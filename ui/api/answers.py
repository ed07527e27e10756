"""`/v1/answer`, `/v1/check` and `/v1/search`."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request
from starlette.responses import Response

from rag import Answer, CheckReport
from ui.api.forms import AnswerForm, CheckForm, Found, SearchForm
from ui.api.http import caller_of, documented, event, events, noticed, stream_of
from ui.api.service import Service, last
from ui.server.problems import Json

_EVENTS = """The events are `waiting` (`{"ahead": 3}`: questions before this one), `draft` (`{"text": " word"}`: the
model's words, which are not checked yet and may not be in the answer), `answer` (the checked answer, which replaces the
draft) and `error` (a problem document). `answer` and `error` are the last event."""
_STREAM = stream_of(
    "waiting",
    "draft",
    "answer",
    "error",
    example='event: draft\ndata: {"text": "US $310 million"}\n\nevent: answer\ndata: {"text": "…"}\n\n',
)


def routes(service: Service) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["answers"])

    @router.post(
        "/v1/answer",
        response_model=Answer,
        responses={200: _STREAM, **documented(408)},
        summary="Answer a question, or say that the articles do not",
        description=f"With `stream`, the response is server-sent events. {_EVENTS}",
    )
    async def answer(form: AnswerForm, request: Request) -> Response:
        caller = caller_of(request)
        filters = form.filters.given(form.collection)
        history = [(turn.question, turn.answer) for turn in form.history]
        parts = service.answer(form.question, caller, "http", filters, history)
        if form.stream:
            await asyncio.to_thread(service.check_question, form.question, caller, filters)
            return events(request, _told(parts))
        async with noticed(request, caller):
            answer: Answer = await last(parts)
        return Json(answer.to_dict())

    @router.post(
        "/v1/check",
        response_model=CheckReport,
        responses=documented(408),
        summary="Say of each sentence of a text whether the articles support or contradict it",
    )
    async def check(form: CheckForm, request: Request) -> Response:
        caller = caller_of(request)
        async with noticed(request, caller):
            report = await service.check(form.text, caller, "http", form.filters.given(form.collection))
        return Json(report.to_dict())

    @router.post(
        "/v1/search",
        response_model=Found,
        responses=documented(408),
        summary="Find the sentences nearest to a question",
    )
    async def search(form: SearchForm, request: Request) -> Response:
        caller = caller_of(request)
        async with noticed(request, caller):
            found = await service.search(form.question, caller, form.limit, form.filters.given(form.collection))
        return Json({"hits": [dataclasses.asdict(hit) for hit in found]})

    return router


async def _told(parts: AsyncGenerator[int | str | Answer, None]) -> AsyncGenerator[bytes, None]:
    """Yield the parts of an answer as server-sent events."""
    async for part in parts:
        if isinstance(part, Answer):
            yield event("answer", part.to_dict())
        elif isinstance(part, str):
            yield event("draft", {"text": part})
        else:
            yield event("waiting", {"ahead": part})
