"""`rag` alone: a conversation in the terminal, or one answer for each line of standard input."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

import platformdirs
from rich.console import Console
from rich.live import Live
from rich.text import Text

from rag.cli import remote
from rag.cli.console import count, printable, shown
from rag.errors import RagError, UsageError
from rag.settings import Settings
from rag.types import Answer, SourceInfo

if TYPE_CHECKING:
    from rag.engine import Engine

PROMPT = "> "
HELP = """\
Ask something about the articles. A question may refer to the one before it.
  /sources  list the articles in the library
  /new      begin a new conversation
  /help     show this
  /quit     end; so does Ctrl-D. Ctrl-C stops an answer."""
_KEPT = 1000  # lines of the history
_LISTED = 50  # articles that /sources shows
_HISTORY = 4  # turns that a server is told


class Partner(Protocol):
    """What the conversation is held with."""

    def stream(self, question: str) -> Iterator[str | Answer]:
        """Yield the model's words, unchecked, then the checked answer."""
        ...

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return the articles in the library."""
        ...

    def forget(self) -> None:
        """Begin a new conversation."""
        ...


class Here:
    """An engine in this process.

    Args:
        engine: It answers the questions.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.forget()

    def stream(self, question: str) -> Iterator[str | Answer]:
        """Yield the parts of an answer; see `Chat.stream`."""
        return self._chat.stream(question)

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return the articles in the library."""
        return self._engine.sources()

    def forget(self) -> None:
        """Begin a new conversation."""
        from rag.chat import Chat

        self._chat = Chat(self._engine)


class There:
    """A running server.

    Args:
        server: It answers the questions.
    """

    def __init__(self, server: remote.Remote) -> None:
        self._server = server
        self._history: list[tuple[str, str]] = []

    def stream(self, question: str) -> Iterator[str | Answer]:
        """Yield the parts of an answer; see `Remote.stream`."""
        for part in self._server.stream(question, self._history):
            if isinstance(part, Answer):
                said = "" if part.abstained else " ".join(statement.text for statement in part.statements)
                self._history = [*self._history, (part.question, said)][-_HISTORY:]
            yield part

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return the articles in the library."""
        return self._server.sources()

    def forget(self) -> None:
        """Begin a new conversation."""
        self._history = []


def converse(settings: Settings, given: TextIO, notify: Callable[[str], None]) -> int:
    """Hold a conversation until the reader ends it, and return the exit code.

    On a terminal, an error ends only its question. Piped, every line is a question, and the exit code is that of the
    first error.

    Args:
        settings: The configuration.
        given: Standard input.
        notify: Called with one line for each thing that the reader should know.
    """
    with contextlib.ExitStack() as stack:
        partner: Partner
        if server := remote.find(settings, answers=True):
            partner = There(server)
        else:
            from rag.shared_engine import open_engine

            partner = Here(stack.enter_context(open_engine(settings, notify)))
        if given.isatty():
            return _with_a_reader(partner)
        lines = itertools.takewhile(lambda line: not _ends(line), given)
        codes = [_turn(partner, line) for line in lines]
        return next((code for code in codes if code), 0)


def _with_a_reader(partner: Partner) -> int:
    print("Dateline answers from the articles in its library. /help says what else you can do.")
    with _line_history():
        while True:
            try:
                line = input(PROMPT)
            except EOFError:
                print()
                return 0
            except KeyboardInterrupt:  # an unfinished line is dropped, as shells do
                print()
                continue
            if _ends(line):
                return 0
            try:
                _turn(partner, line)
            except KeyboardInterrupt:
                print("\nstopped")


def _ends(line: str) -> bool:
    return line.strip() == "/quit"


def _turn(partner: Partner, line: str) -> int:
    """Do what a line asks for, and return the exit code of what went wrong."""
    line = line.encode("utf-8", "surrogateescape").decode("utf-8", "replace").removeprefix("\ufeff").strip()
    try:
        if line.startswith("/"):
            _command(partner, line)
        elif line:
            _answer(partner, line)
    except RagError as error:
        print(f"rag: error: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    return 0


def _command(partner: Partner, line: str) -> None:
    if line == "/help":
        print(HELP)
    elif line == "/new":
        partner.forget()
        print("A new conversation.")
    elif line == "/sources":
        found = partner.sources()
        for entry in found[:_LISTED]:
            print(f"{shown(entry.source)}  {shown(entry.title)}")
        if len(found) > _LISTED:
            print(f"and {len(found) - _LISTED:,} more; `rag sources` lists all")
        print(count(len(found), "article"))
    else:
        raise UsageError(f"there is no command {shown(line.split()[0])}; /help lists them")


def _answer(partner: Partner, question: str) -> None:
    """Show the draft while it is written, where a reader can see it, then print the answer in its place."""
    draft = Text(style="dim italic")
    console = Console()
    parts = partner.stream(question)
    with contextlib.ExitStack() as stack:
        stack.callback(getattr(parts, "close", lambda: None))  # an interrupted answer stops the model
        if sys.stdout.isatty():
            stack.enter_context(Live(draft, console=console, transient=True, refresh_per_second=10))
        for part in parts:
            if isinstance(part, str):
                draft.append(printable(part))
                continue
            answer = part
    print(f"{printable(str(answer))}\n", flush=True)


@contextlib.contextmanager
def _line_history() -> Iterator[None]:
    """Keep the lines that the reader enters in a file that only they can read, where Python can edit lines."""
    try:
        import readline
    except ImportError:  # Windows, whose console has a history of its own
        yield
        return
    path = platformdirs.user_state_path("dateline", appauthor=False) / "history"
    with contextlib.suppress(OSError):  # none yet, or it cannot be read
        readline.read_history_file(path)
    readline.set_history_length(_KEPT)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # a history that cannot be kept is not worth an error
            _make_private(path)
            readline.write_history_file(path)


def _make_private(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    os.chmod(path, 0o600)
