"""The roles of users; each may also do what the ones before it may."""

from __future__ import annotations

from enum import Enum


class Role(str, Enum):
    """A reader asks, checks, searches and reads; an editor also changes the library; an admin also the server."""

    READER = "reader"
    EDITOR = "editor"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Return whether whoever has this role may do what needs the role `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)

    def at_most(self, other: Role) -> Role:
        """Return the smaller one of two roles."""
        return self if other.covers(self) else other
