"""A client of the interface for programs, which is behind its guard in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
from starlette.types import Receive, Scope, Send

from rag import Engine
from ui.api.app import build_api
from ui.server.access import Access
from ui.server.calls import Calls
from ui.server.guard import Guard

TOKEN = "local-token"
HOST = "http://127.0.0.1:7860"


async def no_page(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand for the web chat, which these tests do not need."""
    raise AssertionError(scope["path"])


class Client:
    """Sends requests to the guarded interface; each is one run of an event loop."""

    def __init__(self, engine: Engine, access: Access | None = None, ready: Callable[[], bool] = lambda: True) -> None:
        self.raise_faults = True
        self.api = build_api(engine, ready)
        calls = Calls({}, frozenset(), lambda reader, path: False)
        self.app = Guard(no_page, access or Access(), calls, self.api, TOKEN)

    def http(self) -> httpx.AsyncClient:
        """Return a client for use within an event loop."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=self.raise_faults)
        return httpx.AsyncClient(transport=transport, base_url=HOST, timeout=30)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request."""

        async def sent() -> httpx.Response:
            async with self.http() as client:
                return await client.request(method, path, **options)

        return asyncio.run(sent())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.send("POST", path, **({"json": body} if body is not None else {}), **options)
