"""Render runs as one self-contained HTML page."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from eval.records import Run
from eval.report import plots, summary, view, words
from eval.score.curves import calibration
from eval.score.figures import Figure
from eval.score.metric import Metric

_CARDS = (
    "correct_answerable",
    "refused_of_must_refuse",
    "citation_precision",
    "latency_p50",
    "ndcg@10",
    "evidence_recall@5",
    "reciprocal_rank",
)


@dataclass(frozen=True, slots=True)
class _Line:
    """One run's figure as a dot with its interval on a line from 0 to 100."""

    number: int
    text: str
    spread: str
    at: float
    low: float | None
    width: float | None


def html(runs: Sequence[Run]) -> str:
    """Return the report of some runs as one HTML file that loads nothing and needs no script."""
    env = _environment()
    found = view.items(runs)
    groups = summary.rows(runs)
    asked = Counter(item.question.kind for item in found)
    kinds = {kind: asked[kind] for kind in dict.fromkeys(r.question.kind for run in runs for r in run.records)}
    style = env.get_template("report.css.j2").render(kinds=len(kinds))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    names = summary.names(runs)
    return env.get_template("report.html.j2").render(
        runs=runs,
        names=names,
        style=Markup(style),  # the page's own styles, without any text from a run
        style_hash=digest,
        headline=summary.headline(runs),
        standfirst=summary.standfirst(runs),
        byline=summary.byline(runs),
        cards=_cards(groups),
        plots=_plots(runs),
        groups=groups,
        kinds=summary.kinds(runs),
        definitions=summary.definitions(groups),
        items=found,
        filters=_filters(found, len(runs)),
        kind_filters=kinds,
        kind_numbers={kind: number for number, kind in enumerate(kinds)},
        provenance=summary.provenance(runs),
    )


def _environment() -> Environment:
    env = Environment(
        loader=PackageLoader("eval.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    env.globals.update(series=plots.SERIES, shapes=plots.SHAPES)
    env.filters.update(
        number=lambda value, name: words.number(name, value),
        bare=lambda value, name: words.bare(name, value),
        label=words.label,
        shorten=words.shorten,
        pieces=view.pieces,
        facts=lambda question, sentence: view.facts(question, sentence),
        accepted=view.accepted,
    )
    return env


def _finalize(value: Any) -> Any:
    """Make control characters visible in every value of the page; escaping comes after this."""
    return words.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _cards(groups: dict[str, list[summary.Row]]) -> list[tuple[str, list[_Line]]]:
    """Return the first four of the main figures that exist."""
    rows = {row.metric.name: row for members in groups.values() for row in members}
    return [(rows[name].metric.label, _lines(rows[name])) for name in _CARDS if name in rows][:4]


def _lines(row: summary.Row) -> list[_Line]:
    known = [(number, f) for number, f in enumerate(row.figures) if f and f.value is not None]
    most = max(max(f.value or 0.0, f.high or 0.0) for _, f in known)
    scale = 1.0 if row.metric.unit == "share" else most or 1.0
    return [_line(number, figure, row.metric, scale) for number, figure in known]


def _line(number: int, figure: Figure, metric: Metric, scale: float) -> _Line:
    show = words.percent if metric.unit == "share" else lambda value: words.number(metric.name, value)
    value = figure.value or 0.0
    at = round(100 * value / scale, 2)
    if figure.low is None or figure.high is None:
        return _Line(number, show(value), "", at, None, None)
    low, width = 100 * figure.low / scale, 100 * (figure.high - figure.low) / scale
    spread = f"{show(figure.low).removesuffix(' s')} to {show(figure.high)}"
    return _Line(number, show(value), spread, at, round(low, 2), round(width, 2))


def _filters(items: Sequence[view.Item], runs: int) -> list[tuple[str, str, int]]:
    """Return for each filter its id, its label and the number of questions that it shows."""
    wrong, right = sum(bool(i.wrong) for i in items), sum(i.all_right for i in items)
    if runs < 2:
        return [("all", "all", len(items)), ("wrong", "wrong", wrong), ("right", "right", right)]
    return [
        ("all", "all", len(items)),
        ("wrong", "wrong in any", wrong),
        ("right", "right in all", right),
        ("differs", "where they differ", sum(i.differs for i in items)),
    ]


@dataclass(frozen=True, slots=True)
class _Plot:
    title: str
    words: str
    svg: Markup


def _plots(runs: Sequence[Run]) -> list[_Plot]:
    """Return the plots that have something to show."""
    found: list[_Plot] = []

    def add(title: str, about: str, draw: Callable[[Sequence[Run], str], str]) -> None:
        found.append(_Plot(title, about, Markup(draw(runs, title))))

    if any(summary.judged(run)[1] for run in runs):
        about = "A dot is a share, its line the 95 % interval; in brackets, how many questions. Below the dotted line: "
        add("Right answers by kind of question", f"{about}to be refused.", plots.kinds_plot)
        about = "Answers in order of confidence. The mark is where a system stops by itself; dotted, what it refused, "
        add("Wrong answers as more is answered", f"{about}counted as wrong.", plots.risk_plot)
    if any("total" in r.answer.timings for run in runs for r in run.records):
        about = "Share of questions answered within a time; the mark is the median."
        add("How long an answer takes", about, plots.latency_plot)
    for what, of in (
        ("support", "claims by the support they were shown with"),
        ("confidence", "answers by confidence"),
    ):
        if any(calibration(run)[what].bins for run in runs):
            about = f"Share of right {of}. On the dashed line it is; larger marks are more of them."
            add(f"Is {what} worth what it says?", about, partial(plots.calibration_plot, what=what))
    return found
