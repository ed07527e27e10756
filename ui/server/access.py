"""Access to the page: the addresses that it answers to, the password, and whether it is read-only."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rag import UsageError, Users

if TYPE_CHECKING:
    from ui.server.oidc import Provider


@dataclass(frozen=True)
class Access:
    """How a page is served.

    Args:
        host: The address that the server listens on.
        password: The password that readers must enter; None for no password.
        names: Other names for the page, such as those of a proxy in front of it.
        read_only: Readers cannot add or remove articles, run the eval, or leave feedback.
        everyone: Anyone who can reach `host` may use the page without a password.
        users: The users of the store. As soon as there is one, everyone needs to be a user, and `password` and
            `everyone` no longer count.
        provider: Where users may also log in. With one, everyone needs to be a user even before there is one.
    """

    host: str = "127.0.0.1"
    password: str | None = None
    names: tuple[str, ...] = ()
    read_only: bool = False
    everyone: bool = False
    users: Users | None = None
    provider: Provider | None = None

    @property
    def loopback(self) -> bool:
        """Return whether only programs on this machine can reach the page."""
        return is_loopback(self.host)

    @property
    def private(self) -> bool:
        """Return whether the page is for this machine only: no proxy makes it known to others, and it has no users.

        Raises:
            StoreError: The users cannot be read.
        """
        return self.loopback and not self.names and not self.has_users()

    def check(self) -> None:
        """Check that others cannot reach the page without a user or a password, unless `everyone` allows it.

        Raises:
            UsageError: Others can reach the page, and there are no users, no password and no `everyone`.
            StoreError: The users cannot be read.
        """
        if not (self.loopback or self.password or self.everyone or self.has_users()):
            raise UsageError(
                f"others could reach {self.host} and change the library; add users (rag users add), set a password "
                "(RAG_PASSWORD), or let everyone in with --open, best with --read-only"
            )

    def has_users(self) -> bool:
        """Return whether there are users, or a provider of them, so that everyone needs to be one.

        Raises:
            StoreError: The users cannot be read.
        """
        return self.users is not None and (self.provider is not None or self.users.exist())

    def answers_to(self, host: str) -> bool:
        """Return whether a request's Host header names this page.

        A page of another site whose name resolves to this machine (DNS rebinding) sends that name. So a name must be
        one of ours. An IP address is always accepted, except that a page on loopback answers to loopback only.
        """
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name in {self.host.lower(), *(known.lower() for known in self.names)}:
            return True
        return is_loopback(name) or (not self.loopback and _is_address(name))

    def lets_in(self, headers: Mapping[str, str], *, bearer: bool = False) -> bool:
        """Return whether the request has the right password; the user name does not matter.

        Args:
            headers: The request's headers, by their names in lower case.
            bearer: Whether the password may also be a bearer token.
        """
        if not self.password:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if bearer and scheme.lower() == "bearer":
            return hmac.compare_digest(given.encode("latin-1"), self.password.encode())
        try:
            entered = base64.b64decode(given, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(entered, self.password.encode())


def same_origin(headers: Mapping[str, str]) -> bool:
    """Return whether a request comes from this page itself, or from a program that is not a web page.

    A browser names the page that sent a request in `Origin`, and says in `Sec-Fetch-Site` whether that page belongs to
    another site. Following a link to the page is allowed.
    """
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        return False
    opens_page = headers.get("sec-fetch-mode") == "navigate"
    return opens_page or headers.get("sec-fetch-site") not in ("cross-site", "same-site")


def sent_by_page(headers: Mapping[str, str]) -> bool:
    """Return whether a browser says that this page itself sent a request; every browser says so unless it is a GET.

    What a browser sends with the cookie of a session must come from the page (cross-site request forgery).
    """
    named = headers.get("origin") is not None or headers.get("sec-fetch-site") == "same-origin"
    return named and same_origin(headers) and headers.get("sec-fetch-site", "same-origin") == "same-origin"


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is loopback."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
