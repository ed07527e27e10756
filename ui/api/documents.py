"""`/v1/documents`: list, read, add and remove articles."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Header, Query, Request, UploadFile
from starlette.responses import Response

from ui.api import forms
from ui.api.http import caller_of, documented, noticed
from ui.api.idempotency import Keys
from ui.api.service import Caller, Service
from ui.library.intake import MOST_BYTES, MOST_FILES
from ui.server.problems import Json
from ui.server.uploads import uploads

_PIECE = 1_000_000  # bytes read at a time
_ADD = f"""Each file may have {MOST_BYTES // 1_000_000} MB, and a request {MOST_FILES} files. A file with the name of
an earlier upload replaces it. The response says what happened to each file, also where one failed. A request that is
sent again with the same `Idempotency-Key` is carried out once; keys are kept for a day, until the server ends."""


def routes(service: Service) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["documents"])
    keys = Keys()

    @router.get("/v1/collections", response_model=forms.Collections, responses=documented())
    def collections() -> Response:
        """List the store's libraries."""
        engine = service.engine
        names = [{"name": name} for name in engine.collections()]
        return Json({"collections": names, "own": engine.settings.collection})

    @router.get("/v1/documents", response_model=forms.Articles, responses=documented(), summary="List the articles")
    def listed(
        limit: Annotated[int, Query(ge=1, le=1000, description="Articles in this part, at most.")] = 100,
        cursor: Annotated[str, Query(max_length=4000, description="`next` of the part before.")] = "",
        query: Annotated[str, Query(max_length=200, description="Words in title, source or text.")] = "",
        collection: forms.Collection = "",
    ) -> Response:
        found, following = service.within(collection).page(query, cursor, limit)
        return Json({"documents": [forms.info(entry) for entry in found], "next": following})

    @router.post(
        "/v1/documents", response_model=forms.Added, responses=documented(408, 409, 411, 413), description=_ADD
    )
    async def add(
        request: Request,
        files: Annotated[list[UploadFile], File(description="Files of any supported format.")],
        collection: Annotated[str, Form(max_length=64, description="Its library, which is made if needed.")] = "",
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
    ) -> Response:
        """Add files to the library."""
        caller = caller_of(request)
        within = await asyncio.to_thread(service.within, collection, create=True)
        if idempotency_key is None:
            return Json(await _added(within, files, caller, request))
        fingerprint = await asyncio.to_thread(_fingerprint, files, within.engine.settings.collection)
        if (earlier := keys.begin(caller.id, idempotency_key, fingerprint)) is not None:
            return Json(earlier, headers={"Idempotent-Replayed": "true"})
        result = None
        try:
            result = await _added(within, files, caller, request)
        finally:
            keys.end(caller.id, idempotency_key, result)
        return Json(result)

    @router.get("/v1/documents/{document_id}", response_model=forms.Article, responses=documented(404))
    def read(document_id: str, collection: forms.Collection = "") -> Response:
        """Return an article with its text."""
        return Json(forms.article(service.within(collection).article(document_id)))

    @router.delete("/v1/documents/{document_id}", status_code=204, responses=documented(404))
    def remove(document_id: str, request: Request, collection: forms.Collection = "") -> Response:
        """Remove an article."""
        service.within(collection).remove(document_id, caller_of(request))
        return Response(status_code=204)

    return router


async def _added(service: Service, files: Sequence[UploadFile], caller: Caller, request: Request) -> dict[str, Any]:
    def put() -> list[str]:
        return [uploads().put(caller.id, file.filename or "", file.file) for file in files]

    async with noticed(request, caller):
        results = await service.add(await asyncio.to_thread(put), caller)
    return {"results": [dataclasses.asdict(result) for result in results]}


def _fingerprint(files: Sequence[UploadFile], collection: str) -> str:
    """Return a hash of where files go, their names and contents; they are read from their start again afterwards."""
    whole = hashlib.sha256(collection.encode())
    for file in files:
        content = hashlib.sha256((file.filename or "").encode("utf-8", "surrogatepass"))
        while piece := file.file.read(_PIECE):
            content.update(piece)
        file.file.seek(0)
        whole.update(content.digest())
    return whole.hexdigest()
