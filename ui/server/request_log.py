"""Log each request as one line of JSON, without what was asked."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class RequestLog:
    """An ASGI application that passes requests on and writes a line about each when it has ended.

    The line has the time (UTC), the method, the path without its query, the status, the seconds that it took, the bytes
    of the response, and the id of a program's request.

    Args:
        app: What the requests are passed to.
        write: Takes each line; stderr by default.
    """

    def __init__(self, app: ASGIApp, write: Callable[[str], None] = _print) -> None:
        self._app, self._write = app, write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, size, request_id = time.perf_counter(), 0, 0, ""

        async def noted(message: Message) -> None:
            nonlocal status, size, request_id
            if message["type"] == "http.response.start":
                status = message["status"]
                request_id = dict(message.get("headers", [])).get(b"x-request-id", b"").decode("latin-1")
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            seconds = round(time.perf_counter() - started, 4)
            found = {"time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"), "method": scope["method"]}
            found |= {"path": scope["path"], "status": status, "seconds": seconds, "bytes": size}
            self._write(json.dumps(found | ({"request_id": request_id} if request_id else {})))
