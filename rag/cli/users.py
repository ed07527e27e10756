"""`rag users`: add, list and remove the users of the web chat, their API keys, and what they did."""

from __future__ import annotations

import dataclasses
import getpass
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rag.cli import extras
from rag.cli.console import print_json, shown
from rag.errors import UsageError
from rag.settings import Settings
from rag.users.roles import Role

if TYPE_CHECKING:
    from rag.users.accounts import Users

app = typer.Typer(no_args_is_help=True, add_completion=False)
keys = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(keys, name="key", help="Add, list and remove API keys.")

Name = Annotated[str, typer.Argument(help="The user's name.")]
KeyName = Annotated[str, typer.Argument(help="What the key is called.")]
Store = Annotated[Path | None, typer.Option("--store", help="Folder of the store whose users they are.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.READER,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="They log in at the provider (RAG_OIDC_ISSUER) only.")
    ] = False,
    store: Store = None,
) -> None:
    """Add a user; the password is asked for, or is the first line of standard input."""
    with _users(store) as users:
        first = not users.exist()
        user = users.add(name, None if no_password else _password(), role)
        users.log.note("user added", _me(), about=user.name, role=user.role.value)
    print(f"added {user.name} ({user.role.value})")
    if first:
        print("From now on everyone needs a user to use the web chat and the HTTP interface.")
    if first and role is not Role.ADMIN:
        print("No user is an admin; add one with: rag users add NAME --role admin")


@app.command("list")
def list_users(store: Store = None, as_json: AsJson = False) -> None:
    """List the users."""
    with _users(store) as users:
        found = users.all()
    rows = [{"name": user.name, "role": user.role.value, "added": user.added} for user in found]
    _print(rows, ("name", "role", "added"), as_json)


@app.command()
def remove(name: Name, store: Store = None) -> None:
    """Remove a user with their keys; their sessions end."""
    with _users(store) as users:
        user = users.remove(name)
        users.log.note("user removed", _me(), about=user.name)
        print(f"removed {user.name}")
        if not users.exist():
            print("No user is left, so the web chat needs none.")


@app.command()
def passwd(name: Name, store: Store = None) -> None:
    """Give a user another password; their sessions end. It is asked for, or is the first line of standard input."""
    with _users(store) as users:
        users.find(name)  # before the password is asked for
        user = users.set_password(name, _password())
        users.log.note("password changed", _me(), about=user.name)
    print(f"changed the password of {user.name}")


@app.command()
def role(name: Name, role: Annotated[Role, typer.Argument(help="What they may do.")], store: Store = None) -> None:
    """Give a user another role."""
    with _users(store) as users:
        user = users.set_role(name, role)
        users.log.note("role changed", _me(), about=user.name, role=user.role.value)
    print(f"{user.name} is {user.role.value} now")


@app.command()
def log(
    last: Annotated[int, typer.Option(help="How many lines, at most.", min=1)] = 50,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Print who logged in, failed to, and added or removed what; oldest first."""
    with _users(store) as users:
        lines = users.log.lines(last)
    if as_json:
        for line in lines:
            print_json(line, one_line=True)
        return
    for line in lines:
        more = ", ".join(f"{name} {value}" for name, value in line.items() if name not in ("time", "user", "what"))
        print(shown("  ".join(filter(None, (str(line.get("time")), str(line.get("what")), line.get("user"), more)))))


@keys.command("add")
def add_key(
    user: Name,
    name: KeyName,
    role: Annotated[Role | None, typer.Option(help="What it may do; by default what its user may.")] = None,
    days: Annotated[int, typer.Option(help="After how many days it expires.")] = 365,
    store: Store = None,
) -> None:
    """Add a key for a user and print it; it is not shown again."""
    with _users(store) as users:
        key = users.add_key(user, name, role, days)
        users.log.note("key added", _me(), about=user, key=name)
    print(key)
    print("Keep the key now; it is not shown again.", file=sys.stderr)


@keys.command("list")
def list_keys(
    user: Annotated[str | None, typer.Argument(help="Whose keys; all by default.")] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """List the keys, without their secrets."""
    with _users(store) as users:
        rows = [{**dataclasses.asdict(key), "role": key.role.value} for key in users.keys(user)]
    _print(rows, ("user", "name", "role", "added", "expires"), as_json)


@keys.command("remove")
def remove_key(user: Name, name: KeyName, store: Store = None) -> None:
    """Remove a key, which cannot be used any more."""
    with _users(store) as users:
        users.remove_key(user, name)
        users.log.note("key removed", _me(), about=user, key=name)
    print(f"removed {shown(name)} of {shown(user)}")


@contextmanager
def _users(store: Path | None) -> Iterator[Users]:
    extras.need("eval", "chat")
    from rag.users.accounts import Users

    with Users.of(Settings(store=store) if store else Settings()) as users:
        yield users


def _me() -> str:
    """Return who runs the command, as the log names them."""
    try:
        return f"command line ({getpass.getuser()})"
    except (KeyError, OSError, ImportError):  # this machine has no name for the user
        return f"command line ({os.getuid() if hasattr(os, 'getuid') else 'unknown'})"


def _password() -> str:
    """Return a password from the terminal, where it is typed twice, or from standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise UsageError("the two passwords differ; run the command again")
    return password


def _print(rows: Sequence[dict[str, str]], names: Sequence[str], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    table = Table(*names, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(shown(row[name])) for name in names))
    Console().print(table)
