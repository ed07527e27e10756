"""Build the interface for programs as one FastAPI application."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from mcp.server.transport_security import TransportSecuritySettings

from rag import Engine
from ui.api import answers, documents, health, local, openai, users
from ui.api.forms import ProblemForm
from ui.api.http import add_handlers
from ui.api.mcp import EngineDesk, build_mcp
from ui.api.service import Service

VERSION = "1.0.0"  # of the interface
_ABOUT = """Answers over a collection of news articles; every statement cites the exact sentence it rests on.

If the server has users, send an API key as a bearer token. A reader's key asks, checks, searches and reads; an editor's
also adds and removes articles; an admin's also users. If it has a password instead (`RAG_PASSWORD`), send that as a
bearer token, or as the password of HTTP Basic with any user name. 401 says that the key or the password is missing or
wrong, 403 that it may not do this.

Every error is a problem document (RFC 9457). `X-Request-ID` names the request in the server's log; a request may bring
its own. A response of 409, 429 or 503 says in `Retry-After` after how many seconds to try again."""

_SCHEMES: dict[str, dict[str, str]] = {
    "password": {"type": "http", "scheme": "basic", "description": "The server's password, with any user name."},
    "token": {"type": "http", "scheme": "bearer", "description": "A user's API key, or the server's password."},
}


def build_api(engine: Engine, ready: Callable[[], bool] = lambda: True) -> FastAPI:
    """Return the interface for programs.

    It expects the guard in front of it, which checks hosts, origins, passwords and sizes and sets the request's state.

    Args:
        engine: Answers the questions and holds the library.
        ready: Returns whether the models are loaded.
    """
    service = Service(engine, ready)
    mcp = build_mcp(EngineDesk(service))
    # The guard has checked hosts and origins.
    checked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    mcp_routes = mcp.streamable_http_app(stateless_http=True, json_response=True, transport_security=checked).routes

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with mcp.session_manager.run():
            yield

    app = FastAPI(
        title="Dateline",
        version=VERSION,
        description=_ABOUT,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # its page loads scripts from another site
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    for module in (answers, documents, health, openai, local):
        app.include_router(module.routes(service))
    app.include_router(users.routes())
    app.router.routes.extend(mcp_routes)
    add_handlers(app)
    app.openapi = partial(_described, app)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        parts = found.setdefault("components", {})
        form = ProblemForm.model_json_schema(ref_template="#/components/schemas/{model}")
        parts.setdefault("schemas", {}).update(form.pop("$defs", {}) | {"Problem": form})
        parts["securitySchemes"] = _SCHEMES
        found["security"] = [{}, *({name: []} for name in _SCHEMES)]
        app.openapi_schema = found
    return app.openapi_schema
