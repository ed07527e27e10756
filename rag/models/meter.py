"""Count the calls of the answer model and their tokens while a question is answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rag.models.profile import estimated_tokens
from rag.models.runtime import Models
from rag.types import Usage

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage


class Meter:
    """Asks the answer model, and counts calls and tokens.

    Args:
        models: The models of an engine.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self.usage = Usage()

    def __call__(self, messages: Sequence[ChatMessage]) -> Iterator[tuple[str, float | None, dict[str, float]]]:
        """Yield what the answer model says; see `rag.models.reply.stream_chat`."""
        reported: list[tuple[int, int]] = []
        text = ""
        try:
            for piece in self._models.stream(messages, count=reported.append):
                text = piece[0]
                yield piece
        finally:
            asked = sum(estimated_tokens(m.content or "") for m in messages)
            read, wrote = reported[-1] if reported else (asked, estimated_tokens(text))
            before = self.usage
            self.usage = Usage(before.calls + 1, before.prompt_tokens + read, before.answer_tokens + wrote)
