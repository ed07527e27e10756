"""What readers think of the answers: a line of JSON for each vote or note, beside the store or in its database."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from rag.errors import RagError
from rag.settings import Settings

MOST_BYTES = 20_000_000  # of all lines: about ten thousand votes
_MOST_LINE = 100_000  # characters; an answer that comes back from a browser may be of any length
_FULL = "your browser keeps your vote, and the operator can keep the lines elsewhere (rag feedback) and remove them"
_writing = threading.Lock()


def feedback_path(store: Path) -> Path:
    """Return the file with the feedback on a store's answers, where no database has it."""
    return store.with_name(f"{store.name}-feedback.jsonl")


class Feedback:
    """The feedback of a store's readers; thread-safe.

    Args:
        settings: Where the library is.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = feedback_path(settings.store)
        self._database = settings.database

    def add(self, record: Mapping[str, Any]) -> None:
        """Add a line.

        Args:
            record: What is kept of an answer and what its reader thinks of it.

        Raises:
            RagError: It cannot be written, or there is no place for it.
        """
        line = json.dumps(record, ensure_ascii=False)
        if len(line) > _MOST_LINE:
            raise RagError("this answer is too long to be kept with the feedback; your browser keeps your vote")
        if self._database is None:
            self._append(line + "\n")
            return
        from rag.users.shared import SharedFeedback, SharedTables  # imports SQLAlchemy, which the file does not need

        with closing(SharedTables(self._database.get_secret_value())) as tables:
            # In ASCII, since PostgreSQL takes neither NUL nor half a character.
            if not SharedFeedback(tables).add(json.dumps(record), MOST_BYTES):
                raise RagError(f"there is no place for more feedback; {_FULL}")

    def lines(self) -> Iterator[str]:
        """Yield the lines, oldest first.

        Raises:
            RagError: They cannot be read.
        """
        if self._database is not None:
            from rag.users.shared import SharedFeedback, SharedTables

            with closing(SharedTables(self._database.get_secret_value())) as tables:
                yield from SharedFeedback(tables).lines()
            return
        try:
            with self._path.open(encoding="utf-8", errors="surrogatepass") as file:
                yield from (line.rstrip("\n") for line in file)
        except FileNotFoundError:
            return
        except OSError as error:
            raise RagError(f"{self._path} cannot be read: {error.strerror}; check its permissions") from error

    def _append(self, line: str) -> None:
        try:
            with _writing, self._path.open("a", encoding="utf-8", errors="surrogatepass") as file:
                if file.tell() + len(line) > MOST_BYTES:
                    raise RagError(f"the feedback file is full; {_FULL}")
                file.write(line)
        except OSError as error:
            raise RagError(
                f"the feedback cannot be written to {self._path}: {error.strerror}; free the disk or the file"
            ) from error
