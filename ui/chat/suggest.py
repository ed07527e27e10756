"""Suggest questions that the library answers: for an empty conversation, and after an answer.

Each one is really asked, without an answer model, before it is offered. It is offered only if the answer cites the
place that the question was made from. This happens after an answer has been shown, one question at a time, and it waits
while any reader's question is being answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest

from rag import Answer, Chat, Document, Engine, Filters, RagError
from ui.chat.conversations import Conversation
from ui.chat.questions import Proposed, abouts, facts
from ui.chat.related import near as near_passages
from ui.chat.session import Session
from ui.server.queue import waiting

log = logging.getLogger(__name__)
MOST = 3
_LOOKED_AT = 40  # articles, for an empty conversation; the limit keeps the cost the same for large libraries
_CITED = 3  # articles, after an answer
_TRIED = 8  # questions asked for one set of suggestions
_PATIENCE = 60.0  # seconds to wait for the processor
_LOOK = 0.2  # seconds between checks that it is free
_KEPT = 50  # opening sets
_NEAR = 3000  # characters from a cited sentence, within which a name is worth a question
Checked = Callable[[], bool]


class Suggester:
    """Makes suggestions, one set at a time; the opening questions are kept until the library changes."""

    def __init__(self, engine: Engine) -> None:
        """Store the engine of the library."""
        self._engine = engine
        self._lock = asyncio.Lock()
        self._kept: dict[tuple[object, ...], tuple[str, ...]] = {}

    def known(self, filters: Filters | None = None) -> tuple[str, ...] | None:
        """Return the opening questions if they are already made for the library as it is; None if not."""
        return self._kept.get((*self._library(filters).counts(), filters))

    def _library(self, filters: Filters | None) -> Engine:
        """Return the engine of the collection that the reader asks."""
        return self._engine.collection(filters.collection) if filters and filters.collection else self._engine

    async def opening(self, filters: Filters | None, stopped: Checked) -> tuple[str, ...]:
        """Return up to three questions for an empty conversation, of different kinds and articles if possible.

        Args:
            filters: Which articles the reader asks; all when None.
            stopped: Called between questions; if it returns True, nothing more is asked.
        """
        async with self._lock:
            if (known := self.known(filters)) is not None:
                return known
            library = self._library(filters)
            key = (*library.counts(), filters)
            proposed = await asyncio.to_thread(lambda: list(_opening(library, filters)))
            found, complete = await self._sure(_varied(proposed), Conversation(), filters, stopped)
            if complete:
                self._kept = dict([*self._kept.items(), (key, found)][-_KEPT:])
            return found

    async def after(self, conversation: Conversation, filters: Filters | None, stopped: Checked) -> tuple[str, ...]:
        """Return up to three questions that go on from the last answer; the arguments are as in `opening`."""
        given = conversation.turns[-1].answer if conversation.turns else None
        if not given or given.notices:
            return ()
        async with self._lock:
            proposed = await asyncio.to_thread(lambda: _after(self._library(filters), given))
            found = (await self._sure(proposed, conversation, filters, stopped))[0]
            asked = {*_worded(conversation), *(text.casefold() for text in found)}
            return (*found, *(text for text in self.known(filters) or () if text.casefold() not in asked))[:MOST]

    async def complete(
        self,
        session: Session,
        conversation: Conversation,
        filters: Filters | None,
        stopped: Checked,
        offered: Sequence[str] | None,
    ) -> bool:
        """Make the suggestions that a conversation lacks; return whether the page has to be drawn with them.

        It has to be even if they were there before: a page that is loading is drawn more than once, and the drawing
        that arrives last may have been made before they were.

        Args:
            session: The reader's session; it keeps the opening questions.
            conversation: The conversation that is shown.
            filters: Which articles the reader asks.
            stopped: As in `opening`.
            offered: Questions for an empty conversation that are given; made from the library if None.
        """
        try:
            if not conversation.turns:
                before, session.opening = session.opening, ()
                if offered is None:
                    session.opening = await self.opening(filters, stopped)
                return bool(session.opening or before)
            last = conversation.turns[-1]
            if last.next is None and last.answer:
                last.next = await self.after(conversation, filters, stopped)
            return bool(last.next)
        except RagError as error:
            log.info("no suggestions: %s", error)
            return False

    async def _sure(
        self, proposed: Iterable[Proposed], conversation: Conversation, filters: Filters | None, stopped: Checked
    ) -> tuple[tuple[str, ...], bool]:
        """Return the first questions that are surely answered, and whether nothing stopped the search for them."""
        found: list[str] = []
        shown = {(c.document_id, c.start) for t in conversation.turns if t.answer for c in t.answer.citations}
        asked = _worded(conversation)
        with _quoting(self._library(filters)) as engine:
            for tried, one in enumerate(proposed):
                if len(found) == MOST or tried == _TRIED:
                    break
                if one.text in found or one.text.casefold() in asked:
                    continue
                if not await _free(stopped):
                    return tuple(found), False
                chat = Chat(engine, conversation.history)
                answer = await asyncio.to_thread(_asked, chat, one.text, filters)
                if answer and _is_sure(one, answer):
                    cited = {(c.document_id, c.start) for c in answer.citations}
                    if not cited <= shown:  # what has been shown already is no news
                        found.append(one.text)
                        shown |= cited
        return tuple(found), True


def _worded(conversation: Conversation) -> set[str]:
    """Return the questions of a conversation, to compare others with."""
    return {" ".join(turn.asked.casefold().split()) for turn in conversation.turns}


async def _free(stopped: Checked) -> bool:
    """Wait until no question is being answered; return False if the wait was too long or `stopped` says so."""
    until = time.monotonic() + _PATIENCE
    while not stopped():
        if not any(count for model, count in waiting().items() if model != "library"):
            return True
        if time.monotonic() > until:
            return False
        await asyncio.sleep(_LOOK)
    return False


@contextlib.contextmanager
def _quoting(engine: Engine) -> Iterator[Engine]:
    """Give an engine over the same library that answers without a model."""
    if engine.settings.llm == "extractive":
        yield engine
        return
    with engine.using(llm="extractive") as quoting:
        yield quoting


def _asked(chat: Chat, question: str, filters: Filters | None) -> Answer | None:
    try:
        return chat.ask(question, filters)
    except RagError as error:  # a suggestion less; the reader's own question will say what is wrong
        log.info("a suggestion could not be tried: %s", error)
        return None


def _is_sure(one: Proposed, answer: Answer) -> bool:
    """Return whether the answer is to this very question, and cites the place that the question was made from."""
    if answer.abstained or answer.notices or answer.question.split() != one.text.split():
        return False
    return any(
        c.document_id == one.document
        and c.start < one.end
        and one.start < c.end
        and one.says in " ".join(c.quote.split())
        for c in answer.citations
    )


def _opening(engine: Engine, filters: Filters | None) -> Iterator[Proposed]:
    chosen = filters.documents if filters else ()
    ids = chosen or tuple(source.id for source in engine.sources())
    for document in _documents(engine, ids[:_LOOKED_AT]):
        yield from facts(document)
        yield from abouts(document)


def _varied(proposed: Sequence[Proposed]) -> Iterator[Proposed]:
    """Yield the questions so that kinds and articles repeat as late as possible."""
    left = list(proposed)
    order = ("amount", "people", "office", "name", "said", "title")
    seen: set[str] = set()
    while left:
        for kind in order:
            of_kind = [one for one in left if one.kind == kind]
            if one := next((one for one in of_kind if one.document not in seen), next(iter(of_kind), None)):
                seen.add(one.document)
                left.remove(one)
                yield one


def _after(engine: Engine, given: Answer) -> list[Proposed]:
    """Return questions for what stands near the cited sentences: facts and names in turns, the nearest first."""
    places = [(c.document_id, c.start, c.end) for c in (given.citations or near_passages(given.related))]
    near: list[tuple[int, Proposed]] = []
    named: list[Proposed] = []
    for document in _documents(engine, tuple(dict.fromkeys(place[0] for place in places))[:_CITED]):
        cited = [(start, end) for at, start, end in places if at == document.id]
        for one in facts(document):
            away = min(max(one.start - end, start - one.end) for start, end in cited)
            near += [(away, one)] if away >= 0 else []
        around = " ".join(document.text[max(0, start - _NEAR) : end + _NEAR] for start, end in cited)
        named += [one for one in abouts(document) if one.says in around and not _is_about(given.question, one)]
    ranked = [one for _, one in sorted(near, key=lambda pair: pair[0])]
    return [one for pair in zip_longest(ranked, named) for one in pair if one]


def _is_about(question: str, one: Proposed) -> bool:
    """Return whether a question already asks about the name, by its last word."""
    return one.says.split()[-1:] != [] and one.says.split()[-1] in question


def _documents(engine: Engine, ids: Sequence[str]) -> Iterator[Document]:
    for document_id in ids:
        with contextlib.suppress(RagError):  # the article was removed in the meantime
            yield engine.document(document_id)
