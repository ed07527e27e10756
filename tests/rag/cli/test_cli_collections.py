"""`--collection`: each command works on one library of the store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Rag
from fakes import write_articles

pytestmark = pytest.mark.long

RULING = "The court of Harborough fined the builder 310 euros."


@pytest.fixture
def court(rag: Rag, tmp_path: Path) -> Rag:
    """A store with the collection `court` of one article, and no other one yet."""
    folder = write_articles(tmp_path / "court", {"ruling.txt": RULING})
    assert rag("ingest", folder, "--collection", "court").out.startswith("added ruling.txt")
    assert "1 unchanged" in rag("ingest", folder, "--collection", "Court").out
    return rag


def listed(rag: Rag, *options: str) -> list[str]:
    return [entry["source"] for entry in json.loads(rag("sources", "--json", *options).out)]


def test_each_command_uses_it(court: Rag, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "310 euros" in court("ask", "How much was the builder fined?", "--collection", "court").out
    assert listed(court) == [] and listed(court, "--collection", "court") == ["ruling.txt"]
    made = court("ask", "How much was the builder fined?")
    assert "made a new library" in made.err and "310 euros" not in made.out
    assert "ok    collection court" in court("doctor").out
    assert court("remove", "ruling.txt").code == 1
    monkeypatch.setenv("RAG_COLLECTION", "court")
    assert court("remove", "ruling.txt").out == "removed ruling.txt\n"
    assert listed(court) == [] and len(listed(court, "--collection", "default")) == 5


@pytest.mark.parametrize("command", [("ask", "Who?"), ("check", "A pier."), ("sources",), ("remove", "x"), ("chat",)])
def test_an_unknown_one_is_an_error_of_one_line(court: Rag, command: tuple[str, ...]) -> None:
    done = court(*command, "--collection", "curt")
    [line] = done.err.splitlines()
    assert done.code == 2 and done.out == "" and "no collection 'curt'; there are default, court" in line
    done = court(*command, "--collection", "../curt")
    assert done.code == 2 and "cannot be the name of a collection" in done.err and len(done.err.splitlines()) == 1


def test_a_failed_ingest_makes_none(court: Rag, tmp_path: Path) -> None:
    assert court("ingest", tmp_path / "nothing", "--collection", "typo").code == 1
    assert "there are default, court;" in court("ask", "Who?", "--collection", "typo").err
