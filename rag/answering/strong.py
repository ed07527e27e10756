"""Answer with a strong model: one call over passages, and the judge reads each statement of the reply."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag.answering.asked import Asked
from rag.answering.generate import spoken
from rag.answering.markup import plain_lines
from rag.answering.signals import Weighed
from rag.answering.statements import Checker
from rag.answering.verify import Verdict, finds_nothing, refusal
from rag.models.profile import profile_of
from rag.models.runtime import Models
from rag.models.strong_prompt import strong_messages
from rag.retrieve.context import passages
from rag.types import Draft, Evidence


@dataclass(frozen=True, slots=True)
class Written:
    """A model's reply, the sentences that it was shown, and what is left after checking."""

    draft: Draft
    evidence: tuple[Evidence, ...]
    verdict: Verdict
    weighed: Weighed | None = None  # the least likely part


def write(asked: Asked, models: Models, checker: Checker) -> Iterator[str | Written]:
    """Yield the model's words as they arrive, unchecked, then what the judge leaves of them.

    Args:
        asked: The question with its hits.
        models: The models of an engine.
        checker: Lets the judge read statements.

    Raises:
        ModelMissingError: The model's weights are missing.
        LLMError: The model failed.
    """
    found = [asked.hits, *asked.others]
    shown = passages(found, profile_of(models.settings, is_local=False).evidence_tokens)
    asked.took("retrieve")
    if not shown:
        yield Written(Draft("", "none"), (), refusal())
        return
    generating = time.perf_counter()
    draft = Draft("", "none")
    for part in _spoken(asked, models, shown):
        if isinstance(part, Draft):
            draft = part
        else:
            yield part
    asked.took("generate", generating)
    checking = time.perf_counter()
    written = _checked(asked, draft, shown, checker)
    asked.took("verify", checking)
    yield written


def _spoken(asked: Asked, models: Models, shown: Sequence[Sequence[Evidence]]) -> Iterator[str | Draft]:
    name = models.llm().metadata.model_name
    most = profile_of(models.settings, is_local=False).answer_chars
    for part in spoken(asked.meter(strong_messages(asked.question, shown)), name, most):
        if "first_token" not in asked.timings:
            asked.took("first_token")
        yield part


def _checked(asked: Asked, draft: Draft, shown: Sequence[Sequence[Evidence]], checker: Checker) -> Written:
    sentences = (sentence for passage in shown for sentence in passage)
    evidence = tuple(replace(sentence, rank=rank) for rank, sentence in enumerate(sentences, 1))
    if finds_nothing(asked.question, " ".join(plain_lines(draft.text))):
        return Written(draft, evidence, refusal(), Weighed(refusal(), 0.0, {}))
    verdict, least, absent = checker.answer(asked.question, draft, shown, asked.filters, asked.read)
    notices = (f"The model did not find everything: {' '.join(absent)}",) if absent else ()
    weighed = Weighed(verdict, least.probability if least else 0.0, dict(least.signals) if least else {})
    return Written(replace(draft, notices=notices), evidence, verdict, weighed)
