"""Turn evidence into a `Draft`: the answer model's reply, or the words or the sentence that the reader found."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from rag.errors import LLMError
from rag.language.amounts import with_limits, with_unit
from rag.language.questions import Form, form, lacks_reason
from rag.language.readable import readable
from rag.language.words import content_terms
from rag.models.prompts import UNKNOWN, answer_messages
from rag.types import Draft, Evidence

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage

# Yields (text so far, mean token probability so far, likeliest first tokens) for messages.
Stream: TypeAlias = "Callable[[Sequence[ChatMessage]], Iterator[tuple[str, float | None, Mapping[str, float]]]]"
MAX_ANSWER_CHARS = 1500  # of a small model's reply: its prompt asks for a few words
_IN_WORDS = 0.7  # how likely the reader's words must be the answer to be given instead of their sentence
# What the reader's certainty, as log odds, counts beside a sentence's score.
_SURENESS, _NEVER = 0.15, 1e-4
_PURPOSE = re.compile(r"(?:to|for|by|because)\b", re.IGNORECASE)


def extract(question: str, evidence: Sequence[Evidence]) -> Draft:
    """Return the words that the reader found if few are asked for and it is sure of them, else the best sentence.

    If a reason is asked for and the best sentence gives none, the sentence after it is given as well.

    Args:
        question: The question; empty for the sentence in any case.
        evidence: Sentences, best first.
    """
    if not evidence:
        return Draft("", "extractive")
    best = evidence[0]
    if question and form(question) is Form.SHORT:
        sure = _surest(evidence)
        if sure.sure >= _IN_WORDS:
            words = with_limits(question, sure.words, sure.text)
            return Draft(with_unit(words, sure.text), "extractive")
        best = max(evidence, key=_score)
    told = [best]
    if lacks_reason(question, best.text):
        told += [e for e in evidence[1:2] if e.document_id == best.document_id and e.start >= best.end]
    return Draft(" ".join(readable(e.text) for e in told), "extractive")


def _score(e: Evidence) -> float:
    sure = min(max(e.sure, _NEVER), 1 - _NEVER)
    return e.score + _SURENESS * math.log(sure / (1 - sure))


def _surest(evidence: Sequence[Evidence]) -> Evidence:
    return max(evidence, key=lambda e: e.sure)


def repeated(question: str, said: str, evidence: Sequence[Evidence]) -> Evidence | None:
    """Return the sentence that a model repeats when it is asked for a reason, if that sentence gives none.

    Some words of it are enough: they are shown in their sentence. Words such as "to see her" are a reason themselves.
    """
    told = set(content_terms(said))
    if not told or _PURPOSE.match(said):
        return None
    found = next((e for e in evidence if told <= set(content_terms(e.text))), None)
    return found if found and lacks_reason(question, found.text) else None


def generate(
    question: str,
    evidence: Sequence[Evidence],
    stream: Stream,
    model: str,
    form: Form,
    earlier: Sequence[tuple[str, str]] = (),
    without: Sequence[Evidence] = (),
    most: int = MAX_ANSWER_CHARS,
) -> Iterator[str | Draft]:
    """Yield the model's words as they arrive, then the `Draft`.

    Args:
        question: The stand-alone question, or a part of it.
        evidence: The sentences shown to the model.
        stream: The answer model.
        model: The model's name.
        form: The question's form.
        earlier: Parts that were answered already, with the model's replies.
        without: Sentences in which the model did not find the answer.
        most: The characters of the longest reply that is used.

    Raises:
        LLMError: The model failed, or its reply is far too long.
    """
    yield from spoken(stream(answer_messages(question, evidence, form, earlier, without)), model, most)


def spoken(
    pieces: Iterator[tuple[str, float | None, Mapping[str, float]]], model: str, most: int
) -> Iterator[str | Draft]:
    """Yield a model's words as they arrive, then the `Draft`.

    Args:
        pieces: What the model streams.
        model: Its name.
        most: The characters of the longest reply that is used.

    Raises:
        LLMError: The model failed, or its reply is far too long.
    """
    text, confidence, unknown = "", None, None
    for so_far, probability, first in pieces:
        delta, text, confidence = so_far[len(text) :], so_far, probability
        if unknown is None and first:
            unknown = sum(p for token, p in first.items() if _begins_unknown(token))
        if delta:
            yield delta
        if len(text) > most:  # a shortened reply would be a cut answer
            raise LLMError(
                f"the answer model's reply has more than {most:,} characters and is not used; "
                "ask for less, or set another model in llm"
            )
    yield Draft(text=text.strip(), model=model, confidence=confidence, unknown=unknown)


def _begins_unknown(token: str) -> bool:
    word = token.strip().lower()
    return len(word) > 1 and UNKNOWN.startswith(word)
