"""A guard with users, in front of a page and an interface that only say what reached them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from starlette.types import Receive, Scope, Send

from rag import Role, Users
from ui.server.access import Access
from ui.server.calls import Calls, Handler
from ui.server.guard import Guard
from ui.server.sessions import COOKIE

HOST = "http://127.0.0.1:7860"
TOKEN = "local-token"
PASSWORD = "correct horse"
NAMES = {"rita": Role.READER, "ed": Role.EDITOR, "ada": Role.ADMIN}
HANDLERS = ("ui.chat.tab.on_ask", "ui.library.tab.on_files", "ui.library.tab.on_act", "ui.quality.tab.on_act", "new.f")
ASK, FILES, SHELF, QUALITY, UNKNOWN = range(5)
JOIN = "/gradio_api/queue/join"
OWN_PAGE = {"origin": HOST}


class Newsroom:
    """The guard, its users, and the paths of the requests that got through."""

    def __init__(self, folder: Path, database: str | None = None, **access: Any) -> None:
        self.store = folder / "store"
        self.users = Users(self.store, database)
        self.through: list[str] = []
        self.owned: set[tuple[str, str]] = set()
        self.between: Callable[[], object] | None = None
        calls = Calls(
            {number: Handler(1, name) for number, name in enumerate(HANDLERS)},
            frozenset({"article", "new"}),
            lambda reader, path: (reader, path) in self.owned,
        )
        self.guard = Guard(self._app, Access(users=self.users, **access), calls, self._app, TOKEN)

    def fill(self) -> Newsroom:
        """Add a user of each role."""
        for name, role in NAMES.items():
            self.users.add(name, PASSWORD, role)
        return self

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.through.append(scope["path"])
        sender = scope["state"]["sender"]
        body = json.dumps({"reader": sender.reader, "name": sender.name, "role": sender.role.value}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if self.between:  # the response is a stream
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            self.between()
            await send({"type": "http.response.body", "body": b"second", "more_body": True})
        await send({"type": "http.response.body", "body": body})

    def send(
        self, method: str, path: str, *, address: str = "127.0.0.1", host: str = HOST, **options: Any
    ) -> httpx.Response:
        """Send one request, without cookies of earlier ones."""

        async def sent() -> httpx.Response:
            transport = httpx.ASGITransport(self.guard, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url=host) as client:
                return await client.request(method, path, **options)

        return asyncio.run(sent())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def log_in(self, name: str, password: str = PASSWORD, **options: Any) -> httpx.Response:
        """Send the form of the login page."""
        headers = options.pop("headers", {"origin": options.get("host", HOST)})
        return self.send("POST", "/login", data={"name": name, "password": password}, headers=headers, **options)

    def cookie(self, name: str) -> str:
        """Log in and return the session's cookie."""
        return self.log_in(name).cookies[COOKIE]

    def as_user(self, cookie: str, **headers: str) -> dict[str, str]:
        """Return the headers that a browser sends from the page."""
        return {"cookie": f"{COOKIE}={cookie}", **OWN_PAGE, **headers}

    def call(self, cookie: str, event: int = ASK, page: str = "page1", kind: str = JOIN, **more: Any) -> httpx.Response:
        """Send an event of the page."""
        body = {"fn_index": event, "data": [None], "session_hash": page, "event_data": None} | more
        return self.send("POST", kind, json=body, headers=self.as_user(cookie))


def with_key(key: str) -> dict[str, str]:
    """Return the headers of a program."""
    return {"authorization": f"Bearer {key}"}
