"""Compare two runs of the same questions, question by question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from rich.text import Text
from scipy.stats import permutation_test

from eval.records import Header, Record, Run
from eval.report.words import bare, label, number, one_line
from eval.score.figures import RESAMPLES, interval
from eval.score.metric import Metric
from eval.score.metrics import compared
from rag import UsageError

LEVEL = 0.05  # significance level
# On a busy machine, repeating a run shifts all times a little in the same direction. This is statistically significant
# but means nothing. To count, a mean time must change by this share of the first run's, and by this many seconds.
MIN_TIME_CHANGE = 0.1
MIN_SECONDS = 0.02
Verdict = Literal["better", "worse", "no difference"]


class ComparisonError(UsageError):
    """Two runs cannot be compared, or not by this metric."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of a metric in both runs over the `count` questions that have it in both, with the test results.

    `difference` is b - a, `low` and `high` are its 95 % bootstrap interval, `p` is the p-value of a paired permutation
    test. `verdict` is how b compares with a.
    """

    metric: str
    a: float
    b: float
    difference: float
    low: float | None
    high: float | None
    p: float
    verdict: Verdict
    count: int


@dataclass(frozen=True, slots=True)
class Change:
    """A question on which the runs differ, with both records."""

    a: Record
    b: Record
    before: float
    after: float

    def to_dict(self) -> dict[str, Any]:
        """Return the question, both answers and both scores as plain data."""
        question = self.a.question
        return {
            "id": question.id,
            "kind": question.kind,
            "question": question.turns[-1],
            "expected": list(question.answers),
            "a": {"answer": self.a.answer.text, "score": self.before},
            "b": {"answer": self.b.answer.text, "score": self.after},
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs over their shared questions; `better` and `worse` are those where `metric` changed, largest first."""

    a: Header
    b: Header
    metric: str
    shared: int
    only_a: int
    only_b: int
    differences: tuple[Difference, ...]
    better: tuple[Change, ...]
    worse: tuple[Change, ...]

    @property
    def verdict(self) -> Verdict:
        """Return the verdict on the chosen metric."""
        return next((d.verdict for d in self.differences if d.metric == self.metric), "no difference")

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data, ready for `json.dumps`."""
        return {
            "a": self.a.model_dump(),
            "b": self.b.model_dump(),
            "metric": self.metric,
            "verdict": self.verdict,
            "shared": self.shared,
            "only_a": self.only_a,
            "only_b": self.only_b,
            "differences": [asdict(d) for d in self.differences],
            "better": [change.to_dict() for change in self.better],
            "worse": [change.to_dict() for change in self.worse],
        }


def compare(a: Run, b: Run, metric: str = "correct", seed: int = 0) -> Comparison:
    """Compare run `b` with run `a` over the questions that both asked.

    Raises:
        ComparisonError: The runs are over different data, share no question, or no shared question has the metric.
    """
    if a.header.data_hash != b.header.data_hash:
        raise ComparisonError(
            f"the runs are over different data ({a.header.data} and {b.header.data}, or another state of it); "
            "run both over the same"
        )
    second = {r.question.id: r for r in b.records}
    pairs = [(r, second[r.question.id]) for r in a.records if r.question.id in second]
    if not pairs:
        raise ComparisonError("the runs share no question; choose two of the same split and kinds")
    metrics = compared([r for r, _ in pairs])
    if metric not in metrics:
        raise ComparisonError(f"metric {metric!r} is unknown; use one of {', '.join(metrics)}")
    differences = [found for one in metrics.values() if (found := _difference(one, pairs, seed))]
    if metric not in {d.metric for d in differences}:
        raise ComparisonError(f"no shared question has the metric {metric!r}; choose another")
    better, worse = _changes(metrics[metric], pairs)
    only = len(a.records) - len(pairs), len(b.records) - len(pairs)
    return Comparison(a.header, b.header, metric, len(pairs), *only, tuple(differences), better, worse)


def _difference(metric: Metric, pairs: list[tuple[Record, Record]], seed: int) -> Difference | None:
    found = _changed(metric, pairs)
    if not found:
        return None
    a, b = np.array([(change.before, change.after) for change in found], float).T
    moved = b - a
    low, high = interval((moved,), np.mean, seed)
    p = _p_value(moved, seed)
    mean, before = float(moved.mean()), float(a.mean())
    least = max(MIN_TIME_CHANGE * before, MIN_SECONDS) if metric.unit == "seconds" else 0.0
    better: Verdict = "better" if (mean < 0) == metric.lower_is_better else "worse"
    verdict = better if p < LEVEL and abs(mean) >= least else "no difference"
    return Difference(metric.name, before, float(b.mean()), mean, low, high, p, verdict, len(found))


def _p_value(moved: npt.NDArray[np.float64], seed: int) -> float:
    """Return the two-sided p-value of the paired permutation test (scipy), which swaps each question's runs."""
    if len(moved) < 2:
        return 1.0  # with one pair, both orders give the same distance
    result = permutation_test(
        (moved,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=max(1, 4_000_000 // len(moved)),
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def _changed(metric: Metric, pairs: list[tuple[Record, Record]]) -> list[Change]:
    """Return the questions that have the metric in both runs."""
    values = [(a, b, metric.of_question(a), metric.of_question(b)) for a, b in pairs]
    return [Change(a, b, x, y) for a, b, x, y in values if x is not None and y is not None]


def _changes(metric: Metric, pairs: list[tuple[Record, Record]]) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    changes = sorted(_changed(metric, pairs), key=lambda c: -abs(c.after - c.before))
    sign = -1 if metric.lower_is_better else 1
    better = tuple(c for c in changes if sign * (c.after - c.before) > 0)
    return better, tuple(c for c in changes if sign * (c.after - c.before) < 0)


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the verdict, the table of differences, and both answers to the questions that got better or worse."""
    for name, header in (("a", comparison.a), ("b", comparison.b)):
        console.print(Text(f"{name}  {_name(header)}"))
    [main] = [d for d in comparison.differences if d.metric == comparison.metric]
    console.print(Text(f"\n{label(main.metric)}, b beside a: {main.verdict} (p = {main.p:.3f})", style="bold"))
    only = f"; {comparison.only_a} only in a, {comparison.only_b} only in b"
    console.print(
        Text(f"{comparison.shared} questions in both{only if comparison.only_a or comparison.only_b else ''}\n")
    )
    console.print(_table(comparison.differences))
    console.print(
        Text("= no difference: p of 0.05 or more, or a time that moved by less than a tenth or 0.02 s", style="dim")
    )
    for title, changes in (("Better in b", comparison.better), ("Worse in b", comparison.worse)):
        console.print(Text(f"\n{title}: {len(changes)}", style="bold"))
        for change in changes:
            question = change.a.question
            console.print(Text(f"  {one_line(question.id)}  {one_line(question.turns[-1])}"))
            for name, record, value in (("a", change.a, change.before), ("b", change.b, change.after)):
                console.print(Text(f"    {name}  {number(comparison.metric, value)}  {one_line(record.answer.text)}"))


def _table(differences: Iterable[Difference]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for column in ("", "a", "b", "b - a", "95 %", "p", "n", ""):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    styles = {"better": "green", "worse": "red", "no difference": "dim"}
    for d in differences:
        spread = "" if d.low is None or d.high is None else f"{_signed(d.metric, d.low)} {_signed(d.metric, d.high)}"
        cells = (label(d.metric), number(d.metric, d.a), number(d.metric, d.b), _signed(d.metric, d.difference), spread)
        verdict = Text("=" if d.verdict == "no difference" else d.verdict, style=styles[d.verdict])
        table.add_row(*(Text(cell) for cell in cells), Text(f"{d.p:.3f}"), Text(str(d.count)), verdict)
    return table


def _name(header: Header) -> str:
    return one_line(f"{header.system} · {header.model} · settings {header.settings_hash} · {header.started}")


def _signed(metric: str, value: float) -> str:
    return f"{'-' if value < 0 else '+'}{bare(metric, abs(value))}"
