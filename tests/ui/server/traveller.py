"""A browser that goes to a provider to log in, and comes back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
from newsroom import HOST, Newsroom

AWAY, BACK = "/login/oidc", "/login/oidc/back"


class Browser:
    """A browser that logs in: it keeps the cookies of the page, and goes where it is sent.

    Args:
        room: Where it logs in.
        host: What it calls the page.
    """

    def __init__(self, room: Newsroom, host: str = HOST) -> None:
        self.room, self.host = room, host
        self.cookies: dict[str, str] = {}
        self.away = self.get(AWAY)

    def get(self, path: str) -> httpx.Response:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"cookie": kept, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        done = self.room.get(path, host=self.host, headers=headers)
        self.cookies.update(done.cookies.items())
        return done

    def returned(self) -> str:
        """Log in at the provider and return the address to which it sends the browser."""
        done = httpx.get(self.away.headers["location"], trust_env=False)
        assert done.status_code == 303
        return done.headers["location"]

    def come_back(self, **changes: str) -> httpx.Response:
        """Come back from the provider, with some fields of the address changed."""
        parts = urlsplit(self.returned())
        fields = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
        return self.get(f"{parts.path}?{httpx.QueryParams(fields)}")
