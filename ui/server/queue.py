"""Who waits for a model, or for the library: one line each, first come, first served, and none without end."""

from __future__ import annotations

import threading

from rag import RagError, Settings

MOST_WAITING = 500  # in one line
MOST_OF_READER = 200  # of them, that one browser may have
_ENDPOINT_PLACES = 8  # questions at the same time, where another server does the work
_lines: dict[tuple[str, str | None], Queue] = {}
_lock = threading.Lock()


class Queue:
    """A line in front of `places` places."""

    def __init__(self, places: int) -> None:
        """Begin with nobody in it."""
        self.places = places
        self.tickets: list[Ticket] = []
        self.lock = threading.Lock()

    def join(self, reader: str = "") -> Ticket:
        """Return a ticket at the end of the line.

        Args:
            reader: Who waits.

        Raises:
            RagError: The line is too long, or this reader has too many tickets in it.
        """
        with self.lock:
            if len(self.tickets) >= MOST_WAITING:
                raise RagError(f"{len(self.tickets)} others wait already; try again in a minute")
            if sum(ticket.reader == reader for ticket in self.tickets) >= MOST_OF_READER:
                raise RagError(f"{MOST_OF_READER} of your own wait already; try again when they are done")
            ticket = Ticket(self, reader)
            self.tickets.append(ticket)
            return ticket


class Ticket:
    """One question's place in its line."""

    def __init__(self, line: Queue, reader: str) -> None:
        """Remember the line; `Line.join` puts the ticket into it."""
        self._line = line
        self.reader = reader

    @property
    def ahead(self) -> int:
        """How many must end before this one's turn; 0 when it is its turn, or it has left."""
        with self._line.lock:
            if self not in self._line.tickets:
                return 0
            return max(0, self._line.tickets.index(self) - self._line.places + 1)

    def leave(self) -> None:
        """Make room for the next; a second call does nothing."""
        with self._line.lock:
            if self in self._line.tickets:
                self._line.tickets.remove(self)


def queue_of(settings: Settings) -> Queue:
    """Return the line in front of the model that the settings name: a model in this process does one at a time."""
    local = not settings.llm.startswith("openai:") and settings.llm != "extractive"
    with _lock:
        key = settings.llm, settings.llm_base_url
        return _lines.setdefault(key, Queue(1 if local else _ENDPOINT_PLACES))
