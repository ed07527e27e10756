"""`rag eval`: score systems on questions with known answers, compare runs, and rebuild their reports."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from rag.cli import extras
from rag.cli.console import output, print_json
from rag.errors import RagError, UsageError
from rag.settings import Settings

if TYPE_CHECKING:
    from eval.records import Run
    from eval.run.run import OnProgress
    from eval.run.run import Progress as Step

# The eval suite takes seconds to import, so only the commands that need it import it: `rag --help` must be quick.

app = typer.Typer(invoke_without_command=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


class BelowFloorError(RagError):
    """A figure is worse than `--fail-under` allows."""


@app.callback()
def evaluate(
    context: typer.Context,
    system: Annotated[
        list[str] | None,
        typer.Option(
            help="dateline (as configured), extractive, naive (LlamaIndex's CitationQueryEngine), or Dateline with "
            "local:small, openai:MODEL or a .gguf file; may be repeated. Default: dateline."
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="dev to tune on, test only to report, or all. Default: dev where there is one.")
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only questions of this kind; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N questions.", min=1)] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Other questions: .jsonl, .csv, SQuAD .json or a BEIR folder. Default: the shipped ones."),
    ] = None,
    articles: Annotated[
        Path | None, typer.Option(help="Folder of the articles that --data asks about. Default: your library.")
    ] = None,
    collection: Annotated[
        str | None, typer.Option(help="Which of your store's libraries --data asks about, without --articles.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for SYSTEM.jsonl, report.html and report.md. Default: none is written.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    judge: Annotated[
        str | None, typer.Option(help="Also let a model judge the answers: local, openai:MODEL, ... Default: none.")
    ] = None,
    parallel: Annotated[
        int | None, typer.Option(help="Questions at a time. Default: 4 for an endpoint, else 1.", min=1, max=64)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap intervals.", min=0)] = 0,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SYSTEM.]METRIC=VALUE",
            help="Exit with 1 when a figure is worse than this; a maximum for times and refusals; may be repeated.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SIGNAL",
            help="Estimate the probability of answers without this signal (see Answer.signals); may be repeated.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score systems on questions with known answers."""
    if context.invoked_subcommand:
        return
    extras.need("eval")
    given = {"without_signals": _known(without) if without else None, "collection": collection}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    floors = [_floor(text) for text in fail_under or []]
    from eval.datasets.formats import open_data
    from eval.run.run import Options, run

    options = Options(split, tuple(kind or ()), limit, judge, seed, parallel, out, resume)
    with tempfile.TemporaryDirectory(prefix="dateline-articles-") as work, _progress() as report:
        try:
            asked = open_data(data, articles, Path(work))
            runs = run(asked, system or ["dateline"], options, settings=settings, on_progress=report)
        except KeyboardInterrupt:
            raise typer.Exit(_interrupted(out)) from None
    _publish(runs, out, as_json=as_json)
    _check(runs, floors)


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="The run file before.")],
    b: Annotated[Path, typer.Argument(help="The run file after.")],
    metric: Annotated[str, typer.Option(help="The score that is compared question by question.")] = "correct",
    as_json: JsonOption = False,
) -> None:
    """Compare two runs of the same questions: what got better, what got worse, and whether it is chance."""
    extras.need("eval")
    from eval.records import read_run
    from eval.report.compare import compare as compare_runs
    from eval.report.compare import print_comparison

    comparison = compare_runs(read_run(a), read_run(b), metric)
    if as_json:
        print_json(comparison.to_dict())
    else:
        print_comparison(comparison, output())


@app.command()
def report(
    run: Annotated[list[Path], typer.Argument(help="Run files, as `rag eval --out` wrote them.")],
    out: Annotated[Path, typer.Option(help="Folder for report.html and report.md.")],
) -> None:
    """Build the report of some runs again."""
    extras.need("eval")
    from eval.records import read_run

    runs = [read_run(path) for path in run]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}; choose another folder") from error
    _write_reports(runs, out)


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """Show the progress of each step on stderr."""
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def show(step: Step) -> None:
            if step.what not in tasks:
                tasks[step.what] = bars.add_task(step.what, total=step.total)
            bars.update(tasks[step.what], completed=step.done, total=step.total)

        yield show


def _interrupted(out: Path | None) -> int:
    """Print how to continue after Ctrl-C; return the exit code that shells use for it."""
    how = f"what was answered is in {out}; go on with the same command and --resume" if out else "nothing was kept"
    print(f"rag: interrupted; {how}", file=sys.stderr)
    return 130


def _publish(runs: Sequence[Run], out: Path | None, *, as_json: bool) -> None:
    if out:
        _write_reports(runs, out)
    if not as_json:
        from eval.report import print_summary

        print_summary(runs, output())
        return
    from eval.score.metrics import by_kind, figures

    print_json(
        {
            one.header.system: {
                "header": one.header.model_dump(),
                "questions": len(one.records),
                "figures": {name: figure.to_dict() for name, figure in figures(one, one.header.seed).items()},
                "by_kind": {kind: figure.to_dict() for kind, figure in by_kind(one, one.header.seed).items()},
            }
            for one in runs
        }
    )


def _write_reports(runs: Sequence[Run], out: Path) -> None:
    from eval.report import html, markdown

    for name, text in (("report.html", html(runs)), ("report.md", markdown(runs))):
        try:
            (out / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise RagError(f"{out / name} cannot be written: {error.strerror}; choose another folder") from error
        print(f"rag: wrote {out / name}", file=sys.stderr)


def _known(without: list[str]) -> tuple[str, ...]:
    """Return the names of signals, all of which some estimate uses."""
    from rag.answering.confidence import signal_names
    from rag.answering.support import signal_names as support_names

    known = sorted({*signal_names(), *support_names()})
    if unknown := [name for name in without if name not in known]:
        raise UsageError(f"there is no signal {unknown[0]!r}; use {', '.join(known)}")
    return tuple(without)


def _floor(text: str) -> tuple[str, float]:
    """Return the name and the value of a floor given to `--fail-under`.

    Raises:
        UsageError: It does not have the form NAME=NUMBER.
    """
    name, equals, value = text.rpartition("=")
    try:
        if equals and name:
            return name.strip(), float(value)
    except ValueError:
        pass
    raise UsageError(f"--fail-under {text!r} is not of the form METRIC=NUMBER, such as correct_answerable=0.6")


def _check(runs: Sequence[Run], floors: Sequence[tuple[str, float]]) -> None:
    """Compare the figures with their floors.

    Raises:
        UsageError: There is no such figure or system.
        BelowFloorError: A figure is worse than its floor.
    """
    if not floors:
        return
    from eval.score.metrics import figures, lower_is_better

    found = {one.header.system: figures(one, one.header.seed) for one in runs}
    failed = []
    for name, floor in floors:
        system, metric = _named(name, found)
        value = found[system][metric].value
        lower = lower_is_better(metric)
        if value is None:
            failed.append(f"{name} is over no question")
        elif value > floor if lower else value < floor:
            failed.append(f"{name} is {value:.4g}, {'at most' if lower else 'at least'} {floor:g} is allowed")
    if failed:
        raise BelowFloorError("; ".join(failed))


def _named(name: str, found: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Return the system and the figure that `[SYSTEM.]METRIC` names; the first system if none is named."""
    first = next(iter(found))
    system, metric = next(
        ((s, name.removeprefix(f"{s}.")) for s in found if name.startswith(f"{s}.")),
        (first, name),
    )
    if metric not in found[system]:
        raise UsageError(f"--fail-under names no figure {name!r}; there are {', '.join(found[system])}")
    return system, metric
