"""Evidence to a `Draft`: what the answer model says, or without one the best sentence itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from llama_index.core.base.llms.types import ChatMessage

from rag.prompts import answer_messages
from rag.types import Draft, Evidence

Stream = Callable[[Sequence[ChatMessage]], Iterator[tuple[str, float | None]]]
MAX_ANSWER_CHARS = 1500


def extract(evidence: Sequence[Evidence]) -> Draft:
    """Return the best evidence sentence, verbatim."""
    return Draft(text=" ".join(evidence[0].text.split()) if evidence else "", model="extractive")


def generate(question: str, evidence: Sequence[Evidence], stream: Stream, model: str) -> Iterator[str | Draft]:
    """Yield the model's words as they come, and last the `Draft`.

    Args:
        question: The stand-alone question.
        evidence: What the model is shown.
        stream: Gives (text so far, mean token probability so far) for messages.
        model: The model's name.

    Raises:
        LLMError: The model failed.
    """
    text, confidence = "", None
    for so_far, probability in stream(answer_messages(question, evidence)):
        delta, text, confidence = so_far[len(text) :], so_far, probability
        if delta:
            yield delta
        if len(text) > MAX_ANSWER_CHARS:
            break
    yield Draft(text=text.strip(), model=model, confidence=confidence)
