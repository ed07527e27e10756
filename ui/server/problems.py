"""Errors for programs, as RFC 9457 problem documents."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

# The last part of `type` and the title, by HTTP status.
KINDS = {
    400: ("bad-request", "The request cannot be read"),
    401: ("password", "A password or a key is needed"),
    403: ("forbidden", "Not allowed"),
    404: ("not-found", "Not found"),
    405: ("method", "Method not allowed"),
    408: ("too-slow", "The request was sent too slowly"),
    409: ("in-progress", "The same request is in progress"),
    411: ("no-length", "The length of the request is missing"),
    413: ("too-large", "Too large"),
    421: ("host", "Unknown host name"),
    422: ("unusable", "The request cannot be carried out as it was made"),
    429: ("busy", "Too many requests"),
    500: ("fault", "Something went wrong inside Dateline"),
    503: ("unavailable", "Not available now"),
}
_OPENAI = ("/v1/chat/", "/v1/models")  # whose clients look for `error`


class Json(Response):
    """A JSON response that can carry every text, even one with half a surrogate pair, as some articles have."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the content as JSON; escapes are used where UTF-8 has no bytes for a character."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        try:
            return text.encode()
        except UnicodeEncodeError:
            return json.dumps(content, separators=(",", ":")).encode()


class Problem(Json):
    """A problem document.

    Args:
        status: The HTTP status; one of `KINDS`.
        detail: What happened and what to do next.
        path: The requested path.
        request_id: The id of the request, which the log has as well.
        headers: More headers.
        errors: The parts of the request that are wrong: for each its place and the reason.
    """

    media_type = "application/problem+json"

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        path: str = "",
        request_id: str = "",
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(problem(status, detail, path, request_id, errors), status, dict(headers or {}))


def problem(
    status: int, detail: str, path: str = "", request_id: str = "", errors: Sequence[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """Return the content of a problem document; see `Problem`."""
    kind, title = KINDS[status]
    found: dict[str, Any] = {
        "type": f"urn:dateline:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    if errors:
        found["errors"] = list(errors)
    if path.startswith(_OPENAI):
        found["error"] = {"message": detail, "type": kind, "param": None, "code": kind}
    return found
