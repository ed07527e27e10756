"""Summarise whole runs for a report: names, a headline, figures side by side, and how the runs were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from eval.records import Header, Run
from eval.report.view import verdict
from eval.report.words import one_line, percent, shorten
from eval.score import metrics
from eval.score.figures import Figure
from eval.score.metric import GROUPS, Metric


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of every run; `best` holds the numbers of the runs with the best value."""

    metric: Metric
    figures: tuple[Figure | None, ...]
    best: frozenset[int]


def names(runs: Sequence[Run]) -> list[str]:
    """Return a name for each run: its system, and what distinguishes it from other runs of that system."""
    systems = [one_line(run.header.system) for run in runs]
    shown: list[str] = []
    for run, system in zip(runs, systems, strict=True):
        same = [r.header for r in runs if one_line(r.header.system) == system]
        more = (run.header.llm, run.header.settings_hash[:8], run.header.split, run.header.started)
        values = zip(*((h.llm, h.settings_hash[:8], h.split, h.started) for h in same), strict=True)
        apart = next((own for own, all_ in zip(more, values, strict=True) if len(set(all_)) > 1), "")
        name = one_line(f"{system} {apart}")
        shown.append(name if name not in shown else f"{name} ({len(shown) + 1})")
    return [shorten(name, 40) for name in shown]


def judged(run: Run) -> tuple[int, int]:
    """Return the number of right questions, and the number of questions that can be right or wrong."""
    verdicts = [verdict(record).right for record in run.records]
    return sum(right is True for right in verdicts), sum(right is not None for right in verdicts)


def headline(runs: Sequence[Run]) -> str:
    """Return the result in one line, the best run first."""
    tallies = [(*judged(run), name) for run, name in zip(runs, names(runs), strict=True)]
    tallies = sorted((t for t in tallies if t[1]), key=lambda t: -t[0] / t[1])
    if not tallies:
        return f"{len(runs[0].records) if runs else 0:,} questions, ranked"
    right, count, name = tallies[0]
    others = [f"{other} {percent(r / c)}" for r, c, other in tallies[1:]]
    return ", ".join([f"{name} handles {percent(right / count)} of {count:,} questions right", *others])


def standfirst(runs: Sequence[Run]) -> str:
    """Return what was asked, and the result if there is a single run."""
    records = runs[0].records if runs else ()
    asked = [r for r in records if r.question.answers]
    due = [r for r in records if r.question.must_refuse]
    if not asked and not due:
        return "Only the ranking is scored: the questions come with documents that matter, but without answers."
    if len(runs) > 1:
        return f"{len(asked):,} questions that the articles answer, and {len(due):,} that they do not: to be refused."
    parts = []
    if asked:
        right = sum(verdict(r).right is True for r in asked)
        needless = sum(r.answer.abstained for r in asked)
        known = f"Of {len(asked):,} questions that the articles answer"
        parts.append(f"{known}, it answers {right:,} right and refuses {needless:,}.")
    if due:
        refused = sum(r.answer.abstained for r in due)
        parts.append(f"Of {len(due):,} that they do not answer, it refuses {refused:,}.")
    return " ".join(parts)


def byline(runs: Sequence[Run]) -> str:
    """Return the data set, its split and the day."""
    if not runs:
        return ""
    header = runs[0].header
    try:
        day = datetime.fromisoformat(header.started)
        date = f"{day.day} {day:%B %Y}"
    except ValueError:
        date = header.started
    return one_line(f"{header.data}, {header.split} · {date}")


def kinds(runs: Sequence[Run]) -> dict[str, list[Figure | None]]:
    """Return the share of right answers by kind, for each run."""
    found = [metrics.by_kind(run, run.header.seed) for run in runs]
    known = dict.fromkeys(kind for each in found for kind, figure in each.items() if figure.value is not None)
    return {kind: [each.get(kind) for each in found] for kind in known}


def rows(runs: Sequence[Run]) -> dict[str, list[Row]]:
    """Return the figures by group, without those that no run has."""
    found = [metrics.figures(run, run.header.seed) for run in runs]
    shown = [_row(metric, found) for metric in metrics.METRICS]
    shown = [row for row in shown if any(f and f.value is not None for f in row.figures)]
    return {group: members for group in GROUPS if (members := [row for row in shown if row.metric.group == group])}


def _row(metric: Metric, found: Sequence[dict[str, Figure]]) -> Row:
    own = tuple(each.get(metric.name) for each in found)
    values = {n: f.value for n, f in enumerate(own) if f and f.value is not None}
    best = (min if metric.lower_is_better else max)(values.values(), default=None)
    marked = [n for n, value in values.items() if value == best] if len(found) > 1 else []
    return Row(metric, own, frozenset(marked if len(marked) < len(found) else ()))


def definitions(groups: dict[str, list[Row]]) -> list[tuple[str, str]]:
    """Return the label and description of each figure; a shared description is listed once, at its first figure."""
    found: dict[str, str] = {}
    for row in (row for members in groups.values() for row in members):
        found.setdefault(row.metric.description, row.metric.label)
    return [(label, description) for description, label in found.items()]


def provenance(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """Return how the runs were made, with a row for each property that any run has."""
    table = [(name, [_text(run.header, field) for run in runs]) for field, name in _PROVENANCE.items()]
    table.insert(0, ("Questions", [f"{len(run.records):,}" for run in runs]))
    return [(name, values) for name, values in table if any(values)]


_PROVENANCE = {
    "data": "Data",
    "split": "Split",
    "kinds": "Kinds",
    "limit": "Limit",
    "llm": "Answer model",
    "model": "Its name",
    "model_hash": "SHA-256 of its weights",
    "embedding": "Embedding",
    "judge": "Judge",
    "settings_hash": "Settings",
    "data_hash": "SHA-256 of the data",
    "seed": "Seed",
    "commit": "Commit",
    "version": "Dateline",
    "started": "Started",
}


def _text(header: Header, field: str) -> str:
    value = getattr(header, field)
    return "" if value is None else one_line(", ".join(value) if isinstance(value, tuple) else str(value))
