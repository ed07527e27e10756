"""Check every request to the page, and refuse requests that the page never sends.

The guard refuses foreign hosts and origins, senders who may not come in or whose role is too small, addresses that the
page does not use, bodies that are too large, too slow or of the wrong shape, and files and pages of other readers.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag import Role, UsageError
from ui.server import metrics, permissions
from ui.server.access import Access, same_origin
from ui.server.bodies import Refused, length, replay, timed, whole_body
from ui.server.calls import Calls, WrongShape
from ui.server.gate import Gate, Sender, while_valid
from ui.server.login import Doors
from ui.server.problems import Problem
from ui.server.uploads import MOST_OF_READER, uploads
from ui.server.visitors import COOKIE, Owners, presence, visitor_id

MOST_REQUESTS = 1500  # at the same time, in total
MOST_OF_ADDRESS = 1000  # at the same time, from one address
# The addresses that the page uses. Gradio serves many more that are not needed here: other people's pages through a
# proxy, files by their path, logs, an API and its description.
_PAGE = re.compile(
    r"/(?:|config|theme\.css|favicon\.ico|manifest\.json|robots\.txt|(?:assets|static|svelte)/.+)"
    r"|/gradio_api/(?:startup-events|heartbeat/\w{1,64}|queue/data|upload_progress|info)"
)
_CALL = re.compile(r"/gradio_api/(?:queue/join|run/predict|cancel|reset|component_server)/?")
_UPLOAD = "/gradio_api/upload"
# The addresses for programs.
_API = re.compile(r"/(?:v1|local)/.*|/mcp|/metrics|/healthz(?:/.*)?")
_OPEN = re.compile(r"/healthz(?:/.*)?")  # for everyone: it only says whether the server works
_DOCUMENTS = re.compile(r"/v1/documents(?:/.*)?")
_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_STREAM = "/gradio_api/queue/data"
_HEARTBEAT = "/gradio_api/heartbeat/"
_MOST_PAGE = 100  # characters of the name of a page
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}


class Guard:
    """An ASGI application that passes only allowed requests on to the page, or to the interface for programs.

    Args:
        app: The page; it also gets the lifespan.
        access: Who may use it.
        calls: The calls that the page's scripts may make.
        api: The interface for programs, without a lifespan; None if there is none.
        token: A secret of the user who runs the server; whoever sends it may do everything.
        root_path: The path under which a proxy shows the page.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        calls: Calls,
        api: ASGIApp | None = None,
        token: str | None = None,
        root_path: str = "",
    ) -> None:
        self._app = app
        self._access = access
        self._calls = calls
        self._api = api
        self._gate = Gate(access, token)
        self._doors = Doors(self._gate, root_path)
        self._owners = Owners()
        self._under_way: defaultdict[str, int] = defaultdict(int)

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
        if self._api and _API.fullmatch(_path(scope)):
            await self._program(self._api, scope, receive, send, headers, address)
            return
        self._check_request(headers, address)
        path, method = _path(scope), scope["method"]
        send = _with_headers(send, new_reader=path == "/" and COOKIE not in headers.get("cookie", ""))
        if await self._doors.answer(scope, receive, send, path, headers, address):
            return
        sender = await self._gate.enter(headers, address, method)
        self._check_pages(scope, path, sender)
        scope = {**scope, "state": {**scope.get("state", {}), "sender": sender}}
        send = self._doors.renewed(scope, send, path, sender)
        if method in ("GET", "HEAD") and _PAGE.fullmatch(path):
            await self._show(scope, receive, while_valid(sender, send), path)
        elif method == "POST" and path == _UPLOAD and not self._access.read_only:
            _need(sender, permissions.UPLOAD)
            await self._upload(scope, receive, send, headers, sender.reader)
        elif method == "POST" and _CALL.fullmatch(path):
            body = await whole_body(receive, headers)
            try:
                call = self._calls.check(path.rstrip("/").rpartition("/")[2], body, sender.reader)
            except WrongShape as error:
                raise Refused(error.status, str(error)) from error
            _need(sender, call.role)
            self._check_owner(call.page, sender)
            await self._app(scope, replay(body, receive), send)
        else:
            raise Refused(404, "There is nothing at this address.")

    async def _program(
        self, api: ASGIApp, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str], address: str
    ) -> None:
        """Check a request of a program and pass it on; a refusal is a problem document."""
        path, method = _path(scope), scope["method"]
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        state = {**scope.get("state", {}), "request_id": request_id}
        scope = {**scope, "state": state}
        send = metrics.counted(_with_headers(send, more={"X-Request-ID": request_id}))
        try:
            self._check_request(headers, address)
            if _OPEN.fullmatch(path):
                sender = Sender(visitor_id(headers, address), Role.READER)
            else:
                sender = await self._gate.enter(headers, address, method, api=True)
            state["sender"] = sender
            self._check_program(sender, method, path)
            send = while_valid(sender, send)
            if method == "POST" and _DOCUMENTS.fullmatch(path):
                async with _room(sender.reader, headers):
                    await api(scope, timed(receive), send)
            elif method in ("POST", "PUT", "PATCH"):
                await api(scope, replay(await whole_body(receive, headers), receive), send)
            else:
                await api(scope, receive, send)
        except Refused as refused:
            told = Problem(
                refused.status, refused.why, path=path, request_id=request_id, headers=refused.headers
            )  # fmt: skip
            await told(scope, receive, send)

    def _check_program(self, sender: Sender, method: str, path: str) -> None:
        """Refuse what the sender may not do."""
        if sender.local:
            return
        if path.startswith("/local/"):
            raise Refused(403, "Only its own user may do this.")
        if self._access.read_only and method not in ("GET", "HEAD") and _DOCUMENTS.fullmatch(path):
            raise Refused(403, "This library is read only.")
        _need(sender, permissions.of_program(method, path))

    def _check_pages(self, scope: Scope, path: str, sender: Sender) -> None:
        """Refuse a request that names a page, or an upload in progress, of another reader."""
        given = parse_qs(scope["query_string"].decode("latin-1"))
        pages = [*given.get("session_hash", ()), *(f"upload {name}" for name in given.get("upload_id", ()))]
        if path.startswith(_HEARTBEAT):
            pages.append(path.removeprefix(_HEARTBEAT))
        for page in pages:
            self._check_owner(page, sender)

    def _check_owner(self, page: str, sender: Sender) -> None:
        if page and not self._owners.own(page[:_MOST_PAGE], sender.reader):
            raise Refused(403, "This page belongs to another reader; open Dateline's own page again.")

    def _check_request(self, headers: Mapping[str, str], address: str) -> None:
        """Refuse a request from another web page, to another name, or one too many."""
        host = headers.get("host", "")
        if not self._access.answers_to(host):
            raise Refused(
                421,
                f"This Dateline does not answer to the name {host[:100]!r}; its operator can allow it: --allow-host",
            )
        if not same_origin(headers):
            raise Refused(403, "Another web page sent this request; open Dateline's own page.")
        if self._under_way[address] > MOST_OF_ADDRESS or sum(self._under_way.values()) > MOST_REQUESTS:
            raise Refused(
                503, "Dateline has too many requests at the same time; try again in a minute.", {"Retry-After": "60"}
            )

    async def _show(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        page = ""
        if path == _STREAM:
            page = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[-1]
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

        async with _room(reader, headers):
            await self._app(scope, timed(receive), noted)


def _need(sender: Sender, role: Role) -> None:
    """Refuse a sender whose role is too small."""
    if not sender.role.covers(role):
        raise Refused(403, f"This needs the role {role.value}; yours is {sender.role.value}.")


def _path(scope: Scope) -> str:
    """Return the requested path without the path under which the page is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


@contextlib.asynccontextmanager
async def _room(reader: str, headers: Mapping[str, str]) -> AsyncIterator[None]:
    """Reserve room for an upload while its request is handled."""
    size = length(headers, MOST_OF_READER)
    try:
        uploads().reserve(reader, size)
    except UsageError as error:
        raise Refused(413, str(error)) from error
    try:
        yield
    finally:
        uploads().release(reader, size)


def _with_headers(send: Send, new_reader: bool = False, more: Mapping[str, str] | None = None) -> Send:
    """Wrap `send` so that every response has the security headers, and the cookie for a new reader."""
    extra = [(name.lower().encode(), value.encode()) for name, value in (_HEADERS | dict(more or {})).items()]
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
