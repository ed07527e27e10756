"""Queues of limited length for each model and for the library; first come, first served."""

from __future__ import annotations

import threading

from rag import RagError, Settings

MOST_WAITING = 500  # in one queue
MOST_OF_READER = 200  # in one queue, from one browser
_ENDPOINT_PLACES = 8  # questions at the same time if another server does the work
_lines: dict[tuple[str, str | None], Queue] = {}
_lock = threading.Lock()


class BusyError(RagError):
    """A queue is full; `seconds` says when to come again."""

    seconds = 60


class Queue:
    """A queue in which the first `places` tickets have their turn at the same time."""

    def __init__(self, places: int) -> None:
        """Begin with an empty queue."""
        self.places = places
        self.tickets: list[Ticket] = []
        self.lock = threading.Lock()

    def join(self, reader: str = "") -> Ticket:
        """Return a ticket at the end of the queue.

        Args:
            reader: The id of the reader who waits.

        Raises:
            BusyError: The queue is full, or this reader has too many tickets in it.
        """
        with self.lock:
            self._check(reader)
            ticket = Ticket(self, reader)
            self.tickets.append(ticket)
            return ticket

    def check(self, reader: str = "") -> None:
        """Check that there is room now; the errors are those of `join`."""
        with self.lock:
            self._check(reader)

    def _check(self, reader: str) -> None:
        if len(self.tickets) >= MOST_WAITING:
            raise BusyError(f"{len(self.tickets)} others wait already; try again in a minute")
        if sum(ticket.reader == reader for ticket in self.tickets) >= MOST_OF_READER:
            raise BusyError(f"{MOST_OF_READER} of your own wait already; try again when they are done")


class Ticket:
    """The place of one piece of work in its queue."""

    def __init__(self, line: Queue, reader: str) -> None:
        """Store the queue; `Queue.join` adds the ticket to it."""
        self._line = line
        self.reader = reader

    @property
    def ahead(self) -> int:
        """How many tickets must leave before this one's turn; 0 if it is its turn, or if it has left."""
        with self._line.lock:
            if self not in self._line.tickets:
                return 0
            return max(0, self._line.tickets.index(self) - self._line.places + 1)

    def leave(self) -> None:
        """Leave the queue; a second call does nothing."""
        with self._line.lock:
            if self in self._line.tickets:
                self._line.tickets.remove(self)


def queue_of(settings: Settings) -> Queue:
    """Return the queue for the model that the settings name; a model in this process answers one at a time."""
    local = not settings.llm.startswith("openai:") and settings.llm != "extractive"
    with _lock:
        key = settings.llm, settings.llm_base_url
        return _lines.setdefault(key, Queue(1 if local else _ENDPOINT_PLACES))


def library_queue(settings: Settings) -> Queue:
    """Return the queue for adding to the library; files are added one at a time."""
    with _lock:
        return _lines.setdefault(("library", str(settings.store)), Queue(1))


def waiting() -> dict[str, int]:
    """Return how many wait for each model and for the library, or have it."""
    with _lock:
        lines = list(_lines.items())
    return {model: sum(len(line.tickets) for key, line in lines if key[0] == model) for (model, _), _ in lines}
