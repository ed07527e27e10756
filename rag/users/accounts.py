"""Users with their passwords and roles, and the sessions that have ended."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rag.errors import StoreError, UsageError
from rag.settings import Settings
from rag.store.connection import Connection
from rag.users import keys
from rag.users.file import Tables, UsersFile, checked_name, folded, moment
from rag.users.keys import Key
from rag.users.log import LogFile, UserLog
from rag.users.passwords import fits, hash_password
from rag.users.roles import Role

_USER = f"SELECT {', '.join(keys.COLUMNS)} FROM users"
_END = "INSERT INTO ended VALUES (?, ?) ON CONFLICT (session) DO UPDATE SET expires = excluded.expires"


@dataclass(frozen=True)
class User:
    """A user. `stamp` changes with the password, which ends the sessions that began before; `added` is in UTC."""

    id: str
    name: str
    role: Role
    added: str
    stamp: str = field(repr=False)


class Users:
    """The users of a store. Nothing is created before the first user is added; thread-safe.

    Args:
        folder: The store's folder.
        database: The PostgreSQL database that has them instead, as in the setting `database`.
    """

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self._tables: Tables
        self.log: UserLog
        if database:
            from rag.users.shared import SharedLog, SharedTables  # imports SQLAlchemy, which the file does not need

            self._tables = tables = SharedTables(database, folder)
            self.log = SharedLog(tables)
        else:
            self._tables, self.log = UsersFile(folder), LogFile(folder)

    @classmethod
    def of(cls, settings: Settings) -> Users:
        """Return the users of the store that the settings name."""
        return cls(settings.store, settings.database.get_secret_value() if settings.database else None)

    def __enter__(self) -> Users:
        """Return the users."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is open."""
        self.close()

    def close(self) -> None:
        """Close what is open; it is opened again when it is needed."""
        self._tables.close()

    def exist(self) -> bool:
        """Return whether there is a user, so that everyone needs to be one.

        Raises:
            StoreError: They cannot be read.
        """
        return bool(self._tables.rows("SELECT 1 FROM users LIMIT 1"))

    def all(self) -> tuple[User, ...]:
        """Return the users by name."""
        return tuple(map(_user, self._tables.rows(f"{_USER} ORDER BY name")))

    def find(self, name: str) -> User:
        """Return the user with this name.

        Raises:
            UsageError: There is none.
        """
        rows = self._tables.rows(f"{_USER} WHERE name = ?", folded(name))
        if not rows:
            raise UsageError(f"there is no user {name[:80]!r}; run: rag users list")
        return _user(rows[0])

    @staticmethod
    def same(name: str) -> str:
        """Return the form of a name that is equal for all names of one user, such as `Anna` and `anna`."""
        return folded(name)

    def add(self, name: str, password: str | None, role: Role = Role.READER) -> User:
        """Add a user; one without a password cannot log in with one.

        Raises:
            UsageError: The name is taken or not usable, or the password is too short or too long.
        """
        user = User(secrets.token_hex(8), checked_name(name), role, moment(), secrets.token_hex(8))
        hashed = hash_password(password) if password is not None else ""
        values = user.id, user.name, role.value, hashed, user.stamp, user.added
        with self._tables.write() as writer:
            if writer.execute("SELECT 1 FROM users WHERE name = ?", (user.name,)).fetchone():
                raise UsageError(f"there is a user {user.name!r} already; choose another name")
            writer.execute(
                "INSERT INTO users (id, name, role, password, stamp, added) VALUES (?, ?, ?, ?, ?, ?)", values
            )
        return user

    def remove(self, name: str) -> User:
        """Remove a user with their keys; their sessions end.

        Raises:
            UsageError: There is no such user, or no other admin.
        """
        user = self.find(name)
        with self._tables.write() as writer:
            _keep_an_admin(writer, user)
            writer.execute("DELETE FROM users WHERE id = ?", (user.id,))
        return user

    def set_password(self, name: str, password: str) -> User:
        """Give a user another password; their sessions end. The errors are those of `find` and `add`."""
        user = self.find(name)
        values = hash_password(password), secrets.token_hex(8), user.id
        with self._tables.write() as writer:
            writer.execute("UPDATE users SET password = ?, stamp = ? WHERE id = ?", values)
        return self.find(name)

    def set_role(self, name: str, role: Role) -> User:
        """Give a user another role from their next request on. The errors are those of `remove`."""
        user = self.find(name)
        with self._tables.write() as writer:
            _keep_an_admin(writer, user, role)
            writer.execute("UPDATE users SET role = ? WHERE id = ?", (role.value, user.id))
        return self.find(name)

    def check(self, name: str, password: str) -> User | None:
        """Return the user who has this name and password; finding out that there is no such user takes as long."""
        rows = self._tables.rows(f"SELECT password, {', '.join(keys.COLUMNS)} FROM users WHERE name = ?", folded(name))
        return _user(rows[0][1:]) if fits(password, (rows[0][0] or None) if rows else None) else None

    def in_session(self, user_id: str, stamp: str, session: str) -> User | None:
        """Return the user of a session; None if it ended, they were removed, or their password is another one."""
        rows = self._tables.rows(
            f"{_USER} WHERE id = ? AND stamp = ? AND NOT EXISTS (SELECT 1 FROM ended WHERE session = ?)",
            user_id,
            stamp,
            session,
        )
        return _user(rows[0]) if rows else None

    def end_session(self, session: str, days: float) -> None:
        """Remember for some days that a session has ended."""
        with self._tables.write() as writer:
            writer.execute("DELETE FROM ended WHERE expires < ?", (moment(),))
            writer.execute(_END, (session, moment(days)))

    def secret(self) -> bytes:
        """Return the secret that signs sessions; it is created when it is first needed."""
        wanted = "SELECT value FROM meta WHERE key = 'secret'"
        if not (rows := self._tables.rows(wanted)):
            with self._tables.write() as writer:
                writer.execute("INSERT INTO meta VALUES ('secret', ?) ON CONFLICT DO NOTHING", (secrets.token_hex(32),))
            rows = self._tables.rows(wanted)
        return bytes.fromhex(rows[0][0])

    def add_key(self, user: str, name: str, role: Role | None = None, days: int = 365) -> str:
        """Add an API key and return it; it cannot be shown again, since only its hash is kept.

        Args:
            user: The name of the user whose key it is.
            name: What the user calls it.
            role: What it may do; the user's role by default.
            days: After how many days it expires.

        Raises:
            UsageError: There is no such user, the user has a key of this name, or the role or the days are too much.
        """
        owner = self.find(user)
        role = role or owner.role
        if not owner.role.covers(role):
            raise UsageError(f"{owner.name} is only {owner.role.value}; choose that role or a smaller one for the key")
        return keys.add(self._tables, owner.id, name, role, days)

    def keys(self, user: str | None = None) -> tuple[Key, ...]:
        """Return the keys of a user, or of all, by the names of users and keys. The errors are those of `find`."""
        return keys.listed(self._tables, self.find(user).id if user else "")

    def remove_key(self, user: str, name: str) -> None:
        """Remove a key, which cannot be used any more.

        Raises:
            UsageError: There is no such user or key.
        """
        owner = self.find(user)
        if not keys.remove(self._tables, owner.id, name):
            raise UsageError(f"{owner.name} has no key {name[:80]!r}; run: rag users key list")

    def with_key(self, text: str) -> User | None:
        """Return the user whose key has this text, with the key's role if that is smaller; None if it is not valid."""
        if not (found := keys.find(self._tables, text)):
            return None
        key, row = found
        user = _user(row)
        return replace(user, role=key.role.at_most(user.role))


def _user(row: Any) -> User:
    user_id, name, role, added, stamp = row
    try:
        return User(user_id, name, Role(role), added, stamp)
    except ValueError as error:  # someone else wrote it
        raise StoreError(f"{name} has the unknown role {role!r}; restore the users from a copy") from error


def _keep_an_admin(writer: Connection, user: User, role: Role | None = None) -> None:
    """Refuse to remove a user, or to give them another role, if users would be left but no admin.

    Raises:
        UsageError: No admin would be left.
    """
    if user.role is not Role.ADMIN or role is Role.ADMIN:
        return
    others = [Role(found) for (found,) in writer.execute("SELECT role FROM users WHERE id != ?", (user.id,))]
    if (others or role) and Role.ADMIN not in others:
        raise UsageError(f"{user.name} is the only admin; make another user an admin first")
