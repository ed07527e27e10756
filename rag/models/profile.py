"""What a kind of answer model is given: a small one a few sentences, a strong one passages with title and date."""

from __future__ import annotations

from dataclasses import dataclass

from rag.settings import Settings

_FEW = 5  # sentences up to which only those near the best score are worth the time that a small model takes to read
_SENTENCE_TOKENS = 75
_CHARS, _MOST_CHARS = 4, 6  # characters of a token, in most languages written with letters: the mean, and the most


@dataclass(frozen=True, slots=True)
class Profile:
    """The budgets of a kind of answer model.

    `strong` models read numbered passages and write as many sentences as a question needs; the others read a few
    sentences and copy words from them. `evidence` is the number of sentences that those read, at most, `worth` the
    share of the best score that a sentence needs. `evidence_tokens` and `answer_tokens` are estimates of the most
    tokens shown and said.
    """

    strong: bool
    evidence: int
    worth: float
    evidence_tokens: int
    answer_tokens: int

    @property
    def evidence_chars(self) -> int:
        """The most characters of evidence."""
        return _CHARS * self.evidence_tokens

    @property
    def answer_chars(self) -> int:
        """The characters of the longest reply that is used; tokens of some words are long."""
        return _MOST_CHARS * self.answer_tokens


def profile_of(settings: Settings, is_local: bool) -> Profile:
    """Return the profile that suits an answer model.

    Args:
        settings: `profile`, `evidence`, `evidence_tokens` and `answer_tokens` are read.
        is_local: Whether the model runs in this process.
    """
    strong = settings.profile == "strong" or (settings.profile == "auto" and not is_local)
    few = settings.evidence
    return Profile(
        strong=strong,
        evidence=few,
        worth=0.8 * min(1.0, _FEW / few),
        evidence_tokens=settings.evidence_tokens or (3000 if strong else _SENTENCE_TOKENS * max(few, _FEW)),
        answer_tokens=settings.answer_tokens or (800 if strong else 160),
    )


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text has; a character of a script without spaces counts as one."""
    wide = sum(character >= "\u2e80" for character in text)
    return wide + (len(text) - wide + _CHARS - 1) // _CHARS


def is_extractive(settings: Settings) -> bool:
    """Return whether the settings ask for no model, so that the best evidence sentence is the answer."""
    return settings.llm == "extractive"
