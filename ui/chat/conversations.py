"""A reader's conversations, and how they are stored in the browser and read back.

Data from a browser is untrusted: a conversation that does not fit these types is dropped, and everything is escaped
when it is shown.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from rag import Answer, Citation

MARKER = re.compile(r"\[(\d{1,4})\]")
MOST_CHARS = 1_000_000  # of JSON kept in the browser, which allows about five million and encrypts on its main thread
MOST_CONVERSATIONS = 200
_TITLE_CHARS = 70
_HISTORY_CHARS = 4000  # of a question or an answer; a follow-up needs no more
_BEFORE_MARKER = re.compile(r"\s*" + MARKER.pattern)
Vote = Literal["", "up", "down"]
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{8,32}$")]


def new_id() -> str:
    """Return an identifier that is safe in HTML: 16 hex digits."""
    return secrets.token_hex(8)


def without_markers(text: str) -> str:
    """Return an answer's text without the numbers of its sources."""
    return _BEFORE_MARKER.sub("", text)


def with_markers(
    text: str, citations: Iterable[Citation], plain: Callable[[str], str], reference: Callable[[Citation], str]
) -> str:
    """Pass a text through `plain`, and each marker that has a citation through `reference`; return the result.

    Any other [n] is kept as text.
    """
    cited = {c.marker: c for c in citations}
    parts, last = [], 0
    for match in MARKER.finditer(text):
        if citation := cited.get(int(match[1])):
            parts += [plain(text[last : match.start()]), reference(citation)]
            last = match.end()
    return "".join([*parts, plain(text[last:])])


@dataclass
class Turn:
    """A question and its result: an answer, or a `problem` (an error or a stop) in words."""

    asked: str
    answer: Answer | None = None
    problem: str = ""
    vote: Vote = ""
    note: str = ""
    unsaid: bool = False  # the reader says that the articles do not say this at all
    next: tuple[str, ...] | None = None  # questions that go on from the answer; None if none were looked for
    id: Id = field(default_factory=new_id)
    collection: str = ""  # whose articles the answer cites; the server's own when empty

    def __post_init__(self) -> None:
        """Drop the evidence, which is large; only the citations and related passages are shown."""
        if self.answer and self.answer.evidence:
            self.answer = replace(self.answer, evidence=())


@dataclass
class Conversation:
    """A list of turns, oldest first. Without a `name` it is named after its first question."""

    turns: list[Turn] = field(default_factory=list)
    name: str = ""
    started: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))
    id: Id = field(default_factory=new_id)

    @property
    def title(self) -> str:
        """The name, or else the first words of the first question."""
        title = " ".join((self.name or (self.turns[0].asked if self.turns else "New conversation")).split())
        return title if len(title) <= _TITLE_CHARS else title[: _TITLE_CHARS - 1].rstrip() + "…"

    @property
    def history(self) -> list[tuple[str, str]]:
        """The answered (stand-alone question, answer) pairs, oldest first, as follow-ups need them."""
        # The source numbers of an earlier answer would mislead a follow-up.
        said = [(t.answer.question, without_markers(t.answer.text)) for t in self.turns if t.answer]
        return [(question[:_HISTORY_CHARS], text[:_HISTORY_CHARS]) for question, text in said]

    def find(self, turn_id: str) -> Turn | None:
        """Return the turn with this id."""
        return next((t for t in self.turns if t.id == turn_id), None)

    def mentions(self, words: Iterable[str]) -> bool:
        """Return whether every word occurs in the name, a question or an answer."""
        said = [self.name, *(t.asked for t in self.turns), *(t.answer.text for t in self.turns if t.answer)]
        text = "\n".join(said).casefold()
        return all(word in text for word in words)


class Book:
    """All conversations of one browser, newest first. Its tabs share the book, so they do not overwrite each other."""

    def __init__(self, conversations: Iterable[Conversation] = (), reader: str = "") -> None:
        """Store the conversations; `reader` identifies the browser."""
        self.reader = reader or new_id() + new_id()
        self.conversations = list(conversations)

    def find(self, conversation_id: str) -> Conversation | None:
        """Return the conversation with this id."""
        return next((c for c in self.conversations if c.id == conversation_id), None)

    def put(self, conversation: Conversation) -> None:
        """Make `conversation` the newest."""
        self.conversations = [conversation, *(c for c in self.conversations if c.id != conversation.id)]

    def remove(self, conversation: Conversation) -> None:
        """Remove the conversation if it is in the book."""
        self.conversations = [c for c in self.conversations if c.id != conversation.id]

    def search(self, text: str) -> list[Conversation]:
        """Return the conversations that contain every word of `text`."""
        words = text.casefold().split()
        return [c for c in self.conversations if c.mentions(words)]

    def stored(self, current: str) -> dict[str, Any]:
        """Return plain data for the browser: the newest conversations that fit, and which one is open."""
        kept, room = [], MOST_CHARS
        for conversation in self.conversations[:MOST_CONVERSATIONS]:
            data = _CONVERSATION.dump_python(conversation, mode="json")
            room -= len(json.dumps(data))
            if room < 0:
                break
            kept.append(data)
        return {"reader": self.reader, "current": current, "conversations": kept}


_CONVERSATION = TypeAdapter(Conversation)
_books: weakref.WeakValueDictionary[tuple[str, str], Book] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def open_book(stored: object, owner: str = "") -> tuple[Book, str]:
    """Return the book that a browser stored and the id of the open conversation; corrupt parts are dropped.

    If the browser already has the page open, it gets the same book, which is newer than what it stored. Nobody gets
    the book of another `owner`, whatever id the browser names.
    """
    data = stored if isinstance(stored, dict) else {}
    reader = data.get("reader")
    reader = reader if isinstance(reader, str) and re.fullmatch(r"[0-9a-f]{32}", reader) else ""
    kept = data.get("conversations")
    current = data.get("current")
    with _lock:
        book = _books.get((owner, reader)) or Book(_read(kept if isinstance(kept, list) else []), reader)
        _books[owner, book.reader] = book
    return book, current if isinstance(current, str) else ""


def _read(kept: list[Any]) -> list[Conversation]:
    found: dict[str, Conversation] = {}
    room = MOST_CHARS
    for data in kept[:MOST_CONVERSATIONS]:
        room -= len(json.dumps(data))
        if room < 0:  # our page never stores this much
            break
        try:
            conversation = _CONVERSATION.validate_python(data)
        except ValidationError:
            continue
        if conversation.turns:
            found.setdefault(conversation.id, conversation)
    return list(found.values())
