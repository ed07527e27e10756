"""Some kills, recovered from; and that the benchmark sees a store that is not as it should be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes import ROOT
from stores import MODEL, make_entry, write

from bench.support.crash_store import State, committed, dump
from rag.store.index import Index

pytestmark = pytest.mark.long

COD = make_entry("Cod left the bay. The bay froze. Nobody fished.", "a.txt")
HERRING = make_entry("Herring came home. Home was warm.", "b.txt")


def test_recovered_from_kills() -> None:
    """In a process of its own: it forks, and this one has had Chroma open."""
    command = [sys.executable, "-m", "bench.crash", "--points", "6", "--seed", "3"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    for operation, row in zip(["ingest", "update", "delete"], rows[2:], strict=True):
        name, points, kills, equal, twice, problems, seconds = row
        assert (name, points, equal, twice, problems) == (operation, "2", "2", "0", "0")
        assert int(kills) >= 2 and float(seconds) > 0


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    index = Index.open(tmp_path / "store", MODEL)
    write(index, COD, HERRING)
    yield index
    index.close()


def an_orphan(index: Index) -> None:
    orphan = make_entry("Orphans play chess.", "c.txt")
    index.vectors.put([((orphan.chunks or ())[0], orphan.document, (orphan.vectors or ())[0][0])])


def a_lost_passage(index: Index) -> None:
    index.vectors.remove([(COD.chunks or ())[0].id])


def another_vector(index: Index) -> None:
    [chunk, *_] = COD.chunks or ()
    index.vectors.put([(chunk, COD.document, (HERRING.vectors or ())[0][0])])


def a_lost_sentence(index: Index) -> None:
    index.lexical.remove([(COD.chunks or ())[0].id])
    index.lexical.commit()


def another_date(index: Index) -> None:
    with index.documents.database.write() as connection:
        connection.execute("UPDATE documents SET date = '2024-07-12' WHERE source = 'a.txt'")


def a_forgotten_file(index: Index) -> None:
    with index.documents.database.write() as connection:
        connection.execute("DELETE FROM files WHERE path = '/articles/a.txt'")


@pytest.mark.parametrize(
    "harm", [an_orphan, a_lost_passage, another_vector, a_lost_sentence, another_date, a_forgotten_file]
)
def test_differences_are_seen(index: Index, harm: Callable[[Index], None]) -> None:
    before = dump(index)
    assert before.problems == [] and dump(index).differences(before) == []
    harm(index)
    after = dump(index)
    assert after.differences(before) != [] and before.differences(after) != []


def test_the_order_of_writing_and_the_clock_do_not_count(index: Index, tmp_path: Path) -> None:
    other = Index.open(tmp_path / "other", MODEL)
    write(other, HERRING)
    write(other, make_entry("Cod left the bay. The bay froze. Nobody fished.", "a.txt", added="1999-01-01"))
    found: State = dump(other)
    other.close()
    assert found.differences(dump(index)) == []


def test_what_was_committed(index: Index, tmp_path: Path) -> None:
    chunk_ids = {chunk.id for entry in (COD, HERRING) for chunk in entry.chunks or ()}
    assert committed(tmp_path / "store" / "documents.db") == chunk_ids
    assert committed(tmp_path / "no" / "documents.db") == set()
