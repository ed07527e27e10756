"""Tell the same user's other programs how to reach the server that has a store open."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rag.store.lock import is_taken

_NAME = "server.json"


@dataclass(frozen=True)
class Server:
    """A running server: its address, the secret that lets its own user do everything, and its settings' hash."""

    url: str
    token: str = field(repr=False)
    settings: str


@contextlib.contextmanager
def announced(folder: Path, server: Server) -> Iterator[None]:
    """Announce a server within the block, in a file of the store's folder that only this user can read."""
    path, new = folder / _NAME, folder / f"{_NAME}.new"
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(server), file)
    new.replace(path)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def running(folder: Path) -> Server | None:
    """Return the server that has the store open, or None if there is none or it is another user's."""
    path = folder / _NAME
    try:
        if not _is_own(path) or not is_taken(folder):
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        return Server(str(found["url"]), str(found["token"]), str(found["settings"]))
    except (OSError, ValueError, LookupError, TypeError):  # there is none, or it is just ending
        return None


def _is_own(path: Path) -> bool:
    """Return whether this user wrote the file and nobody else can have changed it."""
    state = path.lstat()
    return not hasattr(os, "getuid") or (state.st_uid == os.getuid() and state.st_mode & 0o077 == 0)
