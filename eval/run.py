"""A run: every question asked, scored and summed up."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval import metrics
from eval.dataset import Question
from rag import Answer, Chat, Engine, Settings, seeds_folder


@dataclass(frozen=True)
class Result:
    """A question with its answer and scores."""

    question: Question
    answer: Answer
    correct: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {
            "id": self.question.id,
            "kind": self.question.kind,
            "turns": list(self.question.turns),
            "expected": list(self.question.answers),
            "correct": self.correct,
            "answer": self.answer.to_dict(),
        }


def run(
    questions: Sequence[Question], settings: Settings, done: Callable[[Result], None] | None = None
) -> list[Result]:
    """Ask every question of an engine over the shipped articles, in a store made for this run.

    Args:
        questions: What is asked. A conversation's earlier turns are asked first and not scored.
        settings: The engine's settings; the store is replaced.
        done: Called after each question.
    """
    with tempfile.TemporaryDirectory(prefix="dateline-eval-") as folder:
        own = settings.model_copy(update={"store": Path(folder) / "store"})
        with Engine(own) as engine:
            engine.ingest(seeds_folder())
            engine.warm_up()
            results = []
            for question in questions:
                chat = Chat(engine)
                answers = [chat.ask(turn) for turn in question.turns]
                result = Result(question, answers[-1], metrics.correct(question, answers[-1]))
                results.append(result)
                if done:
                    done(result)
    return results


def summary(results: Sequence[Result]) -> dict[str, float]:
    """Return the figures of a run; a figure over no question is NaN.

    Times are seconds: `latency` from question to checked answer, `first_token` to the model's first word.
    """
    asked = [r for r in results if not r.question.must_refuse]
    refusable = [r for r in results if r.question.must_refuse]
    answered = [r for r in asked if not r.answer.abstained]
    abstained = [r for r in results if r.answer.abstained]
    precision = (metrics.citation_precision(r.question, r.answer) for r in answered)
    latencies = [r.answer.timings["total"] for r in results]
    first = [r.answer.timings["first_token"] for r in results if "first_token" in r.answer.timings]
    return {
        "questions": len(results),
        "correct_answerable": _mean(r.correct for r in asked),
        "exact_match": _mean(metrics.exact_match(metrics.plain(r.answer), r.question.answers) for r in asked),
        "token_f1": _mean(metrics.token_f1(metrics.plain(r.answer), r.question.answers) for r in asked),
        "evidence_recall@1": _mean(metrics.evidence_recall(r.question, r.answer, 1) for r in asked),
        "evidence_recall@3": _mean(metrics.evidence_recall(r.question, r.answer, 3) for r in asked),
        "evidence_recall@5": _mean(metrics.evidence_recall(r.question, r.answer, 5) for r in asked),
        "citation_precision": _mean(p for p in precision if p is not None),
        "citation_recall": _mean(metrics.citation_recall(r.question, r.answer) for r in answered),
        "over_refusal": _mean(r.answer.abstained for r in asked),
        "refused_of_must_refuse": _mean(r.answer.abstained for r in refusable),
        "abstention_precision": _mean(r.question.must_refuse for r in abstained),
        "latency_p50": _quantile(latencies, 0.5),
        "latency_p95": _quantile(latencies, 0.95),
        "first_token_p50": _quantile(first, 0.5),
    }


def by_kind(results: Sequence[Result]) -> dict[str, tuple[int, int]]:
    """Return for each kind how many answers are right and how many questions there are."""
    kinds = dict.fromkeys(r.question.kind for r in results)
    return {
        k: (sum(r.correct for r in results if r.question.kind == k), sum(r.question.kind == k for r in results))
        for k in kinds
    }


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return float(np.mean(found)) if found else float("nan")


def _quantile(values: Sequence[float], q: float) -> float:
    return float(np.quantile(values, q)) if values else float("nan")
