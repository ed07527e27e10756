"""A conversation: follow-ups are rewritten as stand-alone questions and answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence

from rag.answering.again import more, shorter, sources
from rag.answering.composed import SAID
from rag.answering.known import unasked
from rag.answering.route import Route
from rag.answering.talk import NO_ANSWER_LAST, NO_ANSWER_YET, TALK
from rag.answering.verify import unmarked
from rag.engine import Engine
from rag.language.questions import own_words
from rag.language.words import content_terms, fold, terms
from rag.models.prompts import rewrite_messages
from rag.types import Answer, Filters

HISTORY = 4  # turns that a follow-up may refer to
_ABOUT_LAST = (Route.MORE, Route.SHORTER, Route.SURE)
_OF_ALL = (*SAID, Route.LIBRARY, Route.LIST)  # refer to nothing that was said
_NEAR = 8  # sentences among which there may be more about a question
_LEANS_BACK = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs|that|this|those|these|there|then|former|latter|same)\b"
    r"|^(?:and|but|or|so|no|why|how so|since when|until when|who else|what else|what about|how about|which one"
    r"|are you sure)\b"
    r"|\bthe other\b|\belse\b|\binstead\b"
)
# In a message about articles, "there" and "that" often refer to nothing: "Which articles are there?"
_MEANS_LAST = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs)\b|^(?:and|but|or|what about|how about)\b"
    r"|\b(?:this|that|the same) (?:article|report|story|piece|paper|one)\b"
)
_CAPITALISED = r"[^\W\d_a-z][\w.-]+"
_NAME = re.compile(rf"\b{_CAPITALISED}(?: (?:(?:de|del|da|la|van|von|al|bin|of|the) )*{_CAPITALISED})*")
_INSTEAD = re.compile(
    r"(?i:(?:and|or|but|(?:and )?(?:what|how) about) (?:(?:for|in|with|to|by|of|from|on|at) )?(?:the )?)"
    rf"(?P<name>{_NAME.pattern})\s*\?*"
)
_SHORT = 2  # a question with fewer content words than this refers to the conversation


class Chat:
    """A conversation with an engine. Use one object for each reader; the engine may be shared.

    Args:
        engine: The engine that answers; by default the process's engine with default settings.
        history: Earlier (question, answer text) pairs, oldest first.
    """

    def __init__(self, engine: Engine | None = None, history: Sequence[tuple[str, str]] = ()) -> None:
        """Begin a conversation; see the class for the arguments."""
        if engine is None:
            from rag.shared_engine import engine as default_engine  # opens the store, so only when a chat is created

            engine = default_engine()
        self.engine = engine
        self.history: list[tuple[str, str]] = list(history)[-HISTORY:]

    def __repr__(self) -> str:
        turns = "1 turn" if len(self.history) == 1 else f"{len(self.history)} turns"
        return f"Chat({self.engine!r}, {turns})"

    def ask(self, question: str, filters: Filters | None = None) -> Answer:
        """Answer a question as part of the conversation; the errors are those of `Engine.answer`."""
        answer = None
        for part in self.stream(question, filters):
            answer = part
        assert isinstance(answer, Answer)  # the last part always is
        return answer

    def stream(self, question: str, filters: Filters | None = None) -> Iterator[str | Answer]:
        """Yield the model's words as they arrive, unchecked, then the checked `Answer`."""
        if again := self._again(self.engine.checked(question), filters):
            yield again
            return
        alone, wordings = self._worded(self.engine.checked(question))
        for part in self.engine.stream(alone, filters, wordings=wordings):
            if isinstance(part, Answer):
                self._remember(part)
            yield part

    async def aask(self, question: str, filters: Filters | None = None) -> Answer:
        """Answer without blocking the event loop; see `ask`."""
        return await asyncio.to_thread(self.ask, question, filters)

    async def astream(self, question: str, filters: Filters | None = None) -> AsyncIterator[str | Answer]:
        """Stream without blocking the event loop; see `stream`."""
        if again := await asyncio.to_thread(self._again, self.engine.checked(question), filters):
            yield again
            return
        alone, wordings = await asyncio.to_thread(self._worded, self.engine.checked(question))
        async for part in self.engine.astream(alone, filters, wordings=wordings):
            if isinstance(part, Answer):
                self._remember(part)
            yield part

    def stand_alone(self, question: str) -> str:
        """Return the question rewritten so that it can be understood without the conversation."""
        return self._worded(question)[0]

    def _again(self, message: str, filters: Filters | None) -> Answer | None:
        """Return what answers a greeting, or a message about the answer before; None if it is a question."""
        asks = self.engine.asks(message)
        if asks in SAID:
            return self.engine.answer(message, filters)
        if asks not in _ABOUT_LAST:
            return None
        earlier, said = self.history[-1] if self.history else ("", "")
        if not said:
            return unasked(message, NO_ANSWER_LAST if earlier else NO_ANSWER_YET, self.engine.settings.hash, TALK)
        answer = self.engine.answer(earlier, filters)
        if answer.abstained:
            return None
        if asks is Route.MORE:
            return more(answer, message, self.engine.retrieve(earlier, _NEAR, filters))
        return shorter(answer, message) if asks is Route.SHORTER else sources(answer, message)

    def _worded(self, question: str) -> tuple[str, list[str]]:
        """Return the stand-alone question, and other wordings to search for evidence with."""
        if not self.history or not self._refers(question):
            return question, []
        if other := put_instead(question, self.history[-1][0]):
            return other, []
        both = f"{question} ({_context(self.history)})"
        joined = both if len(both) <= self.engine.settings.max_question_chars else question
        rewritten = self.engine.complete(rewrite_messages(self.history, question))
        # A rewriting that adds nothing, or only repeats the question before, is not used.
        nothing = (terms(question), terms(self.history[-1][0]))
        if rewritten and terms(rewritten) not in nothing and "\n" not in rewritten and _keeps(question, rewritten):
            return rewritten, [joined]
        return joined, []

    def _refers(self, question: str) -> bool:
        """Return whether a message refers to what was said before."""
        asks = self.engine.asks(question)
        if asks in (Route.ANSWER, *_ABOUT_LAST):
            return leans_back(question)
        return asks not in _OF_ALL and bool(_MEANS_LAST.search(fold(question).strip()))

    def _remember(self, answer: Answer) -> None:
        # A refusal says nothing that a follow-up could refer to.
        text = "" if answer.abstained else unmarked(answer.text)
        self.history = [*self.history, (answer.question, text)][-HISTORY:]


def _keeps(question: str, rewritten: str) -> bool:
    """Return whether a rewritten question keeps enough of the follow-up's words and is not too long."""
    own, kept = set(content_terms(question)), set(content_terms(rewritten))
    return len(own & kept) >= 0.5 * len(own) and len(rewritten) <= 300


def _context(history: Sequence[tuple[str, str]]) -> str:
    """Return the words to search with that the questions before add to a follow-up.

    They are the last question and, while that has no word that means anything ("Where to?"), the ones before it, each
    without what it took from others.
    """
    own = [own_words(question) for question, _ in history]
    first = len(own) - 1
    while first and not content_terms(" ".join(own[first:])):
        first -= 1
    return " ".join(own[first:])


def put_instead(question: str, earlier: str) -> str | None:
    """Return the earlier question with its only name replaced, if the follow-up asks for that.

    "And Kovic?" after "Where was Brandt?" asks where Kovic was. None for everything else.

    Args:
        question: The follow-up.
        earlier: The question before it, in its stand-alone form.
    """
    other = _INSTEAD.fullmatch(question.strip())
    # The first word is capitalised because of its position.
    first = len(earlier.split(" ", 1)[0])
    found = [name for name in _NAME.finditer(earlier) if name.start() > first]
    if other is None or len(found) != 1 or not content_terms(other["name"]):
        return None
    return earlier[: found[0].start()] + other["name"] + earlier[found[0].end() :]


def leans_back(question: str) -> bool:
    """Return whether a question refers to what was said before."""
    return bool(_LEANS_BACK.search(fold(question).strip())) or len(content_terms(question)) < _SHORT
