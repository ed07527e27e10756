"""The login page, and logging in and out in a browser."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from ui.assets import package_text
from ui.server.bodies import Refused, whole_body
from ui.server.gate import Gate, Sender, need_page
from ui.server.sessions import FORGET, FORGET_BEGUN

if TYPE_CHECKING:
    from ui.server.oidc import Begun, Provider

LOGIN, LOGOUT = "/login", "/logout"
AWAY, BACK = "/login/oidc", "/login/oidc/back"  # to a provider, and back from it
_MOST_FIELDS = 10
_MOST_NAME = 64  # characters that the page takes
_PART = re.compile(r"\$\{(\w+)\}")  # of the page's template


class Doors:
    """Answers the requests of browsers that come in or leave.

    Args:
        gate: Knows the users.
        root_path: The path under which a proxy shows the page.
    """

    def __init__(self, gate: Gate, root_path: str = "") -> None:
        self._gate = gate
        self._root_path = root_path

    async def answer(
        self, scope: Scope, receive: Receive, send: Send, path: str, headers: Mapping[str, str], address: str
    ) -> bool:
        """Answer a request to log in or out, or to open the page without a session; return False for any other.

        Raises:
            Refused: The request is not allowed.
        """
        provider = self._gate.provider
        if path not in ("/", LOGIN, LOGOUT, *((AWAY, BACK) if provider else ())):
            return False
        # The users may be in a database on another machine, which the event loop must not wait for.
        if not await asyncio.to_thread(self._gate.has_users):
            return False
        method = scope["method"]
        if path == "/":
            if method not in ("GET", "HEAD") or await asyncio.to_thread(self._gate.session, headers) is not None:
                return False
            response: Response = RedirectResponse(LOGIN.strip("/"), 303)
        elif provider and path in (AWAY, BACK) and method == "GET":
            response = await (self._leave if path == AWAY else self._come_back)(provider, scope, headers, address)
        elif method == "POST" and path in (LOGIN, LOGOUT):
            need_page(headers)
            if path == LOGIN:
                response = await self._log_in(scope, receive, headers, address)
            else:
                await asyncio.to_thread(self._gate.log_out, headers, address)
                response = _with_cookies(RedirectResponse(LOGIN.strip("/"), 303), FORGET)
        elif path == LOGIN and method in ("GET", "HEAD"):
            response = self._page()
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
            return self._page("Enter a name and a password.", 422)
        try:
            session = await self._gate.log_in(name, password, address)
        except Refused as refused:
            return self._refusal(refused, name=name)
        secure = scope["scheme"] == "https" or headers.get("origin", "").startswith("https://")
        return _with_cookies(RedirectResponse(".", 303), sessions.cookies(session, secure))

    async def _leave(self, provider: Provider, scope: Scope, headers: Mapping[str, str], address: str) -> Response:
        """Send the browser to the provider."""
        sessions = self._gate.sessions
        assert sessions is not None  # whoever has a provider has users
        try:
            self._gate.count_login(address)
            to, begun = await provider.begin(f"{scope['scheme']}://{headers['host']}{self._root_path}{BACK}")
        except Refused as refused:
            return self._refusal(refused, "../")
        return _with_cookies(RedirectResponse(to, 303), [sessions.keep_begun(begun, scope["scheme"] == "https")])

    async def _come_back(self, provider: Provider, scope: Scope, headers: Mapping[str, str], address: str) -> Response:
        """Let in whom the provider names. Nothing that the browser brings decides where it goes next."""
        sessions = self._gate.sessions
        assert sessions is not None
        try:
            self._gate.count_login(address)
            begun, code, issuer = _brought(scope, sessions.begun(headers))
            name = await provider.name(begun, code, issuer)
            session = await asyncio.to_thread(self._gate.log_in_as, name, provider, address)
        except Refused as refused:
            response, cookies = self._refusal(refused, "../../"), []
        else:
            response = RedirectResponse("../..", 303)
            cookies = sessions.cookies(session, scope["scheme"] == "https")
        return _with_cookies(response, [*cookies, FORGET_BEGUN])

    def _refusal(self, refused: Refused, base: str = "", name: str = "") -> Response:
        """Return the login page with the reason; see `_page`."""
        return self._page(refused.why, refused.status, refused.headers, base, name)

    def _page(
        self,
        problem: str = "",
        status: int = 200,
        more: Mapping[str, str] | None = None,
        base: str = "",
        name: str = "",
    ) -> Response:
        """Return the login page.

        Args:
            problem: What went wrong before.
            status: The HTTP status.
            more: More headers.
            base: What leads from the address to the page's folder, such as `../`.
            name: The name that was typed before.
        """
        said = f'<p class="dl-said dl-bad" role="alert">{escape(problem)}</p>' if problem else ""
        to = self._gate.provider
        link = f'<a class="dl-provider" href="{base}{AWAY[1:]}">Log in with {escape(to.host)}</a>' if to else ""
        focus = {"at_name": "", "at_password": " autofocus"} if name else {"at_name": " autofocus", "at_password": ""}
        parts = {"problem": said, "provider": link, "base": base, "name": escape(name[:_MOST_NAME]), **focus, **_own()}
        # In one go, so that nothing that someone typed is taken for the name of a part.
        html = _PART.sub(lambda found: parts[found[1]], package_text("login.html"))
        return HTMLResponse(html, status, {"Content-Security-Policy": _policy(), **(more or {})})


def _brought(scope: Scope, kept: Sequence[str]) -> tuple[Begun, str, str]:
    """Return the login that a browser began, the code that it brings back, and who it says the code is of.

    Raises:
        Refused: It did not begin this login, or the provider refused.
    """
    from ui.server.oidc import Begun

    fields = parse_qs(scope["query_string"].decode("latin-1"))
    state, code, error, issuer = (fields.get(name, [""])[-1] for name in ("state", "code", "error", "iss"))
    if len(kept) != len(Begun._fields) or not hmac.compare_digest(kept[0].encode(), state.encode()):
        raise Refused(400, "This login was not begun in this browser, or it took too long; try again.")
    if error or not code:
        raise Refused(401, "You were not logged in there; try again, or use a password.")
    return Begun(*kept), code, issuer


def _with_cookies(response: Response, cookies: Iterable[str]) -> Response:
    for cookie in cookies:
        response.headers.append("set-cookie", cookie)
    return response


@cache
def _own() -> Mapping[str, str]:
    return {"styles": package_text("style.css") + package_text("login.css"), "script": package_text("page.js")}


@cache
def _policy() -> str:
    """Return the policy that allows the page's own styles and script only."""
    allowed = f"style-src {_hash(_own()['styles'])}; script-src {_hash(_own()['script'])}; img-src data:"
    return f"default-src 'none'; {allowed}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
