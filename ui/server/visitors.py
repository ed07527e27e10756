"""Identify who sent a request and whether they are still listening, so that unseen answers can be stopped."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

COOKIE = "dateline-reader"
GRACE = 10.0  # seconds without a stream, after which a page counts as gone
_MOST = 10_000  # pages remembered


class Presence:
    """The streams from the server to its pages, by the page's session hash."""

    def __init__(self) -> None:
        """Begin without pages."""
        self._streams: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def came(self, page: str) -> None:
        """Record that a stream of this page was opened."""
        self._change(page, 1)

    def went(self, page: str) -> None:
        """Record that a stream of this page was closed."""
        self._change(page, -1)

    def sent(self, page: str) -> None:
        """Record that this page sent an event; it may be slow to open the stream for the result."""
        self._change(page, 0)

    def gone(self, page: str) -> bool:
        """Return whether this page has had no stream for some seconds."""
        with self._lock:
            streams, since = self._streams.get(page, (0, 0.0))
            return streams <= 0 and time.monotonic() - since > GRACE

    def _change(self, page: str, by: int) -> None:
        with self._lock:
            self._streams[page] = self._streams.get(page, (0, 0.0))[0] + by, time.monotonic()
            self._streams.move_to_end(page)
            while len(self._streams) > _MOST:
                self._streams.popitem(last=False)


presence = Presence()


@dataclass(frozen=True)
class Visitor:
    """The sender of an event: `id` identifies the browser, `page` a page in it."""

    id: str = ""
    page: str = ""

    def gone(self) -> bool:
        """Return whether the page is no longer listening."""
        return bool(self.page) and presence.gone(self.page)


NOBODY = Visitor()  # the sender if there is no request, as in tests


def visitor_of(request: Any) -> Visitor:
    """Return the sender of an event that has just arrived, given its `gr.Request`, or None if there is none."""
    if request is None:
        return NOBODY
    page = request.session_hash or ""
    presence.sent(page)
    headers = {name.lower(): value for name, value in request.headers.items()}
    address = request.client.host if request.client else ""
    return Visitor(visitor_id(headers, address), page)


def visitor_id(headers: Mapping[str, str], address: str) -> str:
    """Return the id of a browser: the cookie that it was given, or else its address."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        found = None
    return found.value if found and re.fullmatch(r"[0-9a-f]{32}", found.value) else f"at {address}"
