"""One reader's conversation: who asked what, and the run that answers now. Nothing here knows Gradio."""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from rag import Answer, Chat, Document, Engine, RagError
from ui import render

log = logging.getLogger(__name__)
_TICK = 0.05  # seconds between looks at the stop flag
_FAULT = "Something went wrong inside Dateline; its log says what. Your question is kept."
_MARKERS = re.compile(r"\s*" + render.MARKER.pattern)
_END = object()


class Asker(Protocol):
    """What is asked: `rag.Chat` or a stand-in."""

    def stream(self, question: str) -> Iterator[str | Answer]:
        """Yield what the model writes, then the checked answer."""
        ...


OpenChat = Callable[[Engine, list[tuple[str, str]]], Asker]


def open_chat(engine: Engine, history: list[tuple[str, str]]) -> Asker:
    """Return a chat of `engine` that knows the (question, answer) pairs of `history`."""
    return Chat(engine, history=history)


@dataclass(frozen=True)
class Turn:
    """A finished message: its HTML, and what a follow-up has to know (`answer` is None after an error or a stop)."""

    html: str
    question: str
    answer: str | None = None


@dataclass
class Run:
    """A question that is being answered. `stopped` is set from other events; `dropped` means: leave no trace."""

    uid: str
    question: str
    waiting: str
    draft: str = ""
    stopped: bool = False
    dropped: bool = False


@dataclass
class Session:
    """One reader's state. It lives in a `gr.State`, so each page has its own and its events share it."""

    turns: list[Turn] = field(default_factory=list)
    run: Run | None = None
    asked: int = 0

    @property
    def history(self) -> list[tuple[str, str]]:
        """The answered (question, answer) pairs, oldest first."""
        return [(t.question, t.answer) for t in self.turns if t.answer is not None]

    def frames(self) -> list[str]:
        """Return the HTML of each message, oldest first, the one in progress last."""
        done = [t.html for t in self.turns]
        if not self.run:
            return done
        body = render.draft(self.run.draft, self.run.waiting)
        return [*done, render.turn(self.run.uid, self.run.question, body, pending=True)]

    def stop(self) -> None:
        """Ask the run, if there is one, to end."""
        if self.run:
            self.run.stopped = True

    def clear(self) -> None:
        """Forget the conversation; a run in progress is stopped and will not be heard of again."""
        if self.run:
            self.run.stopped = self.run.dropped = True
        self.run = None
        self.turns.clear()


def ask(
    engine: Engine,
    session: Session,
    question: str,
    *,
    waiting: str = "Searching the articles…",
    chat: OpenChat = open_chat,
) -> Iterator[None]:
    """Answer `question` into `session`, yielding whenever there is something new to show.

    Errors become messages of the conversation. Closing the iterator, `Session.stop` and `Session.clear` close the
    engine's iterator.
    """
    question = question.strip()
    if not question or session.run:
        yield
        return
    session.asked += 1
    run = session.run = Run(f"t{session.asked}", question, waiting)
    try:
        yield
        asker = chat(engine, session.history)
        given: Answer | None = None
        for items in pump(lambda: asker.stream(question), lambda: run.stopped):
            for item in items:
                if isinstance(item, str):
                    run.draft += item
                else:
                    given = item
            if given is None:
                yield
        turn = _finished(engine, run, given)
    except RagError as error:
        turn = _failed(run, str(error))
    except Exception:  # a fault of ours must not cost the reader the conversation
        log.exception("a question could not be answered")
        turn = _failed(run, _FAULT)
    finally:
        if session.run is run:
            session.run = None
    if not run.dropped:
        session.turns.append(turn)
        yield


def pump(open_stream: Callable[[], Iterator[Any]], stopped: Callable[[], bool]) -> Iterator[list[Any]]:
    """Yield what the stream delivers, in batches, without ever waiting for it longer than a tick.

    The stream runs in a thread of its own, because a model that is reading its prompt cannot be interrupted: the page
    reacts to Stop at once, and the stream is closed as soon as it gives its next item. Its errors are raised here.
    """
    box: queue.SimpleQueue[Any] = queue.SimpleQueue()
    leave = threading.Event()

    def work() -> None:
        stream: Iterator[Any] = iter(())
        try:
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

    threading.Thread(target=work, name="dateline-answer", daemon=True).start()
    try:
        while not stopped():
            try:
                batch = [box.get(timeout=_TICK)]
            except queue.Empty:
                continue
            while not box.empty():
                batch.append(box.get())
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


def _finished(engine: Engine, run: Run, given: Answer | None) -> Turn:
    if given is None:
        return _failed(run, "Stopped before the answer was checked." if run.stopped else _FAULT)
    body = render.answer(run.uid, run.question, given, _documents(engine, given))
    said = _MARKERS.sub("", given.text)  # numbers of another answer's sources would mislead a follow-up
    return Turn(render.turn(run.uid, run.question, body), given.question, said)


def _failed(run: Run, message: str) -> Turn:
    return Turn(render.turn(run.uid, run.question, render.problem(run.question, message)), run.question)


def _documents(engine: Engine, given: Answer) -> dict[str, Document]:
    documents = {}
    for document_id in {c.document_id for c in given.citations}:
        with contextlib.suppress(RagError):  # removed meanwhile: the quote is shown alone
            documents[document_id] = engine.document(document_id)
    return documents
