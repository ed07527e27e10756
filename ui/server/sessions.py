"""Sessions of users: a signed cookie that names the user, and ends when they log out or have another password."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import cookie_parser

from rag import User, Users

COOKIE = "dateline-session"
ACCOUNT = "dateline-account"  # the user's id, under which the page's script keeps their conversations in the browser
SECONDS = 7 * 24 * 3600  # that a session lasts after the page was opened last
BEGUN = "dateline-login"  # a login at a provider that was begun
_SALT, _BEGUN = "dateline-session", "dateline-login"
_MOST_AWAY = 600  # seconds that a user may take at the provider
_RENEWED = 24 * 3600  # seconds after which opening the page renews a session


@dataclass(frozen=True)
class Session:
    """A session: its user, its id, and whether its cookie is to be renewed."""

    user: User
    id: str
    old: bool = False


class Sessions:
    """The sessions of a store's users.

    Args:
        users: The users.
    """

    def __init__(self, users: Users) -> None:
        self._users = users

    def find(self, headers: Mapping[str, str]) -> Session | None:
        """Return the session that a request belongs to; None if it has none, or one that is forged or has ended.

        Raises:
            StoreError: The users cannot be read.
        """
        text = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        if not text:
            return None
        try:
            given, made = self._signer().loads(text, max_age=SECONDS, return_timestamp=True)
            user_id, stamp, session = map(str, given)
        except (BadData, TypeError, ValueError):
            return None
        user = self._users.in_session(user_id, stamp, session)
        if user is None:
            return None
        age = datetime.now(timezone.utc) - made
        return Session(user, session, age.total_seconds() > _RENEWED)

    def begin(self, user: User) -> Session:
        """Return a new session of a user."""
        return Session(user, secrets.token_hex(16))

    def cookies(self, session: Session, secure: bool) -> list[str]:
        """Return the values of Set-Cookie that keep a session in the browser.

        Args:
            session: The session.
            secure: Whether the browser may send the cookies over TLS only.
        """
        text = self._signer().dumps([session.user.id, session.user.stamp, session.id])
        ways = f"Path=/; SameSite=Lax; Max-Age={SECONDS}" + ("; Secure" if secure else "")
        return [f"{COOKIE}={text}; HttpOnly; {ways}", f"{ACCOUNT}={session.user.id}; {ways}"]

    def end(self, session: Session) -> None:
        """End a session, also for those who have a copy of its cookie."""
        self._users.end_session(session.id, SECONDS / 86400 + 1)

    def keep_begun(self, begun: Sequence[str], secure: bool) -> str:
        """Return the value of Set-Cookie that keeps a login in the browser while its user is at the provider.

        Args:
            begun: What is to be known when the browser comes back.
            secure: Whether the browser may send it over TLS only.
        """
        text = self._signer(_BEGUN).dumps(list(begun))
        return f"{BEGUN}={text}; HttpOnly; Path=/; SameSite=Lax; Max-Age={_MOST_AWAY}" + ("; Secure" if secure else "")

    def begun(self, headers: Mapping[str, str]) -> tuple[str, ...]:
        """Return what `keep_begun` kept in a request's browser; empty if that was too long ago, or forged."""
        try:
            text = cookie_parser(headers.get("cookie", "")).get(BEGUN, "")
            return tuple(map(str, self._signer(_BEGUN).loads(text, max_age=_MOST_AWAY)))
        except (BadData, TypeError, ValueError):
            return ()

    def _signer(self, salt: str = _SALT) -> URLSafeTimedSerializer:
        ways = {"digest_method": hashlib.sha256}
        return URLSafeTimedSerializer(self._users.secret(), salt=salt, signer_kwargs=ways)


FORGET_BEGUN = f"{BEGUN}=; Path=/; Max-Age=0"
FORGET = [f"{name}=; Path=/; Max-Age=0" for name in (COOKIE, ACCOUNT)]  # the values of Set-Cookie that end both
