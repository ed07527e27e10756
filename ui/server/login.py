"""The login page, and logging in and out in a browser."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from html import escape
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from ui.assets import package_text
from ui.server.bodies import Refused, whole_body
from ui.server.gate import Gate, Sender, need_page
from ui.server.sessions import FORGET

LOGIN, LOGOUT = "/login", "/logout"
_MOST_FIELDS = 10


class Doors:
    """Answers the requests of browsers that come in or leave.

    Args:
        gate: Knows the users.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def answer(
        self, scope: Scope, receive: Receive, send: Send, path: str, headers: Mapping[str, str], address: str
    ) -> bool:
        """Answer a request to log in or out, or to open the page without a session; return False for any other.

        Raises:
            Refused: The request is not allowed.
        """
        if path not in ("/", LOGIN, LOGOUT) or not self._gate.has_users():
            return False
        method = scope["method"]
        if path == "/":
            if method not in ("GET", "HEAD") or self._gate.session(headers):
                return False
            response: Response = RedirectResponse(LOGIN.strip("/"), 303)
        elif method == "POST":
            need_page(headers)
            if path == LOGIN:
                response = await self._log_in(scope, receive, headers, address)
            else:
                response = self._log_out(headers, address)
        elif path == LOGIN and method in ("GET", "HEAD"):
            response = _page()
        else:
            raise Refused(405, "There is nothing to see at this address.", {"Allow": "POST"})
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)
        return True

    def renewed(self, scope: Scope, send: Send, path: str, sender: Sender) -> Send:
        """Wrap `send` so that a session that is used goes on."""
        sessions = self._gate.sessions
        if path != "/" or not sessions or not sender.session or not sender.session.old:
            return send
        cookies = sessions.cookies(sender.session, scope["scheme"] == "https")
        more = [(b"set-cookie", cookie.encode()) for cookie in cookies]

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        return sent

    async def _log_in(self, scope: Scope, receive: Receive, headers: Mapping[str, str], address: str) -> Response:
        sessions = self._gate.sessions
        assert sessions is not None  # there are users
        body = await whole_body(receive, headers)
        try:
            fields = parse_qs(body.decode(), strict_parsing=True, max_num_fields=_MOST_FIELDS)
            name, password = fields["name"][0], fields["password"][0]
        except (ValueError, LookupError):
            return _page("Enter a name and a password.", 422)
        try:
            session = await self._gate.log_in(name, password, address)
        except Refused as refused:
            return _page(refused.why, refused.status, refused.headers)
        response = RedirectResponse(".", 303)
        secure = scope["scheme"] == "https" or headers.get("origin", "").startswith("https://")
        for cookie in sessions.cookies(session, secure):
            response.headers.append("set-cookie", cookie)
        return response

    def _log_out(self, headers: Mapping[str, str], address: str) -> Response:
        self._gate.log_out(headers, address)
        response = RedirectResponse(LOGIN.strip("/"), 303)
        for cookie in FORGET:
            response.headers.append("set-cookie", cookie)
        return response


def _page(problem: str = "", status: int = 200, more: Mapping[str, str] | None = None) -> Response:
    said = f'<p class="dl-said dl-bad" role="alert">{escape(problem)}</p>' if problem else ""
    html, policy = _template()
    return HTMLResponse(html.replace("$problem", said), status, {"Content-Security-Policy": policy, **(more or {})})


@cache
def _template() -> tuple[str, str]:
    """Return the page without its problem, and the policy that allows its own styles and script only."""
    styles, script = package_text("style.css") + package_text("login.css"), package_text("page.js")
    html = package_text("login.html").replace("$styles", styles).replace("$script", script)
    allowed = f"style-src {_hash(styles)}; script-src {_hash(script)}; img-src data:; form-action 'self'"
    return html, f"default-src 'none'; {allowed}; base-uri 'none'; frame-ancestors 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
