"""Render runs as Markdown, or as a table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eval.records import Run
from eval.report import summary, view, words
from eval.score.figures import Figure

_SHOWN_WRONG = 200  # the most questions that the Markdown lists


def markdown(runs: Sequence[Run]) -> str:
    """Return the report of some runs as Markdown: figures, kinds, wrong answers and how the runs were made."""
    names = summary.names(runs)
    lines = [
        f"# {words.markdown(summary.headline(runs))}",
        "",
        f"Over {words.markdown(summary.byline(runs))}. {words.markdown(summary.standfirst(runs))}",
    ]
    for group, members in summary.rows(runs).items():
        rows = [[row.metric.label, *(_cell(row.metric.name, f) for f in row.figures)] for row in members]
        lines += ["", f"## {group}", "", *_table(["", *names], rows)]
    if kinds := summary.kinds(runs):
        rows = [[kind.replace("_", " "), *(_cell("correct", f) for f in figures)] for kind, figures in kinds.items()]
        lines += ["", "## Right by kind", "", *_table(["", *names], rows)]
    lines += _wrong(view.items(runs), names)
    made = [[name, *values] for name, values in summary.provenance(runs)]
    return "\n".join([*lines, "", "## How this was made", "", *_table(["", *names], made), ""])


def _cell(name: str, figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return "–"
    if figure.low is None or figure.high is None:
        return f"{words.number(name, figure.value)} ({figure.count})"
    low, high = (words.bare(name, v) for v in (figure.low, figure.high))
    return f"{words.number(name, figure.value)} ({low} to {high}, {figure.count})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table of untrusted cells."""
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return [
        f"| {' | '.join(words.markdown(cell) for cell in head)} |",
        f"| {' | '.join(ruler)} |",
        *(f"| {' | '.join(words.markdown(cell) for cell in row)} |" for row in rows),
    ]


def _wrong(items: Sequence[view.Item], names: Sequence[str]) -> list[str]:
    wrong = [item for item in items if item.wrong]
    lines = ["", f"## What went wrong: {len(wrong)} of {len(items)} questions", ""]
    for item in wrong[:_SHOWN_WRONG]:
        question = item.question
        lines.append(f"- **{words.markdown(question.turns[-1])}** {words.markdown(f'{question.kind}, {question.id}')}")
        lines.append(f"  - wanted: {words.markdown(view.accepted(question))}")
        for entry in item.entries:
            said = words.markdown(entry.record.answer.text) or "nothing"
            lines.append(f"  - {words.markdown(names[entry.number])}, {entry.verdict.words}: {said}")
    if len(wrong) > _SHOWN_WRONG:
        lines.append(f"- and {len(wrong) - _SHOWN_WRONG} more, which the HTML report has")
    return lines


def print_summary(runs: Sequence[Run], console: Console) -> None:
    """Print the figures of some runs side by side, the kinds, and which questions went wrong."""
    console.print(Text(summary.headline(runs), style="bold"))
    console.print(Text(f"{summary.byline(runs)}. {summary.standfirst(runs)}\n"))
    console.print(_figures(runs, intervals=console.width >= 30 + 24 * len(runs)))
    wrong = [item for item in view.items(runs) if item.wrong]
    if wrong:
        console.print(Text(f"\nWrong: {len(wrong)}", style="bold"))
    names = summary.names(runs)
    for item in wrong:
        console.print(Text(f"  {words.one_line(item.question.id)}  {words.one_line(item.question.turns[-1])}"))
        for entry in item.entries:
            if entry.verdict.right is False:
                who = f"{names[entry.number]}, " if len(runs) > 1 else ""
                console.print(Text(f"    {who}{entry.verdict.words}: {words.one_line(entry.record.answer.text)}"))
        console.print(Text(f"    wanted: {words.one_line(view.accepted(item.question))}", style="dim"))


def _figures(runs: Sequence[Run], *, intervals: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for name in summary.names(runs):
        table.add_column(Text(name), justify="right" if len(runs) > 1 else "left", no_wrap=True)

    def add(label: str, name: str, figures: Sequence[Figure | None]) -> None:
        shown = (_cell(name, f) if intervals else words.number(name, f.value if f else None) for f in figures)
        table.add_row(Text(f"  {label}"), *(Text(cell) for cell in shown))

    for group, members in summary.rows(runs).items():
        table.add_row(Text(group, style="bold"))
        for row in members:
            add(row.metric.label, row.metric.name, row.figures)
    kinds = summary.kinds(runs)
    if kinds:
        table.add_row(Text("Right by kind", style="bold"))
    for kind, figures in kinds.items():
        add(words.one_line(kind.replace("_", " ")), "correct", figures)
    return table
