"""Measure how well confidence and support predict right answers: risk-coverage and calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eval.records import Record, Run

Array = npt.NDArray[np.float64]

SURE = 0.9  # readers take a claim with at least this support as certain
BINS = 10


@dataclass(frozen=True, slots=True)
class Point:
    """The share of questions answered (`coverage`) and of wrong ones among them (`risk`)."""

    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The curve, its mean risk (`area`, AURC, lower is better), and the share of questions that were answered."""

    points: tuple[Point, ...]
    area: float | None
    answered: float | None


@dataclass(frozen=True, slots=True)
class Bin:
    """The predictions in [low, high): their count, their mean, and the share that were right."""

    low: float
    high: float
    count: int
    predicted: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The non-empty bins, and the mean distance between prediction and truth over them (ECE)."""

    bins: tuple[Bin, ...]
    error: float | None


def risk_coverage(run: Run) -> RiskCoverage:
    """Return the risk-coverage curve of answers ordered by confidence (El-Yaniv and Wiener 2010; Geifman et al. 2019).

    An answer without a confidence uses the smallest support of its citations. Answers of equal confidence share the
    mean of their errors, as in a random order. Refused questions come last and count as wrong, since answering them too
    is the only way to a higher coverage. So every curve reaches full coverage, and systems that refuse differently have
    comparable areas. The area is the mean risk over the coverages 1/n, 2/n, …, 1.
    """
    order, errors = ordered(run.records)
    if not len(order):
        return RiskCoverage((), None, None)
    risk = risks(order, errors)
    points = tuple(Point((i + 1) / len(risk), float(value)) for i, value in enumerate(risk))
    return RiskCoverage(points, float(risk.mean()), float(np.mean(order >= 0)))


def ordered(records: Iterable[Record]) -> tuple[Array, Array]:
    """Return for each question with a verdict its confidence (-1 if it was refused) and its error (1 if wrong).

    Messages that ask for no fact are left out, since they are neither refused nor answered with confidence.
    """
    asked = (r for r in records if not r.question.is_talk)
    known = [(r, score) for r in asked if (score := r.scores.get("correct")) is not None]
    order = [-1.0 if r.answer.abstained else confidence(r) for r, _ in known]
    errors = [1.0 if r.answer.abstained else 1.0 - score for r, score in known]
    return np.array(order, float), np.array(errors, float)


def risks(order: Array, errors: Array) -> Array:
    """Return the share of wrong answers among the 1, 2, … most confident answers."""
    _, group, size = np.unique(-order, return_inverse=True, return_counts=True)
    share = np.bincount(group, errors, len(size)) / size
    return np.cumsum(np.repeat(share, size)) / np.arange(1, len(order) + 1)


def confidence(record: Record) -> float:
    """Return the answer's confidence, or the smallest support of its citations, or 0."""
    if record.answer.confidence is not None:
        return record.answer.confidence
    return min((c.support for c in record.answer.citations), default=0.0)


def claims(records: Iterable[Record]) -> list[tuple[bool, tuple[float, ...]]]:
    """Return for each given answer whether it is right, and the support of its citations.

    A citation's claim is right if its answer is right. An answer to a question that must be refused is never right.
    """
    return [
        (bool(r.scores["correct"]), tuple(c.support for c in r.answer.citations))
        for r in records
        if r.scores.get("correct") is not None and not r.answer.abstained and r.answer.citations
    ]


def calibration(run: Run) -> dict[str, Calibration]:
    """Return how often claims are right by their `support`, and how often given answers are by their `confidence`."""
    supports = [(support, right) for right, shown in claims(run.records) for support in shown]
    confidences = [
        (r.answer.confidence, score > 0)
        for r in run.records
        if r.answer.confidence is not None and (score := r.scores.get("correct")) is not None and not r.answer.abstained
    ]
    return {"support": _calibration(supports), "confidence": _calibration(confidences)}


def _calibration(pairs: Sequence[tuple[float, bool]]) -> Calibration:
    if not pairs:
        return Calibration((), None)
    predicted, right = np.array([p for p, _ in pairs]), np.array([r for _, r in pairs], float)
    place = np.clip((predicted * BINS).astype(int), 0, BINS - 1)  # 1.0 belongs to the last bin
    bins = []
    for number in range(BINS):
        if (inside := place == number).any():
            count = int(inside.sum())
            mean, share = float(predicted[inside].mean()), float(right[inside].mean())
            bins.append(Bin(number / BINS, (number + 1) / BINS, count, mean, share))
    error = sum(b.count * abs(b.predicted - b.right) for b in bins) / len(pairs)
    return Calibration(tuple(bins), error)
