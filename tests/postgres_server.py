"""A real PostgreSQL server for the tests: the one that `RAG_TEST_POSTGRES` names, or one that is started here."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

# Read before the tests' environment is emptied. Its user has to be allowed to create databases.
_GIVEN = os.environ.get("RAG_TEST_POSTGRES", "")
PASSWORD = "p@ss:w/rd"
_URL = "postgresql+psycopg://dateline:p%40ss%3Aw%2Frd@127.0.0.1:{port}/postgres"
_FLAGS = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=200"


class Postgres:
    """A server, and new databases in it."""

    def __init__(self, url: str, control: Callable[[str], None] | None = None) -> None:
        self.url = url
        self._control = control

    @contextmanager
    def away(self) -> Iterator[None]:
        """Keep the server down within the block: killed as by a power failure, and started again at its end."""
        if self._control is None:
            pytest.skip("the server that RAG_TEST_POSTGRES names is not stopped")
        self._control("stop")
        try:
            yield
        finally:
            self._control("start")

    def new(self) -> str:
        """Create an empty database and return its URL."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name}")
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def run(self, statement: str, url: str = "") -> list[Any]:
        """Run one statement outside of a transaction, and return its rows if it has any."""
        import psycopg

        with psycopg.connect((url or self.url).replace("+psycopg", ""), autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []


def missing() -> str:
    """Return why no server can be started here; empty if one can."""
    try:
        import psycopg
    except ImportError:
        return "psycopg is not installed: pip install 'dateline[postgres]'"
    assert psycopg
    if _GIVEN:
        return ""
    if _programs() is None:
        return "PostgreSQL is not installed here, and RAG_TEST_POSTGRES names no server"
    if _is_root() and not _has_user():
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


@contextmanager
def server() -> Iterator[Postgres]:
    """Lend the server; one that was started here is stopped and its folder removed."""
    if _GIVEN:
        yield Postgres(_GIVEN)
        return
    programs = _programs()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="dateline-postgres-"))
    user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if _is_root() else {}
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        with (folder / "said").open("a") as said:
            subprocess.run(command, cwd=folder, stdout=said, stderr=said, check=True, timeout=120, **user)

    def control(what: str) -> None:
        options = ("-l", str(folder / "log"), "-o", f"-p {port} {_FLAGS}") if what == "start" else ("-m", "immediate")
        run("pg_ctl", "-w", *options, what)

    try:
        run("initdb", "-U", "dateline", "-A", "scram-sha-256", "--pwfile", str(folder / "password"), "--no-sync")
        control("start")
        try:
            yield Postgres(_URL.format(port=port), control)
        finally:
            control("stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    """Return the folder of the newest version's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _has_user() -> bool:
    import pwd

    return any(user.pw_name == "postgres" for user in pwd.getpwall())
