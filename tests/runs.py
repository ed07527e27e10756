"""Small runs with known answers, the comparable parts of a run, and a model that can be interrupted or fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fakes import ROOT, FakeLLM
from llama_index.core.base.llms.types import ChatMessage, ChatResponseGen
from llama_index.core.llms.callbacks import llm_chat_callback
from pydantic import Field

from eval.datasets.dataset import Question
from eval.records import Header, Record, Run
from eval.score.metrics import score
from rag import Answer, Citation, Evidence, Span, Usage

TEXT = "Two boats left the harbour. All of them sank on Friday."
QUOTE = TEXT[:27]
DATA = ROOT / "tests" / "data"


def record(
    name: str,
    text: str | None = "two boats",
    *,
    kind: str = "fact",
    answers: Sequence[str] = ("two boats",),
    due: bool = False,
    support: float = 1.0,
    confidence: float | None = None,
    total: float = 1.0,
    first: float | None = None,
    tokens: int | None = None,
    calls: int = 0,
    question: str = "How many boats left?",
    quote: str = QUOTE,
    title: str = "T",
    **scores: float | None,
) -> Record:
    """Return a question on the first sentence of `TEXT` with its answer, which cites that sentence and is scored.

    Args:
        name: The question's id.
        text: The answer's text without its marker; None for a refusal.
        kind: The question's kind.
        answers: The accepted answers.
        due: Whether the question must be refused.
        support: The support of the citation.
        confidence: The confidence of the answer.
        total: The total seconds.
        first: The seconds to the first word.
        tokens: The tokens of all prompts.
        calls: The calls of the model.
        question: The text of the question.
        quote: The text of the citation and the evidence.
        title: The title of the article.
        **scores: Scores that replace the computed ones.
    """
    place = {"source": "a.txt", "start": 0, "end": 27, "quote": QUOTE}
    values: dict[str, Any] = {"id": name, "kind": kind, "split": "dev", "turns": [question], "keys": []}
    known = {"answers": [], "evidence": []} if due else {"answers": list(answers), "evidence": [[place]]}
    asked = Question.model_validate(values | known)
    shown = Evidence(1, "a.txt", title, quote, 0, 27, 1.0, 1.0, 1.0, "id", Span(0, 55))
    cited = Citation(1, "a.txt", title, quote, 0, 27, support, "id", Span(0, 55))
    answer = Answer(
        question=question,
        text="The articles do not say." if text is None else f"{text} [1]",
        abstained=text is None,
        citations=() if text is None else (cited,),
        evidence=(shown,),
        model="fake",
        timings={"total": total} | ({} if first is None else {"first_token": first}),
        settings_hash="0" * 16,
        confidence=confidence,
        usage=Usage(calls),
    )
    worked_out, valid = score(asked, answer, (shown,), {"id": TEXT}.__getitem__)
    return Record(
        question=asked, answer=answer, ranked=(shown,), scores=worked_out | scores, valid=valid, tokens=tokens
    )


def run(*records: Record, **header: Any) -> Run:
    """Return a run of these records; `header` replaces fields of a default header."""
    values = {
        "system": "dateline",
        "llm": "local",
        "model": "fake",
        "embedding": "fake-embedding",
        "settings_hash": "0123456789abcdef",
        "data": "boats",
        "data_hash": "d" * 64,
        "split": "dev",
        "version": "0.0",
        "started": "2026-01-02T03:04:05+00:00",
    }
    return Run(Header.model_validate(values | header), records)


class Model(FakeLLM):
    """A `FakeLLM` that fires LlamaIndex's callbacks and can be interrupted or fail at certain questions."""

    interrupt_at: str = ""
    fail_at: list[str] = Field(default_factory=list)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        asked = messages[-1].content or ""
        if self.interrupt_at and self.interrupt_at in asked:
            raise KeyboardInterrupt
        if any(words in asked for words in self.fail_at):
            raise ConnectionError("no route to host")
        return super().stream_chat(messages, **kwargs)


def but_times(run: Run) -> list[dict[str, Any]]:
    """Return the records without their timings, which differ in every run."""
    return [
        {**record.model_dump(), "answer": {**record.model_dump()["answer"], "timings": None}} for record in run.records
    ]


def ids(run: Run) -> list[str]:
    return [record.question.id for record in run.records]
