"""What an answer cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """How often the answer model was called for an answer, and the tokens that it read and wrote.

    Tokens are those that the model reports, or estimated where it reports none.
    """

    calls: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
