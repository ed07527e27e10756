"""Compute the figures of a run from its questions, with 95 % bootstrap intervals."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import DegenerateDataWarning, bootstrap
from sklearn.metrics import cohen_kappa_score, precision_recall_fscore_support

from eval.records import Record
from eval.score.curves import SURE, claims, ordered, risks

RESAMPLES = 2000

Array = npt.NDArray[Any]
Statistic = Callable[[Sequence[Record], int], "Figure"]  # of a run's records, with the seed of the bootstrap


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % percentile bootstrap interval.

    `count` is the number of questions; the value is None if there are none. The interval is None if resampling says
    nothing: for fewer than two questions, and for Cohen's kappa.
    """

    value: float | None
    low: float | None
    high: float | None
    count: int

    def to_dict(self) -> dict[str, float | int | None]:
        """Return the figure as plain data."""
        return asdict(self)


def interval(
    samples: Sequence[Array], statistic: Callable[..., Any], seed: int, *, vectorized: bool = True
) -> tuple[float | None, float | None]:
    """Return the 95 % percentile bootstrap interval (scipy) of a statistic of samples that are paired by question.

    Resamples for which the statistic is undefined are left out.
    """
    count = len(samples[0])
    if count < 2:
        return None, None
    with warnings.catch_warnings():
        # scipy's own interval does not leave out undefined values, and warns about them.
        warnings.simplefilter("ignore", DegenerateDataWarning)
        result = bootstrap(
            samples,
            statistic,
            n_resamples=RESAMPLES,
            batch=max(1, 4_000_000 // count),  # about 32 MB at a time for any number of questions
            vectorized=vectorized,
            paired=True,
            method="percentile",
            rng=np.random.default_rng(seed),
        )
    values = result.bootstrap_distribution[~np.isnan(result.bootstrap_distribution)]
    if not values.size:
        return None, None
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def _figure(samples: Sequence[Array], statistic: Callable[..., Any], seed: int, *, vectorized: bool = True) -> Figure:
    count = len(samples[0])
    value = float(statistic(*samples)) if count else float("nan")
    if np.isnan(value):
        return Figure(None, None, None, count)
    return Figure(value, *interval(samples, statistic, seed, vectorized=vectorized), count)


def mean(values: Iterable[float | None], seed: int) -> Figure:
    """Return the mean of the values that are known."""
    return _figure((_known(values),), np.mean, seed)


def quantile(values: Iterable[float | None], q: float, seed: int) -> Figure:
    """Return the quantile `q`, from 0 to 1, of the values that are known."""
    return _figure((_known(values),), lambda sample, axis=-1: np.quantile(sample, q, axis=axis), seed)


def _known(values: Iterable[float | None]) -> Array:
    return np.array([v for v in values if v is not None], float)


def abstention(place: int) -> Statistic:
    """Return precision (0), recall (1) or F1 (2) of refusals; a refusal is due if the question must be refused."""

    def figure(records: Sequence[Record], seed: int) -> Figure:
        known = [r for r in records if r.scores.get("refused") is not None]
        due = np.array([r.question.must_refuse for r in known], int)
        refused = np.array([r.answer.abstained for r in known], int)
        return _figure((due, refused), _prf(place), seed)

    return figure


def _prf(place: int) -> Callable[..., Any]:
    def statistic(due: Array, refused: Array, axis: int = -1) -> Any:
        if due.ndim == 1:
            return precision_recall_fscore_support(due, refused, average="binary", zero_division=np.nan)[place]
        # Each resample is a separate label in scikit-learn's multi-label form, which computes them all at once.
        return precision_recall_fscore_support(due.T, refused.T, average=None, zero_division=np.nan)[place]

    return statistic


def sure_claims(records: Sequence[Record], seed: int) -> Figure:
    """Return the share of right claims among those with a support of at least 0.9, resampled by question."""
    sure = [(right, len(found)) for right, supports in claims(records) if (found := [s for s in supports if s >= SURE])]
    right = np.array([count * right for right, count in sure], float)
    shown = np.array([count for _, count in sure], float)
    return _figure((right, shown), lambda r, s, axis=-1: r.sum(axis=axis) / s.sum(axis=axis), seed)


def conversations(records: Sequence[Record], seed: int) -> Figure:
    """Return the share of conversations in which every scored turn is right.

    A question is a turn of each conversation that begins with its turns. One of a single turn is none.
    """
    right = {r.question.turns: score for r in records if (score := r.scores.get("correct")) is not None}
    begun = {turns[:end] for turns in right for end in range(1, len(turns))}
    whole = [turns for turns in right if len(turns) > 1 and turns not in begun]
    ends = ((turns[:end] for end in range(1, len(turns) + 1)) for turns in whole)
    return mean((min(right[turn] for turn in turns if turn in right) for turns in ends), seed)


def risk_area(records: Sequence[Record], seed: int) -> Figure:
    """Return the area under the risk-coverage curve."""
    return _figure(ordered(records), lambda order, errors: risks(order, errors).mean(), seed, vectorized=False)


def agreement(judge: str) -> Statistic:
    """Return the share of questions on which a judge's score agrees with `correct`."""
    return lambda records, seed: mean((float(correct == judged) for correct, judged in _verdicts(records, judge)), seed)


def kappa(judge: str) -> Statistic:
    """Return Cohen's kappa of a judge's score and `correct`."""

    def figure(records: Sequence[Record], seed: int) -> Figure:
        both = _verdicts(records, judge)
        # If all verdicts are the same, there is no chance agreement to correct for.
        defined = len({verdict for pair in both for verdict in pair}) > 1
        return Figure(float(cohen_kappa_score(*zip(*both, strict=True))) if defined else None, None, None, len(both))

    return figure


def _verdicts(records: Iterable[Record], judge: str) -> list[tuple[bool, bool]]:
    pairs = [(r.scores.get("correct"), r.scores.get(judge)) for r in records]
    return [(c >= 0.5, j >= 0.5) for c, j in pairs if c is not None and j is not None]
