"""The metrics of the eval suite: scores, figures, reports and floors all come from the table `METRICS`.

To add a metric, add a `Metric` to the table, and a row to the table in docs/eval.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.datasets.dataset import Question
from eval.records import Record, Run
from eval.score import formulas
from eval.score.figures import (
    Figure,
    Statistic,
    abstention,
    agreement,
    conversations,
    kappa,
    mean,
    quantile,
    risk_area,
    sure_claims,
)
from eval.score.metric import Case, Metric
from rag import Answer, Evidence


def score(
    question: Question, answer: Answer, ranked: Sequence[Evidence], read: Callable[[str], str]
) -> tuple[dict[str, float | None], tuple[bool, ...]]:
    """Return every score of a question by name, and for each citation whether it is verbatim.

    Args:
        question: The question with its accepted answers and evidence.
        answer: The answer to score.
        ranked: The retrieval ranking, best first.
        read: Returns the text of the document with an id; if a document cannot be read, its citations are invalid.
    """
    valid = tuple(formulas.verbatim(citation, read) for citation in answer.citations)
    case = Case(question, answer, ranked, valid)
    return {metric.name: metric.score(case) for metric in METRICS if metric.score}, valid


def figures(run: Run, seed: int = 0) -> dict[str, Figure]:
    """Return the figures of a run by name, always the same for the same seed.

    A judge's figures are included only if it judged the run.
    """
    shown = [metric for metric in METRICS if metric.group and metric.known(run.records)]
    return {metric.name: metric.of_run(run.records, seed) for metric in shown}


def by_kind(run: Run, seed: int = 0) -> dict[str, Figure]:
    """Return the share of right answers for each kind of question, in the order of the run."""
    kinds: dict[str, list[float | None]] = {}
    for record in run.records:
        kinds.setdefault(record.question.kind, []).append(record.scores.get("correct"))
    return {kind: mean(values, seed) for kind, values in kinds.items()}


def find(name: str) -> Metric | None:
    """Return the metric with this name, or None if it is unknown, as in a run file of another version."""
    return next((metric for metric in METRICS if metric.name == name), None)


def lower_is_better(name: str) -> bool:
    """Return whether a floor for the metric with this name is a maximum."""
    metric = find(name)
    return metric is not None and metric.lower_is_better


def compared(records: Sequence[Record]) -> dict[str, Metric]:
    """Return the metrics for comparing runs with these records question by question."""
    return {
        metric.name: metric
        for metric in METRICS
        if metric.compared and (metric.value or not metric.figure) and metric.known(records)
    }


def _if_scored(formula: Callable[[Case], float | None]) -> Callable[[Case], float | None]:
    """Apply a formula to all but questions for retrieval only, which have no answer key."""
    return lambda case: formula(case) if case.question.has_answer_key else None


def _if_asked(formula: Callable[[Case], float | None]) -> Callable[[Case], float | None]:
    """Apply a formula to what asks for a fact: to all with an answer key but talk."""
    return lambda case: formula(case) if case.question.has_answer_key and not case.question.is_talk else None


def _if_answered(formula: Callable[[Case], float | None]) -> Callable[[Case], float | None]:
    """Apply a formula to answers to answerable questions with gold evidence, not to refusals."""
    return lambda case: (
        formula(case) if case.question.answers and case.question.evidence and not case.answer.abstained else None
    )


def _ranking(name: str) -> Callable[[Case], float | None]:
    return lambda case: case.retrieval[name]


def _answerable(name: str) -> Callable[[Record], float | None]:
    """Read a score for answerable questions only."""
    return lambda record: record.scores.get(name) if record.question.answers else None


def _seconds(timing: str) -> Callable[[Record], float | None]:
    return lambda record: record.answer.timings.get(timing)


def _quantile(value: Callable[[Record], float | None], q: float) -> Statistic:
    return lambda records, seed: quantile(map(value, records), q, seed)


def _tokens(record: Record) -> float | None:
    return record.tokens


def _calls(record: Record) -> float | None:
    return record.answer.usage.calls or None


_ABSTENTION = "Share of refusals that were due; recall is the share of due refusals made."
_RECALL_AT = "Share of needed evidence in the first k of the ranking."
_LATENCY = "Seconds from the question to the checked answer, models warm."
_FIRST_TOKEN = "Seconds to the model's first word."
_JUDGE = "What a model as judge says; agreement and Cohen's kappa hold it against the rules used here."


def _judge(name: str, label: str) -> tuple[Metric, ...]:
    """Return the metrics of a judge's score from eval/score/judge.py: the score and its agreement with `correct`."""
    return (
        Metric(name, label, _JUDGE, "Judge", needs=name),
        Metric(f"{name}_agreement", f"{label} agreement", _JUDGE, "Judge", figure=agreement(name), needs=name),
        Metric(f"{name}_kappa", f"{label} kappa", _JUDGE, "Judge", figure=kappa(name), needs=name),
    )


# Scores, figures and comparisons use this order, and so does each group of a report.
METRICS: tuple[Metric, ...] = (
    Metric(
        "correct",
        "Correct",
        "Whether the answer holds what a right one must, or what must be refused was refused.",
        None,
        score=_if_scored(lambda case: float(formulas.correct(case.question, case.answer))),
    ),
    Metric(
        "correct_answerable",
        "Answered right",
        "Share of the questions that the articles answer whose answer holds what a right one must.",
        "Answers",
        value=_answerable("correct"),
    ),
    Metric(
        "conversations_right",
        "Conversations right",
        "Share of the conversations in which every scored turn is right.",
        "Answers",
        figure=conversations,
    ),
    Metric(
        "refused_of_must_refuse",
        "Refused where due",
        "Share of the questions that the articles do not answer that were refused.",
        "Refusals",
        value=lambda record: record.scores.get("refused") if record.question.must_refuse else None,
    ),
    Metric(
        "over_refusal",
        "Refused needlessly",
        "Share of the questions that the articles answer that were refused.",
        "Refusals",
        lower_is_better=True,
        value=_answerable("refused"),
    ),
    Metric("abstention_precision", "Refusal precision", _ABSTENTION, "Refusals", figure=abstention(0)),
    Metric("abstention_recall", "Refusal recall", _ABSTENTION, "Refusals", figure=abstention(1)),
    Metric("abstention_f1", "Refusal F1", _ABSTENTION, "Refusals", figure=abstention(2)),
    Metric(
        "exact_match",
        "Exact match",
        "Share of those whose answer is an accepted one but for case, punctuation and articles (SQuAD).",
        "Answers",
        score=_if_asked(lambda case: formulas.exact_match(case.text, case.question.answers)),
        value=_answerable("exact_match"),
    ),
    Metric(
        "token_f1",
        "Token F1",
        "Words shared with the nearest accepted answer: harmonic mean of precision and recall (SQuAD).",
        "Answers",
        score=_if_asked(lambda case: formulas.token_f1(case.text, case.question.answers)),
        value=_answerable("token_f1"),
    ),
    Metric(
        "gold_recall",
        "Gold answer recall",
        "Share of an accepted answer's words that the answer holds.",
        "Answers",
        score=lambda case: formulas.gold_recall(case.text, case.question.answers) if case.question.answers else None,
        value=_answerable("gold_recall"),
    ),
    Metric("evidence_recall@1", "Evidence recall@1", _RECALL_AT, "Retrieval", score=_ranking("evidence_recall@1")),
    Metric(
        "evidence_recall@3",
        "Evidence recall@3",
        _RECALL_AT,
        "Retrieval",
        score=_ranking("evidence_recall@3"),
        compared=False,  # recall at 1 and at 5 is compared
    ),
    Metric("evidence_recall@5", "Evidence recall@5", _RECALL_AT, "Retrieval", score=_ranking("evidence_recall@5")),
    Metric(
        "reciprocal_rank",
        "MRR",
        "One over the rank of the first needed evidence, on average.",
        "Retrieval",
        score=_ranking("reciprocal_rank"),
    ),
    Metric(
        "ndcg@10",
        "nDCG@10",
        "Discounted gain of the needed evidence in the first ten, as a share of the best possible.",
        "Retrieval",
        score=_ranking("ndcg@10"),
    ),
    Metric(
        "citation_precision",
        "Citation precision",
        "Share of cited sentences that state needed evidence, over answered questions.",
        "Citations",
        score=_if_answered(lambda case: formulas.citation_precision(case.question, case.answer)),
    ),
    Metric(
        "citation_recall",
        "Citation recall",
        "Share of needed evidence that a cited sentence states, over answered questions.",
        "Citations",
        score=_if_answered(lambda case: formulas.citation_recall(case.question, case.answer)),
    ),
    Metric(
        "citation_support",
        "Citation support",
        "Share of an answer's words that stand in the quotes cited for them.",
        "Citations",
        score=_if_asked(lambda case: formulas.citation_support(case.answer)),
    ),
    Metric(
        "offset_validity",
        "Quotes verbatim",
        "Share of quotes that are the article's text, character for character, at their offsets.",
        "Citations",
        score=_if_scored(lambda case: sum(case.valid) / len(case.valid) if case.valid else None),
    ),
    Metric(
        "refused",
        "Refused",
        "Whether the question was refused.",
        None,
        score=_if_asked(lambda case: float(case.answer.abstained)),
        compared=False,  # includes refusals due and not due, so neither more nor fewer is better
    ),
    Metric(
        "claims_right@0.9",
        "Right at support ≥ 0.9",
        "Share of claims shown with a support of 0.9 or more that stand in a right answer.",
        "Citations",
        figure=sure_claims,
    ),
    Metric(
        "aurc",
        "Area under risk-coverage",
        "Mean share of wrong answers when only the most confident count, from one to all; refused ones count last, "
        "as wrong.",
        "Refusals",
        lower_is_better=True,
        figure=risk_area,
    ),
    Metric("latency", "Time", _LATENCY, None, "seconds", lower_is_better=True, value=_seconds("total")),
    Metric(
        "latency_p50",
        "Time, median",
        _LATENCY,
        "Time and cost",
        "seconds",
        lower_is_better=True,
        figure=_quantile(_seconds("total"), 0.5),
    ),
    Metric(
        "latency_p95",
        "Time, 95th percentile",
        _LATENCY,
        "Time and cost",
        "seconds",
        lower_is_better=True,
        figure=_quantile(_seconds("total"), 0.95),
    ),
    Metric(
        "first_token", "First word", _FIRST_TOKEN, None, "seconds", lower_is_better=True, value=_seconds("first_token")
    ),
    Metric(
        "first_token_p50",
        "First word, median",
        _FIRST_TOKEN,
        "Time and cost",
        "seconds",
        lower_is_better=True,
        figure=_quantile(_seconds("first_token"), 0.5),
    ),
    Metric(
        "tokens",
        "Prompt tokens",
        "Tokens of all prompts that a question cost, median.",
        "Time and cost",
        "count",
        lower_is_better=True,
        value=_tokens,
        figure=_quantile(_tokens, 0.5),
    ),
    Metric(
        "calls",
        "Calls of the model",
        "Calls of the answer model for one question, mean.",
        "Time and cost",
        "count",
        lower_is_better=True,
        value=_calls,
    ),
    *_judge("judge_correct", "Judge correct"),
    *_judge("judge_faithful", "Judge faithful"),
)
