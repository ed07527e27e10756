"""A run in figures: each with a 95 % bootstrap interval and the number of questions it is over."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import DegenerateDataWarning, bootstrap
from sklearn.metrics import cohen_kappa_score, precision_recall_fscore_support

from eval.records import Record, Run
from eval.score.curves import SURE, calibration, claims, ordered, risk_coverage, risks

__all__ = ["LOWER_IS_BETTER", "Figure", "by_kind", "calibration", "figures", "interval", "risk_coverage"]

RESAMPLES = 2000
SECONDS = ("latency_p50", "latency_p95", "first_token_p50")
LOWER_IS_BETTER = {"over_refusal", "aurc", "tokens", *SECONDS}
_MEANS = (  # figures that are the mean of a score over the questions that it applies to
    "evidence_recall@1",
    "evidence_recall@3",
    "evidence_recall@5",
    "reciprocal_rank",
    "ndcg@10",
    "citation_precision",
    "citation_recall",
    "citation_support",
    "offset_validity",
)

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % percentile bootstrap interval.

    `count` is the number of questions it is over; over none of them the value is None. The interval is None where
    resampling says nothing: over fewer than two questions, and for Cohen's kappa.
    """

    value: float | None
    low: float | None
    high: float | None
    count: int

    def to_dict(self) -> dict[str, float | int | None]:
        """Return the figure as plain data."""
        return asdict(self)


def figures(run: Run, seed: int = 0) -> dict[str, Figure]:
    """Return the figures of a run by name, always the same for one seed.

    Shares and scores lie in [0, 1], times are seconds, `tokens` is the median over questions. A judge's figures are
    there when it judged.
    """
    records = run.records
    asked = [r for r in records if r.question.answers]
    due = [r for r in records if r.question.must_refuse]
    return {
        "correct_answerable": _mean(asked, "correct", seed),
        "refused_of_must_refuse": _mean(due, "refused", seed),
        "over_refusal": _mean(asked, "refused", seed),
        **_abstention(records, seed),
        **{name: _mean(asked, name, seed) for name in ("exact_match", "token_f1", "gold_recall")},
        **{name: _mean(records, name, seed) for name in _MEANS},
        "claims_right@0.9": _sure_claims(records, seed),
        "aurc": _figure(ordered(records), lambda order, errors: risks(order, errors).mean(), seed, vectorized=False),
        "latency_p50": _quantile((r.answer.timings.get("total") for r in records), 0.5, seed),
        "latency_p95": _quantile((r.answer.timings.get("total") for r in records), 0.95, seed),
        "first_token_p50": _quantile((r.answer.timings.get("first_token") for r in records), 0.5, seed),
        "tokens": _quantile((r.tokens for r in records), 0.5, seed),
        **_judged(records, seed),
    }


def by_kind(run: Run, seed: int = 0) -> dict[str, Figure]:
    """Return the share of right answers for each kind of question, in the order of the run."""
    kinds = dict.fromkeys(r.question.kind for r in run.records)
    return {kind: _mean([r for r in run.records if r.question.kind == kind], "correct", seed) for kind in kinds}


def interval(
    samples: Sequence[Array], statistic: Callable[..., Any], seed: int, *, vectorized: bool = True
) -> tuple[float | None, float | None]:
    """Return the 95 % percentile bootstrap interval (scipy) of a statistic of samples that are paired by question.

    Resamples that the statistic is not defined for are left out.
    """
    count = len(samples[0])
    if count < 2:
        return None, None
    with warnings.catch_warnings():
        # scipy's own interval does not leave out what is undefined, and warns of it.
        warnings.simplefilter("ignore", DegenerateDataWarning)
        result = bootstrap(
            samples,
            statistic,
            n_resamples=RESAMPLES,
            batch=max(1, 4_000_000 // count),  # some 32 MB at a time, however many questions
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


def _mean(records: Iterable[Record], name: str, seed: int) -> Figure:
    values = [score for r in records if (score := r.scores.get(name)) is not None]
    return _figure((np.array(values, float),), np.mean, seed)


def _quantile(values: Iterable[float | None], q: float, seed: int) -> Figure:
    known = np.array([v for v in values if v is not None], float)
    return _figure((known,), lambda sample, axis=-1: np.quantile(sample, q, axis=axis), seed)


def _abstention(records: Iterable[Record], seed: int) -> dict[str, Figure]:
    """Precision, recall and F1 of refusing, where refusing is what is due on questions that must be refused."""
    known = [r for r in records if r.scores.get("refused") is not None]
    samples = (
        np.array([r.question.must_refuse for r in known], int),
        np.array([r.answer.abstained for r in known], int),
    )
    return {
        f"abstention_{name}": _figure(samples, _prf(place), seed)
        for place, name in enumerate(("precision", "recall", "f1"))
    }


def _prf(place: int) -> Callable[..., Any]:
    def statistic(due: Array, refused: Array, axis: int = -1) -> Any:
        if due.ndim == 1:
            return precision_recall_fscore_support(due, refused, average="binary", zero_division=np.nan)[place]
        # Each resample is a label of its own in scikit-learn's multi-label form, which does them all at once.
        return precision_recall_fscore_support(due.T, refused.T, average=None, zero_division=np.nan)[place]

    return statistic


def _sure_claims(records: Iterable[Record], seed: int) -> Figure:
    """Share of the claims shown with a support of at least 0.9 that are right, resampled by question."""
    sure = [(right, len(found)) for right, supports in claims(records) if (found := [s for s in supports if s >= SURE])]
    right = np.array([count * right for right, count in sure], float)
    shown = np.array([count for _, count in sure], float)
    return _figure((right, shown), lambda r, s, axis=-1: r.sum(axis=axis) / s.sum(axis=axis), seed)


def _judged(records: Sequence[Record], seed: int) -> dict[str, Figure]:
    """What a judge thinks, and how often it agrees with `correct`: the share of questions, and Cohen's kappa."""
    found: dict[str, Figure] = {}
    for name in dict.fromkeys(name for r in records for name in r.scores if name.startswith("judge_")):
        found[name] = _mean(records, name, seed)
        pairs = [(r.scores.get("correct"), r.scores.get(name)) for r in records]
        both = [(c >= 0.5, j >= 0.5) for c, j in pairs if c is not None and j is not None]
        same = np.array([c == j for c, j in both], float)
        found[f"{name}_agreement"] = _figure((same,), np.mean, seed)
        # With one and the same verdict everywhere there is no chance agreement to correct for.
        defined = len({verdict for pair in both for verdict in pair}) > 1
        kappa = float(cohen_kappa_score(*zip(*both, strict=True))) if defined else None
        found[f"{name}_kappa"] = Figure(kappa, None, None, len(both))
    return found
