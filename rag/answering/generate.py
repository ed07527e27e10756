"""Evidence to a `Draft`: what the answer model says, or without one the best sentence itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from llama_index.core.base.llms.types import ChatMessage

from rag.errors import LLMError
from rag.language.questions import Form
from rag.models.prompts import UNKNOWN, answer_messages
from rag.types import Draft, Evidence

# Gives (text so far, mean token probability so far, likeliest first tokens) for messages.
Stream = Callable[[Sequence[ChatMessage]], Iterator[tuple[str, float | None, Mapping[str, float]]]]
MAX_ANSWER_CHARS = 1500


def extract(evidence: Sequence[Evidence]) -> Draft:
    """Return the best evidence sentence, verbatim."""
    return Draft(text=" ".join(evidence[0].text.split()) if evidence else "", model="extractive")


def generate(
    question: str,
    evidence: Sequence[Evidence],
    stream: Stream,
    model: str,
    form: Form,
    earlier: Sequence[tuple[str, str]] = (),
    without: Sequence[Evidence] = (),
) -> Iterator[str | Draft]:
    """Yield the model's words as they come, and last the `Draft`.

    Args:
        question: The stand-alone question, or a part of it.
        evidence: What the model is shown.
        stream: The answer model.
        model: The model's name.
        form: The question's form.
        earlier: Parts that were answered before, with the model's words.
        without: Sentences in which it did not find the answer.

    Raises:
        LLMError: The model failed, or says far too much.
    """
    text, confidence, unknown = "", None, None
    for so_far, probability, first in stream(answer_messages(question, evidence, form, earlier, without)):
        delta, text, confidence = so_far[len(text) :], so_far, probability
        if unknown is None and first:
            unknown = sum(p for token, p in first.items() if _begins_unknown(token))
        if delta:
            yield delta
        if len(text) > MAX_ANSWER_CHARS:  # what was asked for is a few words; half of this would be a cut answer
            raise LLMError(
                f"the answer model's reply has more than {MAX_ANSWER_CHARS:,} characters and is not used; "
                "ask for less, or set another model in llm"
            )
    yield Draft(text=text.strip(), model=model, confidence=confidence, unknown=unknown)


def _begins_unknown(token: str) -> bool:
    word = token.strip().lower()
    return len(word) > 1 and UNKNOWN.startswith(word)
