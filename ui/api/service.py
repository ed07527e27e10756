"""What programs can ask of the engine, in the same queues as the readers of the web chat; does not depend on HTTP."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rag import Answer, CheckReport, Document, Engine, Evidence, Filters, RagError, SourceInfo, UsageError
from ui.chat.session import open_chat, pump, turn_of
from ui.library.intake import Result, add_files, remove
from ui.library.shelf import Shelf
from ui.library.turns import Adding, in_turns
from ui.server import metrics, traces
from ui.server.queue import library_queue, queue_of
from ui.server.uploads import Own, uploads
from ui.server.visitors import Visitor


class NotFoundError(RagError):
    """The library does not hold what was asked for."""


class LeftError(RagError):
    """The program that asked no longer waits for the result."""


@dataclass(frozen=True)
class Caller(Visitor):
    """A program; `left` says that it no longer waits."""

    left: threading.Event = field(default_factory=threading.Event, compare=False)

    def gone(self) -> bool:
        """Return whether the program no longer waits."""
        return self.left.is_set()


@dataclass
class _Work:
    """Work in progress; `stopped` ends it."""

    stopped: bool = False


class Service:
    """The engine as programs use it.

    Args:
        engine: Answers the questions and holds the library.
        ready: Returns whether the models are loaded.
    """

    def __init__(self, engine: Engine, ready: Callable[[], bool] = lambda: True) -> None:
        self.engine = engine
        self._loaded = ready
        self.shelf = Shelf(engine)
        self._within: dict[Engine, Service] = {}

    def ready(self) -> bool:
        """Return whether questions are answered at once: the models are loaded, or have answered one already."""
        return self.engine.has_answered or self._loaded()

    def within(self, collection: str, create: bool = False) -> Service:
        """Return the same for another collection of the store, or this one if the name is empty.

        Args:
            collection: Its name.
            create: Whether it is made if it does not exist.

        Raises:
            CollectionError: There is no such collection.
        """
        engine = self.engine.collection(collection, create=create)
        return self if engine is self.engine else self._within.setdefault(engine, Service(engine, self._loaded))

    def check_question(self, question: str, caller: Caller, filters: Filters | None = None) -> None:
        """Check that a question would be taken now, for a response whose status cannot say so later.

        Raises:
            QuestionError: It is empty or too long.
            CollectionError: The filters' collection does not exist.
            BusyError: The queue is full.
        """
        with counted():
            self.engine.checked(question)
            if filters:
                self.engine.collection(filters.collection)
            queue_of(self.engine.settings).check(caller.id)

    async def answer(
        self,
        question: str,
        caller: Caller,
        channel: str,
        filters: Filters | None = None,
        history: Sequence[tuple[str, str]] = (),
    ) -> AsyncGenerator[int | str | Answer, None]:
        """Yield how many questions are ahead, then the model's words, unchecked, then the checked answer.

        Args:
            question: What to answer.
            caller: Who asks.
            channel: Where the question came from, for the figures.
            filters: Which articles to search; all when None.
            history: Earlier (question, answer) pairs, to which the question may refer.

        Raises:
            QuestionError: The question is empty or too long.
            BusyError: The queue is full.
            RagError: The engine failed.
        """
        with counted(), traces.question(channel) as told:
            self.engine.checked(question)  # before it waits
            asker = open_chat(self.engine, list(history))
            async with contextlib.aclosing(self._in_queue(lambda: asker.stream(question, filters), caller)) as parts:
                async for part in parts:
                    if isinstance(part, Answer):
                        metrics.answered(channel, part)
                        told(part)
                    yield part

    async def check(self, text: str, caller: Caller, channel: str, filters: Filters | None = None) -> CheckReport:
        """Return what the library says of each sentence of a text; the errors are those of `Engine.check`."""
        with counted():
            report: CheckReport = await self._last(lambda: iter([self.engine.check(text, filters)]), caller)
            metrics.checked(channel)
            return report

    async def search(
        self, question: str, caller: Caller, limit: int = 10, filters: Filters | None = None
    ) -> tuple[Evidence, ...]:
        """Return the sentences nearest to a question; the errors are those of `Engine.retrieve`."""
        with counted():
            self.engine.checked(question)
            found: tuple[Evidence, ...] = await self._last(
                lambda: iter([self.engine.retrieve(question, limit, filters)]), caller
            )
            return found

    def page(self, query: str = "", cursor: str = "", limit: int = 100) -> tuple[list[SourceInfo], str | None]:
        """Return a part of the list of articles, and the cursor of the part after it, or None after the last.

        Args:
            query: Words in title, source or text; all articles if empty.
            cursor: The cursor of this part; empty for the first.
            limit: How many articles, at most.

        Raises:
            UsageError: It is not a cursor.
        """
        after = _place_of(cursor)
        found = [e for e in sorted(self.shelf.find(query), key=_place) if after is None or _place(e) > after]
        return found[:limit], _cursor(_place(found[limit - 1])) if len(found) > limit else None

    def article(self, document_id: str) -> Document:
        """Return an article with its text.

        Raises:
            NotFoundError: The library does not hold it.
        """
        if not any(entry.id == document_id for entry in self.engine.sources()):
            raise NotFoundError("the library holds no article with this id; list the articles to see the ids")
        return self.engine.document(document_id)

    def remove(self, document_id: str, caller: Caller) -> None:
        """Remove an article.

        Raises:
            NotFoundError: The library does not hold it.
        """
        if not remove(self.engine, self.shelf, [document_id], caller).documents:
            raise NotFoundError("the library holds no article with this id; it may have been removed already")

    async def add(self, paths: Sequence[str], caller: Caller) -> list[Result]:
        """Add uploaded files, in turns with the readers of the web chat, and return what happened to each.

        Raises:
            BusyError: The queue is full.
            LeftError: The program left before the last file.
        """
        adding = Adding()
        steps = add_files(self.engine, self.shelf, paths, Own(uploads(), caller.id), lambda: adding.stopped, caller)
        results: list[Result] = []
        line = library_queue(self.engine.settings)
        with counted():
            async with contextlib.aclosing(in_turns(steps, line, adding, caller)) as taken:
                async for step in taken:
                    results = results if isinstance(step, int) else step.results
            if caller.gone():
                raise LeftError("the sender left before everything was added; send it again")
        return results

    async def _in_queue(self, open_stream: Callable[[], Iterator[Any]], caller: Caller) -> AsyncGenerator[Any, None]:
        """Yield how many are ahead, then the items of the stream, which runs when its turn has come."""
        work, ticket = _Work(), queue_of(self.engine.settings).join(caller.id)
        try:
            async with contextlib.aclosing(turn_of(ticket, work, caller)) as places:
                async for ahead in places:
                    yield ahead
        except BaseException:
            ticket.leave()
            raise
        async with contextlib.aclosing(pump(open_stream, work, ticket, caller)) as batches:
            async for items in batches:
                for item in items:
                    yield item

    async def _last(self, open_stream: Callable[[], Iterator[Any]], caller: Caller) -> Any:
        return await last(self._in_queue(open_stream, caller))


async def last(parts: AsyncGenerator[Any, None]) -> Any:
    """Return the last item, which is the result.

    Raises:
        LeftError: There is none, because the program left.
    """
    item: Any = 0
    async with contextlib.aclosing(parts) as taken:
        async for part in taken:
            item = part
    if isinstance(item, int | str):
        raise LeftError("the sender left before the work was done; ask again")
    return item


def _place(entry: SourceInfo) -> tuple[str, str]:
    """Return what the articles are sorted by: source name and id."""
    return entry.source, entry.id


def _cursor(after: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(after).encode()).decode()


def _place_of(cursor: str) -> tuple[str, str] | None:
    """Return the place that a cursor stands for; None if it is empty.

    Raises:
        UsageError: It is not a cursor of this interface.
    """
    if not cursor:
        return None
    try:
        found = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        found = None
    if isinstance(found, list) and len(found) == 2 and all(isinstance(part, str) for part in found):
        return found[0], found[1]
    raise UsageError("this is not a cursor; use `next` of an earlier response, or leave it out")


@contextlib.contextmanager
def counted() -> Iterator[None]:
    """Count the errors of the block by kind."""
    try:
        yield
    except RagError as error:
        metrics.failed(error)
        raise


def pieces(text: str, size: int = 40) -> Iterator[str]:
    """Yield a text in pieces of about `size` characters that end after white space where possible."""
    start = 0
    while start < len(text):
        end = text.find(" ", start + size) + 1 or len(text)
        yield text[start:end]
        start = end
