"""Identify who sent a request and whether they are still listening, so that unseen answers can be stopped."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol

COOKIE = "dateline-reader"
GRACE = 10.0  # seconds without a stream, after which a page counts as gone
_MOST = 10_000  # pages whose streams are remembered
_MOST_OWNED, _MOST_OF_READER = 100_000, 1000  # pages whose owners are remembered, in total and of one reader


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


class Owners:
    """Which reader each page (or upload in progress) belongs to, so that nobody else can use its name."""

    def __init__(self) -> None:
        """Begin without pages."""
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._pages: dict[str, OrderedDict[str, None]] = {}  # of each reader, the oldest first

    def own(self, page: str, reader: str) -> bool:
        """Return whether a page belongs to a reader; a new one belongs to whoever names it first.

        A reader who names very many pages loses their own first ones, so that they cannot get those of others.
        """
        if self._owners.setdefault(page, reader) != reader:
            return False
        self._owners.move_to_end(page)
        own = self._pages.setdefault(reader, OrderedDict())
        own[page] = None
        own.move_to_end(page)
        if len(own) > _MOST_OF_READER:
            self._forget(next(iter(own)))
        if len(self._owners) > _MOST_OWNED:
            self._forget(next(iter(self._owners)))
        return True

    def _forget(self, page: str) -> None:
        owner = self._owners.pop(page)
        del self._pages[owner][page]
        if not self._pages[owner]:
            del self._pages[owner]


class Notes(Protocol):
    """Writes what someone did into the log of the users."""

    def __call__(self, what: str, **more: str) -> None:
        """Write a line."""


def _unnoted(what: str, **more: str) -> None:
    """Stand for the log where there are no users."""


@dataclass(frozen=True)
class Visitor:
    """The sender of an event: `id` identifies the user or the browser, `page` a page in it.

    `name` is the user's name, empty where there are no users; `note` writes what they did into the users' log. `trace`
    is the trace of the request that the event came with (`ui.server.traces`), if there is one.
    """

    id: str = ""
    page: str = ""
    name: str = ""
    note: Notes = field(default=_unnoted, repr=False, compare=False)
    trace: Any = field(default=None, repr=False, compare=False)

    def gone(self) -> bool:
        """Return whether the page is no longer listening."""
        return bool(self.page) and presence.gone(self.page)


NOBODY = Visitor()  # the sender if there is no request, as in tests


def sender_of(request: Any) -> Any:
    """Return what the guard found out about the sender of an event (`ui.server.gate.Sender`), or None."""
    return getattr(getattr(request, "state", None), "sender", None)


def visitor_of(request: Any) -> Visitor:
    """Return the sender of an event that has just arrived, given its `gr.Request`, or None if there is none.

    The guard has found out who sent it.
    """
    if request is None:
        return NOBODY
    page = request.session_hash or ""
    presence.sent(page)
    if sender := sender_of(request):
        return Visitor(sender.reader, page, sender.name, sender.note, getattr(request.state, "trace", None))
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
