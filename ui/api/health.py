"""`/healthz` and `/metrics`: whether the server works, and figures about it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ui.api.forms import Health
from ui.api.http import documented, refused
from ui.api.service import Service
from ui.server import metrics
from ui.server.problems import Json

_FREE: dict[str, Any] = {"security": [{}]}


def routes(service: Service) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["operation"])

    def health() -> Response:
        return Json({"status": "ok", "ready": service.ready()})

    for path, says in (
        ("/healthz", "Say that the server works, and whether its models are loaded"),
        ("/healthz/live", "Say that the server works; no password is needed"),
    ):
        router.add_api_route(
            path, health, response_model=Health, responses=documented(free=True), summary=says, openapi_extra=_FREE
        )

    @router.get("/healthz/ready", response_model=Health, responses=documented(free=True), openapi_extra=_FREE)
    def ready(request: Request) -> Response:
        """Say that the models are loaded, or answer with 503 while they are not; no password is needed."""
        return (
            health()
            if service.ready()
            else refused(
                request, 503, "The models are not loaded yet; wait a moment. If that lasts, Dateline's log says why."
            )
        )

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {metrics.MEDIA_TYPE: {"schema": {"type": "string"}}}}, **documented()},
    )
    def figures() -> Response:
        """Return figures in Prometheus' text format."""
        return Response(metrics.text(service.engine.lag), headers={"Content-Type": metrics.MEDIA_TYPE})

    return router
