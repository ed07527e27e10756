"""Read the bodies of requests within limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import Message, Receive

MOST_JSON = 4_000_000  # bytes of a request other than an upload; a browser stores a million characters of conversations
BODY_SECONDS = 30.0  # the longest wait for the next piece of a body


class Refused(Exception):
    """A refused request: the HTTP status and the reason for the sender."""

    def __init__(self, status: int, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.status, self.why, self.headers = status, why, dict(headers or {})


def length(headers: Mapping[str, str], most: int) -> int:
    """Return the declared number of bytes in a body; the server does not read more than that.

    Raises:
        Refused: It is not declared, or there are more than `most`.
    """
    said = headers.get("content-length", "")
    if not said.isdecimal():
        raise Refused(411, "The request does not say how long it is.")
    if len(said) > 15 or int(said) > most:
        raise Refused(413, f"The request is larger than {most // 1_000_000:,} MB.")
    return int(said)


async def whole_body(receive: Receive, headers: Mapping[str, str]) -> bytes:
    """Return the whole body of a request.

    Raises:
        Refused: It is too large or too slow, or ends early.
    """
    length(headers, MOST_JSON)
    body, receive = bytearray(), timed(receive)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request ended early.")
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def timed(receive: Receive) -> Receive:
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


def replay(body: bytes, receive: Receive) -> Receive:
    """Wrap `receive` so that it first returns a body that was already read."""
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
