"""What an answer's confidence and a citation's support are worth: risk-coverage and calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eval.records import Record, Run

Array = npt.NDArray[np.float64]

SURE = 0.9  # a claim shown with this support is one that the reader will take as sure
BINS = 10


@dataclass(frozen=True, slots=True)
class Point:
    """The share of questions answered (`coverage`) and of wrong ones among them (`risk`)."""

    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The curve; its mean risk (`area`, AURC, lower is better); the share of questions that were answered."""

    points: tuple[Point, ...]
    area: float | None
    answered: float | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions in [low, high): how many, their mean, and the share of them that came true."""

    low: float
    high: float
    count: int
    predicted: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Bins that are not empty, and the mean distance of prediction and truth over them (ECE)."""

    bins: tuple[Bin, ...]
    error: float | None


def risk_coverage(run: Run) -> RiskCoverage:
    """Return the risk-coverage curve of answers ordered by confidence (El-Yaniv and Wiener 2010; Geifman et al. 2019).

    An answer without a confidence counts with the smallest support of its citations. Answers of equal confidence share
    the mean of their errors, as if their order were drawn. Refused questions come last and count as wrong: whoever
    wants more questions answered must take what was held back. So every curve reaches full coverage, and systems that
    refuse differently have comparable areas. The area is the mean risk over the coverages 1/n, 2/n, …, 1.
    """
    order, errors = ordered(run.records)
    if not len(order):
        return RiskCoverage((), None, None)
    risk = risks(order, errors)
    points = tuple(Point((i + 1) / len(risk), float(value)) for i, value in enumerate(risk))
    return RiskCoverage(points, float(risk.mean()), float(np.mean(order >= 0)))


def ordered(records: Iterable[Record]) -> tuple[Array, Array]:
    """Return for each question with a verdict its confidence, -1 where it was refused, and its error: 1 if wrong."""
    known = [(r, score) for r in records if (score := r.scores.get("correct")) is not None]
    order = [-1.0 if r.answer.abstained else confidence(r) for r, _ in known]
    errors = [1.0 if r.answer.abstained else 1.0 - score for r, score in known]
    return np.array(order, float), np.array(errors, float)


def risks(order: Array, errors: Array) -> Array:
    """Return the share of wrong answers among the 1, 2, … most confident."""
    _, group, size = np.unique(-order, return_inverse=True, return_counts=True)
    share = np.bincount(group, errors, len(size)) / size
    return np.cumsum(np.repeat(share, size)) / np.arange(1, len(order) + 1)


def confidence(record: Record) -> float:
    """Return the answer's confidence, or the smallest support of its citations, or 0."""
    if record.answer.confidence is not None:
        return record.answer.confidence
    return min((c.support for c in record.answer.citations), default=0.0)


def claims(records: Iterable[Record]) -> list[tuple[bool, tuple[float, ...]]]:
    """Return for each answer given whether it is right, and the support of its citations.

    A citation's claim is right when the answer that it stands in is. No answer to a question that must be refused is.
    """
    return [
        (bool(r.scores["correct"]), tuple(c.support for c in r.answer.citations))
        for r in records
        if r.scores.get("correct") is not None and not r.answer.abstained and r.answer.citations
    ]


def calibration(run: Run) -> dict[str, Calibration]:
    """Return how often claims are right by their `support`, and how often answers given are by their `confidence`."""
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
