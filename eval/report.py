"""`rag eval`: run a data set and print what came out."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from eval.dataset import SEEDS, DatasetError, read
from eval.run import Result, by_kind, run, summary
from rag import Settings

_SECONDS = ("latency_p50", "latency_p95", "first_token_p50")


def evaluate(
    settings: Settings,
    *,
    split: str,
    kinds: Sequence[str] = (),
    limit: int | None = None,
    data: Path | None = None,
    out: Path | None = None,
    as_json: bool = False,
) -> list[Result]:
    """Run the questions that are left after choosing, print the figures and return the results.

    Raises:
        DatasetError: The data set cannot be used, or no question is left.
    """
    if split not in ("dev", "test", "all"):
        raise DatasetError(f"split is {split!r}; use dev, test or all")
    questions = [q for q in read(data or SEEDS) if split in ("all", q.split) and (not kinds or q.kind in kinds)]
    questions = questions[:limit]
    if not questions:
        raise DatasetError(
            f"no question of split {split!r} and kind {', '.join(kinds) or 'any'} is left; choose others"
        )
    if out and not out.absolute().parent.is_dir():
        raise DatasetError(f"{out} cannot be written: there is no folder {out.absolute().parent}; make it first")
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"{settings.llm} on {split}", total=len(questions))
        results = run(questions, settings, lambda _: progress.advance(task))
    if out:
        lines = [json.dumps(r.to_dict(), ensure_ascii=False) for r in results]
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    figures = summary(results)
    if as_json:
        kinds_found = {k: {"correct": c, "questions": n} for k, (c, n) in by_kind(results).items()}
        head = {"llm": settings.llm, "split": split, "settings_hash": settings.hash}
        numbers = {name: None if math.isnan(value) else value for name, value in figures.items()}
        print(json.dumps({**head, **numbers, "by_kind": kinds_found}, indent=2))
    else:
        _print(results, figures, f"{settings.llm}, {split}, settings {settings.hash}")
    return results


def _print(results: Sequence[Result], figures: dict[str, float], title: str) -> None:
    console = Console()
    table = Table(title=title, box=None, show_header=False)
    for name, value in figures.items():
        shown = f"{value:.0f}" if name == "questions" else f"{value:.2f} s" if name in _SECONDS else f"{value:.3f}"
        table.add_row(name.replace("_", " "), shown)
    console.print(table)
    kinds = Table("kind", "right", "of", box=None)
    for kind, (right, count) in by_kind(results).items():
        kinds.add_row(kind, str(right), str(count))
    console.print(kinds)
    for r in results:
        if not r.correct:
            wanted = r.question.answers[0] if r.question.answers else "(refuse)"
            line = f"wrong {r.question.id}: {r.question.turns[-1]} → {r.answer.text} (wanted: {wanted})"
            console.print(escape(line), highlight=False)
