"""What the routes share: who asks, the documented problems, and errors as problem documents."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from rag import RagError, SettingsError, UsageError
from ui.api.idempotency import InProgressError
from ui.api.service import Caller, LeftError, NotFoundError
from ui.server import metrics
from ui.server.problems import KINDS, Problem, problem
from ui.server.queue import BusyError

log = logging.getLogger(__name__)
FAULT = "Something went wrong inside Dateline; its log says what."
_MOST_ERRORS = 20  # wrong parts of a request that are named
_SOON = 5  # seconds after which a server that loads its models is asked again


def caller_of(request: Request) -> Caller:
    """Return who sent a request, as the guard found out."""
    sender = request.state.sender
    return Caller(sender.reader, name=sender.name, note=sender.note)


def documented(*statuses: int, free: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that may answer with these problems.

    Args:
        *statuses: Problems of this route.
        free: Whether everyone may ask, without a password or a key.
    """
    # What the guard says to any request.
    every = {400, 401, 403, 421, 422, 429, 503} - ({401, 429} if free else set())
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*every, *statuses}):
        found[status] = {"description": KINDS[status][1], "content": content}
        if status in (409, 429, 503):
            found[status]["headers"] = {
                "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}}
            }
    return found


def status_of(error: RagError) -> int:
    """Return the HTTP status of an error."""
    kinds = {BusyError: 429, NotFoundError: 404, InProgressError: 409, LeftError: 408}
    for kind, status in kinds.items():
        if isinstance(error, kind):
            return status
    return 422 if isinstance(error, UsageError) and not isinstance(error, SettingsError) else 503


def retry(status: int, error: BaseException | None = None) -> dict[str, str]:
    """Return the header that says when to try again, where that helps."""
    seconds = getattr(error, "seconds", _SOON)
    return {"Retry-After": str(seconds)} if status in (409, 429, 503) else {}


@contextlib.asynccontextmanager
async def noticed(request: Request, caller: Caller) -> AsyncIterator[None]:
    """Notice within the block when the sender of a request leaves, so that nothing is done for nobody."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        caller.left.set()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


def stream_of(*names: str, example: str) -> dict[str, Any]:
    """Return how a route documents its server-sent events.

    Args:
        *names: The names of the events; none for events of the default kind.
        example: A stream.
    """
    fields: dict[str, Any] = {"data": {"type": "string"}}
    if names:
        fields["event"] = {"enum": list(names)}
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return {"content": {"text/event-stream": {"schema": schema, "example": example}}}


def event(name: str, data: Any) -> bytes:
    """Return a server-sent event with JSON data; without a name, it is one of the default kind."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def events(request: Request, parts: AsyncGenerator[bytes, None]) -> StreamingResponse:
    """Return a response of server-sent events. An error ends it with an event `error`, which has a problem document."""

    async def sent() -> AsyncGenerator[bytes, None]:
        def told(status: int, detail: str) -> bytes:
            return event("error", problem(status, detail, request.url.path, request.state.request_id))

        try:
            async with contextlib.aclosing(parts) as taken:
                async for part in taken:
                    yield part
        except RagError as error:
            yield told(status_of(error), str(error))
        except Exception as error:  # the response has begun, so no handler can tell the program
            metrics.failed(error)
            log.exception("request %s failed", request.state.request_id)
            yield told(500, FAULT)

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(sent(), media_type="text/event-stream", headers=headers)


def refused(
    request: Request, status: int, detail: str, error: BaseException | None = None, errors: Any = ()
) -> Problem:
    """Return a problem document for a request."""
    state = request.state
    return Problem(
        status,
        detail,
        path=request.url.path,
        request_id=state.request_id,
        headers=retry(status, error),
        errors=errors,
    )


def add_handlers(app: FastAPI) -> None:
    """Make every error of an application's routes a problem document."""

    async def on_rag_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, RagError)
        return refused(request, status_of(error), str(error), error)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        wrong = [
            {"where": ".".join(map(str, e["loc"]))[:200], "what": str(e["msg"])[:200]}
            for e in error.errors()[:_MOST_ERRORS]
        ]
        return refused(request, 422, "The request has parts that cannot be used; `errors` names them.", errors=wrong)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = error.status_code if error.status_code in KINDS else 400
        told = refused(request, status, str(error.detail) or KINDS[status][1])
        told.headers.update(error.headers or {})
        return told

    async def on_fault(request: Request, error: Exception) -> Response:
        metrics.failed(error)
        return refused(request, 500, FAULT)

    app.add_exception_handler(RagError, on_rag_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_fault)
