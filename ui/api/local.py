"""What the command line of the server's own user does through the server; the guard lets nobody else in."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from rag import Engine, IngestReport, RagError
from ui.api.http import FAULT, caller_of, status_of
from ui.api.service import Caller, Service
from ui.server.problems import Json, problem

log = logging.getLogger(__name__)
_MOST_NOTED = 100  # articles of one command that are named in the log of the users


class RemoveForm(BaseModel):
    """The source name or id of articles."""

    source: str
    collection: str = ""


class IngestForm(BaseModel):
    """What to ingest: absolute paths and web addresses."""

    files: list[str] = []
    addresses: list[str] = []
    columns: dict[str, str] = {}
    collection: str = ""


def routes(service: Service) -> APIRouter:
    """Return the routes, which the OpenAPI document leaves out."""
    router = APIRouter(prefix="/local", include_in_schema=False)

    @router.get("/sources")
    def sources(collection: str = "") -> Response:
        found = service.within(collection).engine.sources()
        return Json({"sources": [dataclasses.asdict(entry) for entry in found]})

    @router.post("/remove")
    def remove(form: RemoveForm, request: Request) -> Response:
        within = service.within(form.collection)
        removed = within.engine.remove(form.source)
        within.shelf.changed()
        _note(caller_of(request), "removed", removed)
        return Json({"removed": removed})

    @router.post("/ingest")
    async def ingest(form: IngestForm, request: Request) -> Response:
        within = await asyncio.to_thread(service.within, form.collection, create=True)
        return StreamingResponse(_ingested(within, form, caller_of(request)), media_type="application/x-ndjson")

    return router


class _Left(BaseException):
    """The command has ended; no handler of errors of a single file may catch this."""


async def _ingested(service: Service, form: IngestForm, caller: Caller) -> AsyncGenerator[bytes, None]:
    """Yield lines of JSON: the progress, and finally the reports or a problem."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    left = threading.Event()

    def tell(kind: str, value: Any) -> None:
        if left.is_set():
            raise _Left
        loop.call_soon_threadsafe(lines.put_nowait, {kind: value})

    def work() -> None:
        try:
            reports = _reports(service.engine, form, tell)
            for report in reports:
                for state in ("added", "replaced", "removed"):
                    _note(caller, state, getattr(report, state))
            tell("report", [report.to_dict() for report in reports])
        except RagError as error:
            tell("problem", problem(status_of(error), str(error)))
        except _Left:
            log.warning("an ingest was stopped; what was read so far is in the store")
        except Exception:
            log.exception("an ingest failed")
            tell("problem", problem(500, FAULT))
        finally:
            service.shelf.changed()

    threading.Thread(target=work, name="dateline-ingest", daemon=True).start()
    try:
        while True:
            line = await lines.get()
            yield json.dumps(line).encode() + b"\n"
            if "report" in line or "problem" in line:
                return
    finally:
        left.set()


def _note(caller: Caller, state: str, sources: Sequence[str]) -> None:
    """Write into the log of the users which articles the command line changed."""
    for source in sources[:_MOST_NOTED]:
        caller.note(f"article {state}", article=source)
    if len(sources) > _MOST_NOTED:
        caller.note(f"{len(sources) - _MOST_NOTED} more articles {state}")


def _reports(engine: Engine, form: IngestForm, tell: Callable[[str, Any], None]) -> list[IngestReport]:
    def progress(done: int, total: int, source: str) -> None:
        tell("progress", (done, total, source))

    def pace(passages: int, share: float) -> None:
        tell("pace", (passages, share))

    reports = []
    if form.files:
        reports.append(engine.ingest(*form.files, progress=progress, columns=form.columns, pace=pace))
    # The user may fetch from their own network, as `rag ingest` does.
    reports += [engine.add_url(address, allow_private=True) for address in form.addresses]
    return reports
