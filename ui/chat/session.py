"""One reader's state and the run that answers a question in it; does not depend on Gradio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rag import Answer, Chat, Engine, Filters, RagError
from ui.chat.conversations import Book, Conversation, Turn, new_id
from ui.server import metrics, traces
from ui.server.queue import Ticket, queue_of
from ui.server.visitors import NOBODY, Visitor

log = logging.getLogger(__name__)
_TICK = 0.03  # seconds between checks of the model's output and the stop flag
_SLOWEST = 1.0  # seconds between checks of a position far back in the queue
FAULT = "Something went wrong inside Dateline; its log says what. Your question is kept."
STOPPED = "Stopped before the answer was checked."
_END = object()


class Asker(Protocol):
    """Something that answers questions: `rag.Chat` or a stand-in."""

    def stream(self, question: str, filters: Filters | None = None) -> Iterator[str | Answer]:
        """Yield the model's text as it is written, then the checked answer."""
        ...


class Stoppable(Protocol):
    """Work in progress that can be stopped."""

    stopped: bool


OpenChat = Callable[[Engine, list[tuple[str, str]]], Asker]


def open_chat(engine: Engine, history: list[tuple[str, str]]) -> Asker:
    """Return a chat of `engine` that knows the (question, answer) pairs of `history`."""
    return Chat(engine, history=history)


def narrowed(
    chosen: Sequence[str], since: str | None, until: str | None, publisher: str | None, collection: str | None = ""
) -> Filters | None:
    """Return the reader's filters; a name matches anywhere in a publisher's or file's name. None if there are none."""
    collection = "" if chosen else collection or ""
    names = tuple(f"*{part}*" for part in (each.strip() for each in (publisher or "").split(",")) if part)
    since, until = (since or "").strip(), (until or "").strip()
    filters = Filters(documents=tuple(chosen), sources=names, since=since, until=until, collection=collection)
    return None if filters == Filters() else filters


@dataclass
class Run:
    """A question that is being answered. Other events set `stopped`; `dropped` means that no trace must remain."""

    asked: str
    waiting: str
    draft: str = ""
    stopped: bool = False
    dropped: bool = False
    id: str = field(default_factory=new_id)


@dataclass
class Session:
    """One reader's state, kept in a `gr.State` on the server: one per page, shared by the page's events.

    `own` is the reader's view of the engine once the reader has changed the settings; the session closes it.
    """

    book: Book = field(default_factory=Book)
    current: Conversation = field(default_factory=Conversation)
    runs: dict[str, Run] = field(default_factory=dict)
    search: str = ""
    opening: tuple[str, ...] = ()  # questions offered in an empty conversation
    deleted: Conversation | None = None
    own: Engine | None = None
    collection: str = ""  # the one that is asked; the server's own when empty
    key: str = field(default="", repr=False)  # for the endpoint `key_for`; it never leaves the server
    key_for: str = ""
    retired: list[Engine] = field(default_factory=list)

    @property
    def run(self) -> Run | None:
        """The question that is being answered in the open conversation."""
        return self.runs.get(self.current.id)

    def open(self, conversation: Conversation | None = None) -> None:
        """Show a conversation, or begin a new one. Runs in other conversations continue."""
        self.current = conversation or Conversation()

    def stop(self) -> None:
        """Stop the run of the open conversation, if there is one."""
        if self.run:
            self.run.stopped = True

    def delete(self, conversation: Conversation) -> None:
        """Remove a conversation; `undo` brings it back. Its run is stopped and its result is dropped."""
        if run := self.runs.pop(conversation.id, None):
            run.stopped = run.dropped = True
        self.book.remove(conversation)
        self.deleted = conversation if conversation.turns else None
        if conversation is self.current:
            self.open()

    def undo(self) -> None:
        """Bring back the conversation that was deleted last."""
        if self.deleted:
            self.book.put(self.deleted)
            self.open(self.deleted)
            self.deleted = None

    def begin_again(self, turn_id: str) -> None:
        """Prepare to ask a turn again: remove it if it is last, else copy the earlier turns to a new conversation."""
        turns = self.current.turns
        at = next((n for n, t in enumerate(turns) if t.id == turn_id), None)
        if at is None:
            return
        if at == len(turns) - 1:
            turns.pop()
        else:  # so that later turns are not lost
            self.open(Conversation([Turn(**vars(t)) for t in turns[:at]], self.current.name))

    def use(self, engine: Engine | None) -> None:
        """Ask `engine` from now on; None means the server's. The previous one is closed once it has finished."""
        if self.own:
            self.retired.append(self.own)
        self.own = engine
        self.sweep()

    def sweep(self) -> None:
        """Close the engines that are no longer in use."""
        while self.retired and not self.runs:
            self.retired.pop().close()

    def close(self) -> None:
        """Stop every run and close the reader's engines after the page is closed."""
        for run in self.runs.values():
            run.stopped = run.dropped = True
        self.runs.clear()
        self.use(None)


async def ask(
    engine: Engine,
    session: Session,
    question: str,
    *,
    filters: Filters | None = None,
    waiting: str = "Searching the articles…",
    chat: OpenChat = open_chat,
    visitor: Visitor = NOBODY,
) -> AsyncGenerator[None, None]:
    """Answer `question` in the session's open conversation, yielding whenever there is something new to show.

    Errors become messages in the conversation. Closing this iterator or stopping the run closes the engine's iterator.
    Waiting needs no thread, so any number of readers can wait.
    """
    question, conversation = question.strip(), session.current
    if not question or conversation.id in session.runs:
        yield
        return
    run = session.runs[conversation.id] = Run(question, waiting)
    turn = Turn(question, problem=FAULT, id=run.id)
    try:
        yield
        steps = _answer(engine, run, conversation, filters, chat, visitor)
        with traces.question("chat", visitor.trace) as told:
            async with contextlib.aclosing(steps):
                async for given in steps:
                    if given:
                        turn = given
                        told(turn.answer)
                    else:
                        yield
    except RagError as error:
        metrics.failed(error)
        turn.problem = str(error)
    except Exception as error:  # a bug must not cost the reader the conversation
        metrics.failed(error)
        log.exception("a question could not be answered")
    finally:
        if session.runs.get(conversation.id) is run:
            del session.runs[conversation.id]
        session.sweep()
    if not run.dropped:
        conversation.turns.append(turn)
        session.book.put(conversation)
        yield


async def _answer(
    engine: Engine,
    run: Run,
    conversation: Conversation,
    filters: Filters | None,
    chat: OpenChat,
    visitor: Visitor,
) -> AsyncGenerator[Turn | None, None]:
    """Yield None whenever the run has changed, and finally its result."""
    ticket = queue_of(engine.settings).join(visitor.id)
    searching = run.waiting
    try:
        async with contextlib.aclosing(turn_of(ticket, run, visitor)) as places:
            async for ahead in places:
                run.waiting = in_line(ahead)
                yield None
        run.waiting = searching
        yield None
        asker = chat(engine, conversation.history)
    except BaseException:
        ticket.leave()
        raise
    stream = pump(lambda: asker.stream(run.asked, filters), run, ticket, visitor)
    async with contextlib.aclosing(stream) as batches:
        async for items in batches:
            for item in items:
                if isinstance(item, Answer):
                    metrics.answered("chat", item)
                    yield Turn(run.asked, item, id=run.id, collection=filters.collection if filters else "")
                    return
                run.draft += item
            yield None
    if run.stopped:
        yield Turn(run.asked, problem=STOPPED, id=run.id)


async def turn_of(ticket: Ticket, run: Stoppable, visitor: Visitor) -> AsyncGenerator[int, None]:
    """Wait for a ticket's turn, yielding the number ahead of it when that changes; stop if the visitor has left."""
    seen = 0
    while (ahead := ticket.ahead) and not run.stopped:
        if visitor.gone():
            run.stopped = True
            return
        if ahead != seen:
            seen = ahead
            yield ahead
        # A ticket far back has a long wait, and hundreds of frequent checks would slow down the run at the front.
        await asyncio.sleep(min(_SLOWEST, _TICK * ahead))


def in_line(ahead: int, what: str = "question") -> str:
    """Return a position in the queue in words."""
    return f"{ahead} {what}{'s' if ahead > 1 else ''} before yours…"


async def pump(
    open_stream: Callable[[], Iterator[Any]], run: Stoppable, ticket: Ticket, visitor: Visitor = NOBODY
) -> AsyncGenerator[list[Any], None]:
    """Yield the stream's items in batches until it ends, the run is stopped or the visitor has left.

    The stream runs in a separate thread, because a model that is reading its prompt cannot be interrupted. The page
    reacts to Stop at once, and the stream is closed as soon as it gives its next item. Only then does the ticket leave
    the queue. The stream's errors are raised here.
    """
    box: queue.SimpleQueue[Any] = queue.SimpleQueue()
    leave = threading.Event()

    def work() -> None:
        stream: Iterator[Any] = iter(())
        try:
            if not run.stopped:
                stream = open_stream()
            for item in stream:
                box.put(item)
                if leave.is_set():
                    break
            box.put(_END)
        except BaseException as error:
            box.put(error)
        finally:
            with contextlib.suppress(Exception):
                getattr(stream, "close", lambda: None)()
            ticket.leave()

    threading.Thread(target=work, name="dateline-answer", daemon=True).start()
    try:
        while not run.stopped:
            batch = []
            while not box.empty():
                batch.append(box.get())
            if not batch:
                run.stopped = run.stopped or visitor.gone()
                await asyncio.sleep(_TICK)
                continue
            last = batch[-1]
            ended = last is _END or isinstance(last, BaseException)
            if items := batch[: -1 if ended else None]:
                yield items
            if isinstance(last, BaseException):
                raise last
            if ended:
                return
    finally:
        leave.set()
