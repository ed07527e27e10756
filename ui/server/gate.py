"""Find out who sent a request, and refuse those who may not come in."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from starlette.types import Message, Send

from rag import RagError, Role, StoreError, UsageError, User, Users
from ui.server.access import Access, sent_by_page
from ui.server.bodies import Refused
from ui.server.lockout import MOST_WRONG, Lockout
from ui.server.sessions import Session, Sessions
from ui.server.visitors import visitor_id

if TYPE_CHECKING:
    from ui.server.oidc import Provider

log = logging.getLogger(__name__)
_MOST_CHECKED = 2  # passwords that are checked at the same time; each needs 64 MB
_MOST_OF_ADDRESS = 6 * MOST_WRONG  # logins from one address, which may be that of a whole newsroom
_MOST_NAME = 200  # characters
_LOOK = 5.0  # seconds between checks that whoever gets a stream may still have it
_WAIT = {"Retry-After": "60"}
_UNUSABLE = "The users of this server cannot be read now; its log says why."


@dataclass(frozen=True)
class Sender:
    """Who sent a request.

    Args:
        reader: Whose the conversations, uploads and places in queues are.
        role: What they may do.
        name: The user's name; empty where there are no users.
        local: Whether it is the user who runs the server.
        session: The session that the browser sent, if any.
        valid: Returns whether they may still come in.
        users: The users, where there are some.
        address: Where the request came from.
    """

    reader: str
    role: Role = Role.ADMIN
    name: str = ""
    local: bool = False
    session: Session | None = None
    valid: Callable[[], bool] = field(default=lambda: True, repr=False, compare=False)
    users: Users | None = None
    address: str = ""

    def note(self, what: str, **more: str) -> None:
        """Write what they did into the log of the users, where there are some."""
        note(self.users, what, self.name, address=self.address, **more)


class Gate:
    """Lets users in, or whoever has the password where there are no users.

    Args:
        access: Who may come in.
        token: A secret of the user who runs the server; whoever sends it may do everything.
    """

    def __init__(self, access: Access, token: str | None = None) -> None:
        self._access = access
        self._token = token
        self._wrong, self._wrong_keys, self._wrong_names = Lockout(), Lockout(), Lockout()
        self._logins = Lockout(_MOST_OF_ADDRESS)
        self._checking = asyncio.Semaphore(_MOST_CHECKED)
        self.sessions = Sessions(access.users) if access.users else None

    def has_users(self) -> bool:
        """Return whether everyone needs to be a user.

        Raises:
            Refused: The users cannot be read.
        """
        with _usable():
            return self._access.has_users()

    async def enter(self, headers: Mapping[str, str], address: str, method: str, *, api: bool = False) -> Sender:
        """Return who sent a request.

        Args:
            headers: The request's headers, by their names in lower case.
            address: Where it came from.
            method: The HTTP method.
            api: Whether a program may have sent it, with a key or a password as a bearer token.

        Raises:
            Refused: They may not come in.
        """
        # The users may be in a database on another machine, which the event loop must not wait for.
        return await asyncio.to_thread(self._enter, headers, address, method, api)

    def _enter(self, headers: Mapping[str, str], address: str, method: str, api: bool) -> Sender:
        if api and self.is_local(headers):
            users = self._access.users if self.has_users() else None
            return Sender(visitor_id(headers, address), name="command line", local=True, users=users)
        users, key = self._access.users, bearer(headers) if api else None
        with _usable():
            # A valid key says that there are users, so that its request asks for them once.
            if users and key is not None and (user := users.with_key(key)):
                return self._sender(users, user, address, partial(_holds, users, key))
            if users and self.sessions and self.has_users():
                return self._user(users, self.sessions, headers, address, method, api)
        self._check_password(headers, address, api)
        return Sender(visitor_id(headers, address), address=address)

    def is_local(self, headers: Mapping[str, str]) -> bool:
        """Return whether the user who runs the server sent a request."""
        given = bearer(headers)
        if not self._token or not given:
            return False
        return hmac.compare_digest(given.encode("latin-1"), self._token.encode())

    async def log_in(self, name: str, password: str, address: str) -> Session:
        """Return a new session of the user with this name and password.

        Raises:
            Refused: They are wrong, or too many were.
        """
        users, sessions = self._access.users, self.sessions
        if not users or not sessions or not await asyncio.to_thread(self.has_users):
            raise Refused(404, "This Dateline has no users.")
        same = users.same(name[:_MOST_NAME])
        if self._logins.closed(address) or self._wrong_names.closed(same):
            raise Refused(429, "Too many wrong passwords; try again in a minute.", _WAIT)
        # Counted before it is checked, so that many at the same time are no way around the limit.
        self._logins.wrong(address)
        self._wrong_names.wrong(same)
        with _usable():
            async with self._checking:
                user = await asyncio.to_thread(users.check, name, password)
        if user is None:
            given = await asyncio.to_thread(_known, users, name)
            await asyncio.to_thread(note, users, "login failed", given=given, address=address)
            raise Refused(401, "The name or the password is wrong.")
        self._wrong_names.right(same)
        await asyncio.to_thread(note, users, "login", user.name, address=address)
        return sessions.begin(user)

    @property
    def provider(self) -> Provider | None:
        """Return where users may also log in, if there is such a place."""
        return self._access.provider

    def count_login(self, address: str) -> None:
        """Count a login from an address before it is checked.

        Raises:
            Refused: There were too many.
        """
        if self._logins.closed(address):
            raise Refused(429, "Too many logins; try again in a minute.", _WAIT)
        self._logins.wrong(address)

    def log_in_as(self, name: str, provider: Provider, address: str) -> Session:
        """Return a new session of the user whom a provider names.

        Raises:
            Refused: There is no such user, and the provider adds none.
        """
        users, sessions = self._access.users, self.sessions
        assert users and sessions  # whoever has a provider has users
        with _usable():
            user = self._of_provider(users, name, provider, address)
        if user is None:
            note(users, "login failed", given=name, address=address, by=provider.host)
            raise Refused(403, f"{provider.host} says that you are {name[:80]!r}, who is no user here; ask an admin.")
        note(users, "login", user.name, address=address, by=provider.host)
        return sessions.begin(user)

    def _of_provider(self, users: Users, name: str, provider: Provider, address: str) -> User | None:
        # Names that only look the same are different people there.
        if users.same(name) != name.casefold():
            return None
        try:
            return users.find(name)
        except UsageError:
            if not provider.adds:
                return None
        try:
            user = users.add(name, None, Role.READER)
        except UsageError as error:
            raise Refused(403, str(error)) from error
        note(users, "user added", about=user.name, role=user.role.value, address=address, by=provider.host)
        return user

    def session(self, headers: Mapping[str, str]) -> Session | None:
        """Return the session of a request, if it has one that holds.

        Raises:
            Refused: The users cannot be read.
        """
        with _usable():
            return self.sessions.find(headers) if self.sessions else None

    def log_out(self, headers: Mapping[str, str], address: str) -> None:
        """End the session of a request, if it has one.

        Raises:
            Refused: The users cannot be read or written.
        """
        session = self.session(headers)
        if not session or not self.sessions:
            return
        with _usable():
            self.sessions.end(session)
        note(self._access.users, "logout", session.user.name, address=address)

    def _user(
        self, users: Users, sessions: Sessions, headers: Mapping[str, str], address: str, method: str, api: bool
    ) -> Sender:
        if api and bearer(headers) is not None:
            if self._wrong_keys.closed(address):
                raise Refused(429, "Too many wrong keys; try again in a minute.", _WAIT)
            self._wrong_keys.wrong(address)
            note(users, "key refused", address=address)
            raise Refused(401, "This key is wrong or has expired.", {"WWW-Authenticate": "Bearer"})
        session = sessions.find(headers)
        if session is None:
            wanted = "This Dateline wants a key of a user, as a bearer token." if api else "Log in first."
            raise Refused(401, wanted, {"WWW-Authenticate": "Bearer"})
        if method not in ("GET", "HEAD"):
            need_page(headers)
        return self._sender(users, session.user, address, lambda: bool(sessions.find(headers)), session)

    @staticmethod
    def _sender(
        users: Users, user: User, address: str, valid: Callable[[], bool], session: Session | None = None
    ) -> Sender:
        return Sender(user.id, user.role, user.name, session=session, valid=valid, users=users, address=address)

    def _check_password(self, headers: Mapping[str, str], address: str, api: bool) -> None:
        if not self._access.password:
            if not (self._access.loopback or self._access.everyone):  # the last user was removed
                raise Refused(
                    401, "This Dateline has no users; its operator can add one.", {"WWW-Authenticate": "Bearer"}
                )
            return
        if self._wrong.closed(address):
            raise Refused(429, "Too many wrong passwords; try again in a minute.", _WAIT)
        if self._access.lets_in(headers, bearer=api):
            self._wrong.right(address)
            return
        if headers.get("authorization"):
            self._wrong.wrong(address)
        ways = 'Basic realm="Dateline", charset="UTF-8"' + (", Bearer" if api else "")
        raise Refused(401, "This Dateline wants a password.", {"WWW-Authenticate": ways})


def note(users: Users | None, what: str, name: str = "", **more: str) -> None:
    """Write a line into the log of the users; what cannot be written there goes to the server's log."""
    try:
        if users:
            users.log.note(what, name, **more)
    except RagError as error:
        log.error("%s (%s by %r is not in it)", error, what, name)


def _holds(users: Users, key: str) -> bool:
    return users.with_key(key) is not None


def need_page(headers: Mapping[str, str]) -> None:
    """Refuse a request of a browser that this page itself did not send."""
    if not sent_by_page(headers):
        raise Refused(403, "Dateline's own page did not send this request; open the page and try again there.")


@contextmanager
def _usable() -> Iterator[None]:
    """Refuse a request where the users cannot be read or written; the server's log says why."""
    try:
        yield
    except StoreError as error:
        log.error("%s", error)
        raise Refused(503, _UNUSABLE, _WAIT) from error


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the bearer token of a request, or None if it has none."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def while_valid(sender: Sender, send: Send) -> Send:
    """Wrap `send` so that a stream ends soon after its receiver may no longer come in."""
    looked, ended = time.monotonic(), False

    async def sent(message: Message) -> None:
        nonlocal looked, ended
        if ended:
            return
        if message.get("more_body") and time.monotonic() - looked > _LOOK:
            looked = time.monotonic()
            try:
                ended = not await asyncio.to_thread(sender.valid)
            except RagError as error:
                log.error("%s", error)
                ended = True
            if ended:
                message = {"type": "http.response.body", "body": b"", "more_body": False}
        await send(message)

    return sent


def _known(users: Users, name: str) -> str:
    """Return a name that someone entered if it is a user's; it may be a password in the wrong field."""
    try:
        return users.find(name).name
    except RagError:
        return "unknown"
