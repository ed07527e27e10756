"""Check every request to the page, and refuse requests that the page never sends.

The guard refuses foreign hosts and origins, requests without the password, addresses that the page does not use, bodies
that are too large, too slow or of the wrong shape, and files that this reader did not upload.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag import UsageError
from ui.server.access import Access, same_origin
from ui.server.calls import Calls, WrongShape
from ui.server.uploads import MOST_OF_READER, uploads
from ui.server.visitors import COOKIE, presence, visitor_id

MOST_JSON = 4_000_000  # bytes of a request other than an upload; a browser stores a million characters of conversations
BODY_SECONDS = 30.0  # the longest wait for the next piece of a body
MOST_REQUESTS = 1500  # at the same time, in total
MOST_OF_ADDRESS = 1000  # at the same time, from one address
MOST_WRONG = 10  # wrong passwords from one address in `WRONG_SECONDS`
WRONG_SECONDS = 60.0
# The addresses that the page uses. Gradio serves many more that are not needed here: other people's pages through a
# proxy, files by their path, logs, an API and its description.
_PAGE = re.compile(
    r"/(?:|config|theme\.css|favicon\.ico|manifest\.json|robots\.txt|(?:assets|static|svelte)/.+)"
    r"|/gradio_api/(?:startup-events|heartbeat/\w{1,64}|queue/data|upload_progress|info)"
)
_CALL = re.compile(r"/gradio_api/(?:queue/join|run/predict|cancel|reset|component_server)/?")
_UPLOAD = "/gradio_api/upload"
_STREAM = "/gradio_api/queue/data"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}


class Refused(Exception):
    """A refused request: the HTTP status and the reason for the sender."""

    def __init__(self, status: int, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.status, self.why, self.headers = status, why, dict(headers or {})


class Guard:
    """An ASGI application that passes only allowed requests on to the page.

    Args:
        app: The page.
        access: Who may use it.
        calls: The calls that the page's scripts may make.
    """

    def __init__(self, app: ASGIApp, access: Access, calls: Calls) -> None:
        self._app = app
        self._access = access
        self._calls = calls
        self._under_way: defaultdict[str, int] = defaultdict(int)
        self._wrong: dict[str, deque[float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        address = (scope.get("client") or ("",))[0]
        self._under_way[address] += 1
        try:
            await self._checked(scope, receive, send, address)
        except Refused as refused:
            response = PlainTextResponse(refused.why, refused.status, {**_HEADERS, **refused.headers})
            await response(scope, receive, send)
        finally:
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]

    async def _checked(self, scope: Scope, receive: Receive, send: Send, address: str) -> None:
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        self._check_sender(headers, address)
        if self._under_way[address] > MOST_OF_ADDRESS or sum(self._under_way.values()) > MOST_REQUESTS:
            raise Refused(503, "Dateline has too many requests at the same time; try again in a minute.")
        path, reader = _path(scope), visitor_id(headers, address)
        send = _with_headers(send, new_reader=path == "/" and COOKIE not in headers.get("cookie", ""))
        if scope["method"] in ("GET", "HEAD") and _PAGE.fullmatch(path):
            await self._show(scope, receive, send, path)
        elif scope["method"] == "POST" and path == _UPLOAD and not self._access.read_only:
            await self._upload(scope, receive, send, headers, reader)
        elif scope["method"] == "POST" and _CALL.fullmatch(path):
            body = await _body(receive, headers)
            try:
                self._calls.check(path.rstrip("/").rpartition("/")[2], body, reader)
            except WrongShape as error:
                raise Refused(error.status, str(error)) from error
            await self._app(scope, _replay(body, receive), send)
        else:
            raise Refused(404, "There is nothing at this address.")

    def _check_sender(self, headers: Mapping[str, str], address: str) -> None:
        host = headers.get("host", "")
        if not self._access.answers_to(host):
            raise Refused(
                421,
                f"This Dateline does not answer to the name {host[:100]!r}; its operator can allow it: --allow-host",
            )
        if not same_origin(headers):
            raise Refused(403, "Another web page sent this request; open Dateline's own page.")
        wrong = self._wrong.get(address)
        now = time.monotonic()
        while wrong and now - wrong[0] > WRONG_SECONDS:
            wrong.popleft()
        if wrong and len(wrong) >= MOST_WRONG:
            raise Refused(429, "Too many wrong passwords; try again in a minute.", {"Retry-After": "60"})
        if self._access.lets_in(headers):
            self._wrong.pop(address, None)
            return
        if headers.get("authorization"):
            self._wrong.setdefault(address, deque()).append(now)
            while len(self._wrong) > MOST_REQUESTS:
                del self._wrong[next(iter(self._wrong))]
        raise Refused(
            401, "This Dateline wants a password.", {"WWW-Authenticate": 'Basic realm="Dateline", charset="UTF-8"'}
        )

    async def _show(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        page = ""
        if path == _STREAM:
            page = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
            presence.came(page)
        try:
            await self._app(scope, receive, send)
        finally:
            if path == _STREAM:
                presence.went(page)

    async def _upload(
        self, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str], reader: str
    ) -> None:
        """Pass an upload on if there is room for it, and record the owner of the files."""
        size = _length(headers, MOST_OF_READER)
        try:
            uploads().reserve(reader, size)
        except UsageError as error:
            raise Refused(413, str(error)) from error
        answer = bytearray()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body" and status == 200:
                answer.extend(message.get("body", b""))
                if not message.get("more_body"):
                    uploads().note(reader, _paths(bytes(answer)))
            await send(message)

        try:
            await self._app(scope, _timed(receive), noted)
        finally:
            uploads().release(reader, size)


def _path(scope: Scope) -> str:
    """Return the requested path without the path under which the page is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def _length(headers: Mapping[str, str], most: int) -> int:
    """Return the declared number of bytes in a body; the server does not read more than that."""
    said = headers.get("content-length", "")
    if not said.isdecimal():
        raise Refused(411, "The request does not say how long it is.")
    if len(said) > 15 or int(said) > most:
        raise Refused(413, f"The request is larger than {most // 1_000_000:,} MB.")
    return int(said)


async def _body(receive: Receive, headers: Mapping[str, str]) -> bytes:
    """Return the whole body of a request."""
    _length(headers, MOST_JSON)
    body, receive = bytearray(), _timed(receive)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request ended early.")
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _timed(receive: Receive) -> Receive:
    """Wrap `receive` so that a sender cannot hold a request open without sending anything."""
    whole = False

    async def in_time() -> Message:
        nonlocal whole
        if whole:  # only the disconnect message is left, which may come at any time
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), BODY_SECONDS)
        except asyncio.TimeoutError:
            raise Refused(408, "The request was sent too slowly.") from None
        whole = not message.get("more_body")
        return message

    return in_time


def _replay(body: bytes, receive: Receive) -> Receive:
    """Wrap `receive` so that it first returns a body that was already read."""
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send, new_reader: bool) -> Send:
    """Wrap `send` so that every response has the security headers, and the cookie for a new reader."""
    extra = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
    if new_reader:
        cookie = f"{COOKIE}={secrets.token_hex(16)}; HttpOnly; SameSite=Strict; Path=/"
        extra.append((b"set-cookie", cookie.encode()))

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return sent


def _paths(answer: bytes) -> Iterable[str]:
    try:
        found: Any = json.loads(answer)
    except ValueError:
        return []
    return [path for path in found if isinstance(path, str)] if isinstance(found, list) else []
