"""`rag` alone: lines that are piped, and a conversation on a terminal, here and through a running server."""

from __future__ import annotations

import io
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest
from commands import Rag
from fakes import FakeLLM, make_engine, write_articles

from rag import Answer
from rag.cli import talk

pytestmark = pytest.mark.long
COD = {
    "cod.txt": "The cod left the harbour in May 2019. Captain Odile Brandt saw it.",
    "mayor.txt": "Mayor Ana Kovic opened the new bridge in June 2020. Kovic was born in Split.",
}
LEFT = "When did the cod leave the harbour?"


class Terminal(io.StringIO):
    """Text that looks as if it came from or went to a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def piped(rag: Rag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rag:
    """Run `rag` with lines on its standard input, over two articles."""
    rag("ingest", write_articles(tmp_path / "articles", COD))

    def run(*lines: str) -> object:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return rag()

    return run  # type: ignore[return-value]


def test_every_line_is_a_question(piped: Rag) -> None:
    run = piped(LEFT, "", "Who opened the new bridge?")
    assert (run.code, run.err) == (0, "")
    first, second = run.out.strip().split("\n\n")
    assert "2019" in first and "[1] cod.txt" in first
    assert "Kovic" in second and "[1] mayor.txt" in second


def test_commands_are_lines_too(piped: Rag) -> None:
    run = piped("/sources", "/help", "/new", "/quit", "Who opened the new bridge?")
    assert run.code == 0 and "cod.txt  " in run.out and "\n2 articles\n" in run.out
    assert "/sources" in run.out and "[1]" not in run.out, "nothing after /quit is read"


def test_a_wrong_line_does_not_end_it(piped: Rag) -> None:
    run = piped("/nothing", "x" * 3000, LEFT)
    assert run.code == 2 and "2019" in run.out
    unknown, too_long = run.err.splitlines()
    assert "/nothing" in unknown and "/help" in unknown and "3,000 characters" in too_long


def test_a_follow_up_refers_to_the_line_before(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=COD) as engine:
        here = talk.Here(engine)
        list(here.stream("Where was Brandt?"))
        [answer] = [part for part in here.stream("And Kovic?") if isinstance(part, Answer)]
        assert answer.question == "Where was Kovic?"
        here.forget()
        [answer] = [part for part in here.stream("And Kovic?") if isinstance(part, Answer)]
        assert answer.question == "And Kovic?"


class Scripted:
    """A partner that says what the test wants it to."""

    def __init__(self, *parts: str | Answer | BaseException) -> None:
        self.parts = parts

    def stream(self, question: str) -> Iterator[str | Answer]:
        for part in self.parts:
            if isinstance(part, BaseException):
                raise part
            yield part

    def sources(self) -> tuple[()]:
        return ()

    def forget(self) -> None: ...


def answer(text: str) -> Answer:
    return Answer("Q?", text, False, (), (), "m", {}, "")


def enter(monkeypatch: pytest.MonkeyPatch, *lines: str | type[BaseException]) -> Terminal:
    """Let a reader at a terminal enter lines; return what they see."""
    left = iter(lines)
    seen = Terminal()

    def entered(prompt: str) -> str:
        line = next(left)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("builtins.input", entered)
    monkeypatch.setattr(sys, "stdout", seen)
    return seen


def test_a_draft_makes_way_for_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = enter(monkeypatch, "Q?", EOFError)
    assert talk._with_a_reader(Scripted("first ", "words", answer("The answer."))) == 0
    seen = typed.getvalue()
    assert seen.index("words") < seen.index("The answer.") and seen.rstrip().endswith("The answer.")


def test_ctrl_c_ends_an_answer_and_not_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = enter(monkeypatch, KeyboardInterrupt, "Q?", "/help", "/quit")
    assert talk._with_a_reader(Scripted("first", KeyboardInterrupt())) == 0
    assert "stopped" in typed.getvalue() and "/sources" in typed.getvalue()


def test_lines_are_kept_for_this_user_only(monkeypatch: pytest.MonkeyPatch) -> None:
    readline = pytest.importorskip("readline")
    enter(monkeypatch, EOFError)
    readline.clear_history()
    readline.add_history(LEFT)
    talk._with_a_reader(Scripted())
    path = platformdirs.user_state_path("dateline", appauthor=False) / "history"
    assert LEFT in path.read_text(encoding="utf-8").replace("\\040", " ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    readline.clear_history()
    with talk._line_history():
        assert readline.get_history_item(readline.get_current_history_length()).replace("\\040", " ") == LEFT


def test_a_stopped_answer_stops_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeLLM(replies={"harbour": "in May 2019"})
    with make_engine(tmp_path, documents=COD, model=model) as engine:
        partner = talk.Here(engine)
        monkeypatch.setattr(talk.Text, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        typed = enter(monkeypatch, LEFT, EOFError)
        assert talk._with_a_reader(partner) == 0
        assert model.closed.wait(10) and "stopped" in typed.getvalue()
