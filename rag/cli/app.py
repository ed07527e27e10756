"""The command line: `rag ingest | ask | check | chat | mcp | eval | sources | remove | feedback | models | users | …`.

`rag` alone is a conversation in the terminal (rag.cli.talk).

Exit codes: 0 done, 1 failed, 2 wrong usage. An error is one line that says what to do next. Results go to stdout,
everything else to stderr.
"""

from __future__ import annotations

import contextlib
import io
import logging
import secrets
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.markup import escape
from rich.table import Table

from rag import memory
from rag.cli import eval as cli_eval
from rag.cli import extras, given, remote
from rag.cli import ingest as cli_ingest
from rag.cli import models as cli_models
from rag.cli import users as cli_users
from rag.cli.console import count, print_json, print_table, printable, shown
from rag.errors import RagError, SettingsError, UsageError
from rag.origin import readable_date
from rag.settings import Settings
from rag.store import collections
from rag.store.running import Server, announced

if TYPE_CHECKING:
    from rag.engine import Engine

# Engine, web chat and eval suite take seconds to import; only commands that need them do, to keep `rag --help` quick.

app = typer.Typer(
    name="rag",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(cli_models.app, name="models", help="List, pull and verify the model weights.")
app.add_typer(cli_eval.app, name="eval")
app.add_typer(cli_users.app, name="users", help="Add, list and remove users of the web chat and their API keys.")

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", help="Folder of the store; default: RAG_STORE, rag.toml, the user's data folder."),
]
CollectionOption = Annotated[
    str | None, typer.Option("--collection", help="Which of the store's libraries; default: RAG_COLLECTION, rag.toml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def main() -> None:
    """Run the command line; the console script `rag` and `python -m rag` call this."""
    logging.basicConfig(format="rag: %(message)s", level=logging.WARNING)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that lacks a character shows a question mark
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if memory.is_short(error):
            _fail(f"there is not enough memory; {memory.ADVICE}", 1)
        if not isinstance(error, RagError):
            raise
        _fail(str(error), error.exit_code)


def _fail(message: str, code: int) -> NoReturn:
    print(f"rag: error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"dateline {metadata.version('dateline')}")
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Dateline answers questions over news articles and cites the exact sentence for every statement.

    Without a command it is a conversation in the terminal, or answers each line of standard input.
    """
    if context.invoked_subcommand is None:
        from rag.cli.talk import converse

        raise typer.Exit(converse(Settings(), sys.stdin, given.notify))


@app.command()
def ingest(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders, s3://bucket/folder, web addresses; default: the shipped articles."),
    ] = None,
    columns: Annotated[
        str, typer.Option(help="For csv and jsonl: which column holds what, such as text=Body,title=Head.")
    ] = "",
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and take over every change of the files until Ctrl-C.")
    ] = False,
    ray: Annotated[
        str,
        typer.Option(help="Read and embed on a Ray cluster: local, host:6379 or ray://host:10001.", metavar="ADDRESS"),
    ] = "",
    taken: Annotated[
        Path | None,
        typer.Option("--from", help="Folder of another store: take over its articles, without embedding them again."),
    ] = None,
    store: StoreOption = None,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the library hold what the files and folders hold: new, changed, moved and removed articles."""
    if taken is not None:
        if paths or columns or watch or ray:
            raise UsageError("--from takes over a store and reads no files; leave the paths or --from out")
        cli_ingest.take_over(given.settings(store, collection), taken, as_json)
    elif code := cli_ingest.run(given.settings(store, collection), paths or [], columns, watch, as_json, ray):
        raise typer.Exit(code)


Since = Annotated[str, typer.Option(help="Only articles of this day or later: 2024-07-12, 2024-07 or 2024.")]
Until = Annotated[str, typer.Option(help="Only articles of this day or earlier.")]
Sources = Annotated[
    list[str] | None, typer.Option(help="Only articles whose name or publisher fits: reuters, 2024/*. Repeatable.")
]
Authors = Annotated[list[str] | None, typer.Option(help="Only articles by them. Repeatable.")]
Languages = Annotated[list[str] | None, typer.Option(help="Only articles in it: en, de. Repeatable.")]


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    since: Since = "",
    until: Until = "",
    source: Sources = None,
    author: Authors = None,
    language: Languages = None,
    store: StoreOption = None,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question over the library, with citations."""
    filters = given.filters(since, until, source, author, language)
    question = given.decoded(question)
    if server := remote.find(given.settings(store, collection), answers=True):
        answer = server.ask(question, filters)
    else:
        with given.opened(store, collection, quick=bool(question.strip())) as engine:
            if question.strip():
                engine.warm_up(question)
            answer = engine.answer(question, filters)
    if as_json:
        print_json(answer.to_dict())
    else:
        print(printable(str(answer)))


@app.command()
def check(
    text: Annotated[str, typer.Argument(help="The text, the name of a text file, or - for standard input.")],
    since: Since = "",
    until: Until = "",
    source: Sources = None,
    author: Authors = None,
    language: Languages = None,
    store: StoreOption = None,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold each sentence of a text against the library: supported, contradicted or not found."""
    from rag.cli.check import text_of

    filters = given.filters(since, until, source, author, language)
    found = text_of(given.decoded(text))
    if server := remote.find(given.settings(store, collection), answers=True):
        report = server.check(found, filters)
    else:
        with given.opened(store, collection) as engine:
            report = engine.check(found, filters)
    if as_json:
        print_json(report.to_dict())
    else:
        print(printable(str(report)))


@app.command()
def chat(
    store: StoreOption = None,
    collection: CollectionOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 7860,
    everyone: Annotated[
        bool,
        typer.Option(
            "--open/--no-open",
            help="With a --host that others can reach: let everyone in without a password. Else: open a browser.",
        ),
    ] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Serve a page on which nobody can change anything.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Another name under which the page is reached, such as a proxy's. Repeatable."),
    ] = None,
    root_path: Annotated[
        str, typer.Option(help="Path under which a proxy shows the page, such as /news; the proxy takes it away.")
    ] = "",
    watch: Annotated[
        list[str] | None, typer.Option(help="Folder that the library is kept as while the page is open. Repeatable.")
    ] = None,
) -> None:
    """Open the web chat; RAG_PASSWORD sets a password for it, and `rag users add` makes everyone need a user."""
    extras.need("eval", "chat")  # eval is needed for the tab Quality
    try:
        from rag.users.accounts import Users
        from ui.app import Access, launch, provider_of
    except ImportError as error:
        if "socksio" not in str(error):
            raise
        from rag.network.bounded import NO_SOCKS

        raise SettingsError(NO_SOCKS) from error  # Gradio creates an HTTP client on import

    settings = given.settings(store, collection)
    password = settings.password.get_secret_value() if settings.password else None
    users = Users.of(settings)
    access = Access(host, password, tuple(allow_host or ()), read_only, everyone, users, provider_of(settings))
    access.check()  # before the models are loaded
    folder = settings.store if settings.database else collections.folder_of(settings.store, settings.collection)
    token = secrets.token_urlsafe(32)
    engine = given.opened(store, collection)
    try:
        with cli_ingest.watching(engine, watch or []):
            launch(
                engine,
                host=host,
                port=port,
                open_browser=everyone and access.loopback,
                access=access,
                token=token,
                root_path=f"/{root_path.strip('/')}" if root_path.strip("/") else "",
                announce=lambda url: announced(folder, Server(url, token, settings.hash)),
            )
    finally:
        engine.close()
        users.close()


@app.command()
def sources(store: StoreOption = None, collection: CollectionOption = None, as_json: JsonOption = False) -> None:
    """List the articles in the library."""
    import dataclasses

    if server := remote.find(given.settings(store, collection)):
        found = server.sources()
    else:
        from rag.engine import Engine

        with Engine(given.settings(store, collection)) as engine:
            found = engine.sources()
    if as_json:
        print_json([dataclasses.asdict(entry) for entry in found])
        return
    table = Table("Source", "Title", "Date", "Publisher", "Passages", "Added", box=None)
    for entry in found:
        names = (shown(text) for text in (entry.source, entry.title, readable_date(entry.date), entry.publisher))
        table.add_row(*map(escape, names), str(entry.passages), entry.added[:10])
    print_table(table)
    print(count(len(found), "article"))


@app.command()
def feedback(store: StoreOption = None) -> None:
    """Print what readers think of the answers: a line of JSON for each vote or note, oldest first."""
    from rag.users.feedback import Feedback

    for line in Feedback(given.settings(store, None)).lines():
        print(shown(line))


@app.command()
def remove(
    source: Annotated[list[str], typer.Argument(help="Source names (or ids) as `rag sources` lists them.")],
    store: StoreOption = None,
    collection: CollectionOption = None,
) -> None:
    """Remove articles from the library."""
    with contextlib.ExitStack() as stack:
        library: remote.Remote | Engine | None = remote.find(given.settings(store, collection))
        if library is None:
            from rag.engine import Engine

            library = stack.enter_context(Engine(given.settings(store, collection)))
        for name in source:
            for gone in library.remove(name):
                print(f"removed {shown(gone)}")


@app.command()
def mcp(store: StoreOption = None, collection: CollectionOption = None) -> None:
    """Offer questions, checks and articles as tools to other assistants (MCP), over standard input and output."""
    extras.need("eval", "chat")
    from ui.api.mcp import desk_of, run_stdio

    if server := remote.find(given.settings(store, collection), answers=True):
        run_stdio(remote.RemoteDesk(server))
        return
    with given.opened(store, collection) as engine:
        run_stdio(desk_of(engine))


@app.command()
def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Mend the store's indexes from its documents.")] = False,
    store: StoreOption = None,
) -> None:
    """Check settings, weights and store in full, and say what to do about what is wrong."""
    from rag.cli.doctor import checks

    failed = False
    for name, problem, detail in checks(given.settings(store), repair):
        failed = failed or problem
        print(f"{'FAIL' if problem else 'ok':4}  {name:18}  {detail}")
    if failed:
        raise typer.Exit(1)
