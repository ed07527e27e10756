"""End a server without losing work: take nothing new, and let what was begun end."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Receive, Scope, Send

from ui.server.problems import Problem
from ui.server.queue import waiting

_TICK = 0.05  # seconds between looks at what is left
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")


class Ending:
    """An ASGI application that passes requests on until the server ends, and counts those that ask for work.

    Args:
        app: What the requests are passed to.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._under_way = 0
        self._closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it because the server ends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._closed:
            wait = {"Retry-After": "10", "Connection": "close"}
            told = Problem(503, "Dateline is ending; try again in a moment.", path="", request_id="", headers=wait)
            await told(scope, receive, send)
            return
        # An open page holds a stream (GET) that never ends; its questions and uploads are in the queues.
        work = scope["method"] in _CHANGES
        self._under_way += work
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= work

    def drain(self, seconds: float) -> None:
        """Take no more requests, and wait until answers and uploads have ended.

        Args:
            seconds: How long to wait, at most.
        """
        self._closed = True
        end = time.monotonic() + seconds
        while (self._under_way or any(waiting().values())) and time.monotonic() < end:
            time.sleep(_TICK)
