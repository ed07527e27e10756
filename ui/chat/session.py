"""One reader's state, and the run that answers a question into it. Nothing here knows Gradio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from rag import Answer, Chat, Engine, Filters, RagError
from ui.chat.conversations import Book, Conversation, Turn, new_id
from ui.server.queue import Ticket, queue_of
from ui.server.visitors import NOBODY, Visitor

log = logging.getLogger(__name__)
_TICK = 0.03  # seconds between looks at what the model wrote and at the stop flag
_SLOWEST = 1.0  # seconds between looks at a place far back in the line
FAULT = "Something went wrong inside Dateline; its log says what. Your question is kept."
STOPPED = "Stopped before the answer was checked."
_END = object()


class Asker(Protocol):
    """What is asked: `rag.Chat` or a stand-in."""

    def stream(self, question: str, filters: Filters | None = None) -> Iterator[str | Answer]:
        """Yield what the model writes, then the checked answer."""
        ...


class Stoppable(Protocol):
    """Work in progress that can be told to end."""

    stopped: bool


OpenChat = Callable[[Engine, list[tuple[str, str]]], Asker]


def open_chat(engine: Engine, history: list[tuple[str, str]]) -> Asker:
    """Return a chat of `engine` that knows the (question, answer) pairs of `history`."""
    return Chat(engine, history=history)


@dataclass
class Run:
    """A question that is being answered. `stopped` is set from other events; `dropped` means: leave no trace."""

    asked: str
    waiting: str
    draft: str = ""
    stopped: bool = False
    dropped: bool = False
    id: str = field(default_factory=new_id)


@dataclass
class Session:
    """One reader's state. It lives in a `gr.State` on the server, so each page has its own and its events share it.

    `own` is the reader's view of the engine once the settings were changed; the session closes it.
    """

    book: Book = field(default_factory=Book)
    current: Conversation = field(default_factory=Conversation)
    runs: dict[str, Run] = field(default_factory=dict)
    search: str = ""
    deleted: Conversation | None = None
    own: Engine | None = None
    key: str = field(default="", repr=False)  # for the endpoint `key_for`; it never leaves the server
    key_for: str = ""
    retired: list[Engine] = field(default_factory=list)

    @property
    def run(self) -> Run | None:
        """The question that is being answered in the open conversation."""
        return self.runs.get(self.current.id)

    def open(self, conversation: Conversation | None = None) -> None:
        """Show a conversation, or begin one. What is being answered in another goes on."""
        self.current = conversation or Conversation()

    def stop(self) -> None:
        """Ask the run of the open conversation, if there is one, to end."""
        if self.run:
            self.run.stopped = True

    def delete(self, conversation: Conversation) -> None:
        """Remove a conversation; `undo` brings it back. Its run is stopped and will not be heard of again."""
        if run := self.runs.pop(conversation.id, None):
            run.stopped = run.dropped = True
        self.book.remove(conversation)
        self.deleted = conversation if conversation.turns else None
        if conversation is self.current:
            self.open()

    def undo(self) -> None:
        """Bring back what was deleted last."""
        if self.deleted:
            self.book.put(self.deleted)
            self.open(self.deleted)
            self.deleted = None

    def begin_again(self, turn_id: str) -> None:
        """Make room for another try at a turn: the last one goes; an earlier one is continued in a new conversation."""
        turns = self.current.turns
        at = next((n for n, t in enumerate(turns) if t.id == turn_id), None)
        if at is None:
            return
        if at == len(turns) - 1:
            turns.pop()
        else:  # nothing that was said later is lost
            self.open(Conversation([Turn(**vars(t)) for t in turns[:at]], self.current.name))

    def use(self, engine: Engine | None) -> None:
        """Ask `engine` from now on; None for the one of the server. The one before is closed when it is done."""
        if self.own:
            self.retired.append(self.own)
        self.own = engine
        self.sweep()

    def sweep(self) -> None:
        """Close the engines that nothing asks any more."""
        while self.retired and not self.runs:
            self.retired.pop().close()

    def close(self) -> None:
        """End every run and close the reader's engines; the page is gone."""
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
    """Answer `question` into the session's open conversation, yielding whenever there is something new to show.

    Errors become messages of the conversation. Closing the iterator and stopping the run close the engine's iterator.
    No thread waits here, so any number of readers can.
    """
    question, conversation = question.strip(), session.current
    if not question or conversation.id in session.runs:
        yield
        return
    run = session.runs[conversation.id] = Run(question, waiting)
    turn = Turn(question, problem=FAULT, id=run.id)
    try:
        yield
        async with contextlib.aclosing(_answer(engine, run, conversation, filters, chat, visitor)) as steps:
            async for given in steps:
                turn = given or turn
                if not given:
                    yield
    except RagError as error:
        turn.problem = str(error)
    except Exception:  # a fault of ours must not cost the reader the conversation
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
    """Yield None whenever the run has changed, and last what came of it."""
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
                    yield Turn(run.asked, item, id=run.id)
                    return
                run.draft += item
            yield None
    if run.stopped:
        yield Turn(run.asked, problem=STOPPED, id=run.id)


async def turn_of(ticket: Ticket, run: Stoppable, visitor: Visitor) -> AsyncGenerator[int, None]:
    """Wait for a ticket's turn, yielding how many are before it whenever that changes; stop a run that nobody sees."""
    seen = 0
    while (ahead := ticket.ahead) and not run.stopped:
        if visitor.gone():
            run.stopped = True
            return
        if ahead != seen:
            seen = ahead
            yield ahead
        # Far back a turn cannot come soon, and hundreds who look all the time would slow down the one who is served.
        await asyncio.sleep(min(_SLOWEST, _TICK * ahead))


def in_line(ahead: int, what: str = "question") -> str:
    """Return a place in the line in words."""
    return f"{ahead} {what}{'s' if ahead > 1 else ''} before yours…"


async def pump(
    open_stream: Callable[[], Iterator[Any]], run: Stoppable, ticket: Ticket, visitor: Visitor = NOBODY
) -> AsyncGenerator[list[Any], None]:
    """Yield what the stream delivers, in batches, until it ends, the run is stopped or nobody listens any more.

    The stream runs in a thread of its own, because a model that is reading its prompt cannot be interrupted: the page
    reacts to Stop at once, and the stream is closed as soon as it gives its next item. Only then the ticket is given
    back. The stream's errors are raised here.
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
