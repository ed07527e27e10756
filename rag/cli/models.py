"""`rag models`: list, download and check the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rag.cli.console import print_table
from rag.errors import ModelError, UsageError
from rag.models import registry
from rag.models.judge import BASE as JUDGE_BASE
from rag.settings import Settings

app = typer.Typer(
    help="List, download and check the models that run on this machine.", no_args_is_help=True, add_completion=False
)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME…]", help="Names or aliases from the list.")]


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the models by name, with size, licence and whether they are here."""
    folder = Settings().models
    rows: list[dict[str, str | int]] = [
        {
            "name": model.name,
            "alias": model.alias,
            "kind": model.kind,
            "size": model.size,
            "license": model.license,
            "status": registry.status(model.name, folder),
        }
        for model in registry.MODELS
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for header in ("name", "alias", "kind", "size", "licence", "status"):
        table.add_column(header, no_wrap=True, justify="right" if header == "size" else "left")
    for row in rows:
        table.add_row(*(_megabytes(cell) if isinstance(cell, int) else cell for cell in row.values()))
    print_table(table)


@app.command()
def pull(
    names: Names = None,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="PATH", help="A file or a folder to copy from, tried first.")
    ] = None,
) -> None:
    """Download models, by default those that the settings name, and print where they are."""
    settings = Settings()
    judge = JUDGE_BASE if settings.judge == "judge" else settings.judge
    wanted = names or [name for name in (settings.llm, settings.embedding, judge) if _is_known(name)]
    if not wanted:
        raise UsageError("the settings name no model that can be pulled; run: rag models pull NAME")
    for name in [registry.find(name).name for name in wanted]:  # an unknown name fails before any download
        typer.echo(registry.pull(name, settings.models, local=source))


@app.command()
def verify(names: Names = None) -> None:
    """Hash every byte of the models, by default of all that are here."""
    folder = Settings().models
    wanted = names or [model.name for model in registry.MODELS if registry.status(model.name, folder) != "missing"]
    if not wanted:
        raise ModelError(f"there is no model in {folder}; run: rag models pull")
    failures: list[ModelError] = []
    for model in [registry.find(name) for name in wanted]:
        try:
            registry.verify(model.name, folder)
            typer.echo(f"{model.name}: ok")
        except ModelError as error:
            failures.append(error)
            typer.echo(f"{model.name}: failed")
    if failures:
        raise failures[0] if len(failures) == 1 else ModelError("; ".join(str(error) for error in failures))


@app.command("path")
def print_path(name: Annotated[str, typer.Argument(help="Name or alias from the list.")]) -> None:
    """Print where a model is."""
    typer.echo(registry.path(name, Settings().models))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _is_known(name: str) -> bool:
    try:
        registry.find(name)
    except ModelError:
        return False
    return True
