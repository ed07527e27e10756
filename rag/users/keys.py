"""API keys: each belongs to a user, has a role of its own, and expires."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any

from rag.errors import UsageError
from rag.users.file import Tables, checked_name, folded, moment
from rag.users.passwords import hash_secret
from rag.users.roles import Role

COLUMNS = ("id", "name", "role", "added", "stamp")  # of a user
MOST_DAYS = 3650  # that a key may be valid
_KEY = re.compile(r"dl_([0-9a-f]{16})_([\w-]{43})", re.ASCII)


@dataclass(frozen=True)
class Key:
    """An API key, without its secret. Times are in UTC (ISO 8601)."""

    name: str
    user: str
    role: Role
    added: str
    expires: str

    @property
    def expired(self) -> bool:
        """Return whether the key can no longer be used."""
        return self.expires <= moment()


def add(tables: Tables, user_id: str, name: str, role: Role, days: int) -> str:
    """Add a key and return it; only its hash is kept.

    Args:
        tables: Where it is kept.
        user_id: Whose key it is.
        name: What the user calls it.
        role: What it may do.
        days: After how many days it expires.

    Raises:
        UsageError: The user has a key of this name, or the days are too many.
    """
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"a key is valid for 1 to {MOST_DAYS} days; choose --days between them")
    name, key_id, secret = checked_name(name), secrets.token_hex(8), secrets.token_urlsafe(32)
    values = key_id, user_id, name, role.value, hash_secret(secret), moment(), moment(days)
    with tables.write() as writer:
        if writer.execute('SELECT 1 FROM keys WHERE "user" = ? AND name = ?', (user_id, name)).fetchone():
            raise UsageError(f"there is a key {name!r} already; remove it, or choose another name")
        writer.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    return f"dl_{key_id}_{secret}"


def listed(tables: Tables, user_id: str = "") -> tuple[Key, ...]:
    """Return the keys of a user, or of all, by the names of users and keys."""
    rows = tables.rows(
        'SELECT k.name, u.name, k.role, k.added, k.expires FROM keys k JOIN users u ON u.id = k."user" '
        "WHERE ? IN ('', u.id) ORDER BY u.name, k.name",
        user_id,
    )
    return tuple(Key(name, owner, Role(role), added, expires) for name, owner, role, added, expires in rows)


def remove(tables: Tables, user_id: str, name: str) -> bool:
    """Remove a key, and return whether there was one."""
    with tables.write() as writer:
        return bool(writer.execute('DELETE FROM keys WHERE "user" = ? AND name = ?', (user_id, folded(name))).rowcount)


def find(tables: Tables, text: str) -> tuple[Key, tuple[Any, ...]] | None:
    """Return the key that has this text, and the row of its user; None where it is wrong, removed or expired.

    The row has the columns of `COLUMNS`.
    """
    parts = _KEY.fullmatch(text)
    if not parts:
        return None
    rows = tables.rows(
        f"SELECT k.hash, k.name, k.role, k.added, k.expires, {', '.join(f'u.{name}' for name in COLUMNS)} "
        'FROM keys k JOIN users u ON u.id = k."user" WHERE k.id = ?',
        parts[1],
    )
    if not rows or not hmac.compare_digest(rows[0][0], hash_secret(parts[2])):
        return None
    _, name, role, added, expires, *user = rows[0]
    key = Key(name, user[COLUMNS.index("name")], Role(role), added, expires)
    return None if key.expired else (key, tuple(user))
