"""Turn evidence into a `Draft`: the answer model's reply, or the best sentence if there is no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from llama_index.core.base.llms.types import ChatMessage

from rag.errors import LLMError
from rag.language.characters import usual
from rag.language.questions import Form
from rag.models.prompts import UNKNOWN, answer_messages
from rag.types import Draft, Evidence

# Yields (text so far, mean token probability so far, likeliest first tokens) for messages.
Stream = Callable[[Sequence[ChatMessage]], Iterator[tuple[str, float | None, Mapping[str, float]]]]
MAX_ANSWER_CHARS = 1500  # of a small model's reply: its prompt asks for a few words


def extract(evidence: Sequence[Evidence]) -> Draft:
    """Return the best evidence sentence."""
    return Draft(text=" ".join(usual(evidence[0].text).split()) if evidence else "", model="extractive")


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
