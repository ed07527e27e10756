"""The log of who logged in, failed to, and changed what: a line of JSON each, in `users.log` of the store's folder."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rag.errors import StoreError

NAME = "users.log"
MOST_BYTES = 20_000_000  # after which the file is put aside and a new one begins
_KEPT = 5  # files that were put aside
_MOST_TEXT = 500  # characters of a value
_writing = threading.Lock()


class UserLog(ABC):
    """The log of a store."""

    def note(self, what: str, user: str = "", **more: str) -> None:
        """Write a line.

        Args:
            what: What was done, such as `login` or `article added`.
            user: The name of the user who did it.
            **more: More about it, such as the article or the address; empty values are left out.

        Raises:
            StoreError: It cannot be written.
        """
        told = {"time": datetime.now(timezone.utc).isoformat(timespec="seconds"), "what": what, "user": user, **more}
        self._append(json.dumps({name: value[:_MOST_TEXT] for name, value in told.items() if value}))

    @abstractmethod
    def lines(self, most: int = 50) -> tuple[Mapping[str, Any], ...]:
        """Return the last lines, oldest first.

        Raises:
            StoreError: They cannot be read.
        """

    @abstractmethod
    def _append(self, line: str) -> None:
        """Add a line, with the errors of `note`."""


class LogFile(UserLog):
    """The log in `users.log`, which is put aside when it is large.

    Args:
        folder: The store's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def lines(self, most: int = 50) -> tuple[Mapping[str, Any], ...]:
        """Return the last lines, oldest first; a line that cannot be read is left out.

        Raises:
            StoreError: The file cannot be read.
        """
        return tuple(deque(self._lines(), maxlen=most))

    def _append(self, line: str) -> None:
        try:
            with _writing:
                self._put_aside()
                descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(descriptor, "a", encoding="utf-8") as file:
                    file.write(line + "\n")
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be written: {error.strerror}; check the disk and its permissions"
            ) from error

    def _lines(self) -> Iterator[Mapping[str, Any]]:
        for path in [*(self._aside(number) for number in range(_KEPT, 0, -1)), self.path]:
            try:
                with path.open(encoding="utf-8", errors="replace") as file:
                    for line in file:
                        with contextlib.suppress(ValueError):  # half a line, where the disk was full
                            found = json.loads(line)
                            if isinstance(found, dict):
                                yield found
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreError(f"{path} cannot be read: {error.strerror}; check its permissions") from error

    def _put_aside(self) -> None:
        if not self.path.exists() or self.path.stat().st_size < MOST_BYTES:
            return
        for number in range(_KEPT, 0, -1):
            older = self._aside(number - 1) if number > 1 else self.path
            if older.exists():
                older.replace(self._aside(number))

    def _aside(self, number: int) -> Path:
        return self.path.with_name(f"{NAME}.{number}")
