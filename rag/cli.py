"""The command line: `rag ingest | ask | chat | eval | sources | remove | models | doctor`.

Exit codes: 0 done, 1 failed, 2 wrong usage. An error is one line that says what to do next. Results go to stdout,
everything else to stderr.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rag import cli_eval, cli_models
from rag.errors import RagError
from rag.settings import Settings
from rag.types import IngestReport, merge

if TYPE_CHECKING:
    from rag.pipeline import Engine

# Engine, web chat and eval suite are imported by the command that needs them: they take seconds, `rag --help` must not.

app = typer.Typer(
    name="rag",
    help="Dateline answers questions over news articles and cites the exact sentence for every statement.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(cli_models.app, name="models", help="List, pull and verify the model weights.")
app.add_typer(cli_eval.app, name="eval")

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", help="Folder of the store; default: RAG_STORE, rag.toml, the user's data folder."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
_err = Console(stderr=True, highlight=False)


def main() -> None:
    """Run the command line; the console script `rag` and `python -m rag` call this."""
    logging.basicConfig(format="rag: %(message)s", level=logging.WARNING)
    try:
        app()
    except RagError as error:
        print(f"rag: error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(error.exit_code)


@app.command()
def ingest(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files, folders and web addresses; default: the shipped articles.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add articles to the library; changed files replace what they were."""
    from rag.default import seeds_folder
    from rag.pipeline import Engine
    from rag.web import is_url

    with Engine(_settings(store)) as engine, _err.status("Reading …") as status:

        def progress(done: int, total: int, source: str) -> None:
            status.update(f"{done} of {total} files: {escape(source)}")

        wanted = paths or [str(seeds_folder())]
        addresses = [path for path in wanted if is_url(path)]
        files = [path for path in wanted if not is_url(path)]
        reports = [engine.ingest(*files, progress=progress)] if files else []
        reports += [engine.add_url(address, allow_private=True) for address in addresses]
        report = merge(reports)
    if as_json:
        _print_json(report.to_dict())
    else:
        _print_report(report)
    if report.failed:
        raise typer.Exit(1)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question over the library, with citations."""
    engine = _open(store)
    try:
        if question.strip():
            engine.warm_up(question)  # side by side the models load in half the time
        answer = engine.answer(question)
    finally:
        engine.close()
    if as_json:
        _print_json(answer.to_dict())
    else:
        print(answer)


@app.command()
def chat(
    store: StoreOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 7860,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = False,
) -> None:
    """Open the web chat."""
    from ui.app import launch

    engine = _open(store)
    try:
        launch(engine, host=host, port=port, open_browser=open_browser)
    finally:
        engine.close()


@app.command()
def sources(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the articles in the library."""
    import dataclasses

    from rag.pipeline import Engine

    with Engine(_settings(store)) as engine:
        found = engine.sources()
    if as_json:
        _print_json([dataclasses.asdict(entry) for entry in found])
        return
    table = Table("Source", "Title", "Passages", "Added", box=None)
    for entry in found:
        table.add_row(escape(entry.source), escape(entry.title), str(entry.passages), entry.added[:10])
    Console().print(table)
    print(f"{len(found)} articles")


@app.command()
def remove(
    source: Annotated[list[str], typer.Argument(help="Source names (or ids) as `rag sources` lists them.")],
    store: StoreOption = None,
) -> None:
    """Remove articles from the library."""
    from rag.pipeline import Engine

    with Engine(_settings(store)) as engine:
        for name in source:
            for gone in engine.remove(name):
                print(f"removed {gone}")


@app.command()
def doctor(store: StoreOption = None) -> None:
    """Check settings, weights and store, and say what to do about what is wrong."""
    from rag.doctor import checks

    failed = False
    for name, problem, detail in checks(_settings(store)):
        failed = failed or problem
        print(f"{'FAIL' if problem else 'ok':4}  {name:18}  {detail}")
    if failed:
        raise typer.Exit(1)


def _settings(store: Path | None) -> Settings:
    return Settings(store=store) if store else Settings()


def _open(store: Path | None) -> Engine:
    from rag.default import open_engine

    return open_engine(_settings(store), lambda line: print(f"rag: {line}", file=sys.stderr))


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def _print_report(report: IngestReport) -> None:
    for label, names in (("added", report.added), ("replaced", report.replaced)):
        for name in names:
            print(f"{label} {name}")
    for name, reason in report.failed:
        print(f"failed {name}: {reason}", file=sys.stderr)
    print(
        f"{len(report.added)} added, {len(report.replaced)} replaced, {len(report.unchanged)} unchanged, "
        f"{len(report.failed)} failed; {report.passages} new passages in {report.seconds:.1f} s"
    )
