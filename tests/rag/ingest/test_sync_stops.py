"""Syncs that fail, are interrupted or watched, or run side by side."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fakes import FakeEmbedding, write_articles
from syncs import THREE, assert_sound, did, library, rows

from rag import Engine, RagError, StoreError
from rag.reports import IngestReport
from rag.store.index import Index
from rag.types import Chunk

pytestmark = pytest.mark.long

# --- failures and Ctrl-C


def test_a_failing_store_is_an_error_and_the_next_sync_goes_on(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch, embedding: FakeEmbedding
) -> None:
    write_articles(folder, {"list.jsonl": rows(1000)})
    write = Index.write
    calls = 0

    def full(self: Index, entries: Any, finished: Any = ()) -> list[str]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StoreError("the disk is full")
        return write(self, entries, finished)

    with monkeypatch.context() as patch:
        patch.setattr(Index, "write", full)
        with pytest.raises(StoreError, match="the disk is full"):
            engine.ingest(folder)
    held = engine.counts()[0]
    assert 3 < held < 1003 and library(engine)["cod.txt"] == THREE["cod.txt"]
    before = embedding.embedded
    assert engine.ingest(folder).failed == ()
    assert engine.counts()[0] == 1003 and embedding.embedded - before == 1003 - held, "none twice"


@pytest.mark.parametrize("error", [MemoryError("no room"), RuntimeError("kernel fault")])
def test_a_failing_embedding_is_an_error_of_ours(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    write_articles(folder, {"new.txt": "New."})

    def broken(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(FakeEmbedding, "embed_passages", broken)
        with pytest.raises(RagError, match=str(error)):
            engine.ingest(folder)
    assert did(engine.ingest(folder))["added"] == ("new.txt",)


def test_ctrl_c_leaves_what_was_read_so_far(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch, embedding: FakeEmbedding
) -> None:
    write_articles(folder, {"list.jsonl": rows(1000)})
    calls = 0
    embed = FakeEmbedding.embed_passages

    def impatient(self: FakeEmbedding, chunks: Sequence[Chunk]) -> list[npt.NDArray[np.float32]]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return embed(self, chunks)

    with monkeypatch.context() as patch:
        patch.setattr(FakeEmbedding, "embed_passages", impatient)
        with pytest.raises(KeyboardInterrupt):
            engine.ingest(folder)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("dateline-sync")]
    assert_sound(engine)
    held, before = engine.counts()[0], embedding.embedded
    assert held > 3
    engine.ingest(folder)
    assert embedding.embedded - before == 1003 - held


def test_progress_counts_every_file_and_pace_every_passage(engine: Engine, folder: Path) -> None:
    write_articles(folder, {"list.jsonl": rows(600), "bad.txt": "\0\0"})
    files: list[tuple[int, int, str]] = []
    paces: list[tuple[int, float]] = []
    report = engine.ingest(folder, progress=lambda *step: files.append(step), pace=lambda *step: paces.append(step))
    assert [done for done, _, _ in files] == [1, 2, 3, 4, 5] and {total for _, total, _ in files} == {5}
    assert {source for _, _, source in files} == {*THREE, "list.jsonl", "bad.txt"}
    assert paces == sorted(paces) and paces[-1][0] == report.passages == 600 and 0 < paces[0][1] < paces[-1][1] <= 1


def test_an_error_of_the_listener_stops_the_ingest(engine: Engine, folder: Path) -> None:
    write_articles(folder, {"new.txt": "New."})

    def tired(*_: object) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError):
        engine.ingest(folder, pace=tired)
    assert "new.txt" in library(engine)


def test_two_ingests_at_once(engine: Engine, folder: Path) -> None:
    write_articles(folder, {f"new/{n}.txt": f"New article number {n}." for n in range(300)})
    reports: list[IngestReport] = []
    threads = [threading.Thread(target=lambda: reports.append(engine.ingest(folder))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 3 and engine.counts()[0] == 303
    assert sum(len(report.added) for report in reports) == 300


# --- one article


def test_what_embedded_is_noted_before_its_vectors_are_written(
    engine: Engine, folder: Path, embedding: FakeEmbedding, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what a kill leaves written is not embedded again, so it would never be noted
    noted: list[str | None] = []
    write = Index.write

    def watched(index: Index, *rest: Any) -> list[str]:
        noted.append(index.documents.get_meta("embedding_path"))
        return write(index, *rest)

    monkeypatch.setattr(Index, "write", watched)
    engine._index.documents.set_meta("embedding_path", "another")
    write_articles(folder, {"whale.txt": "A whale came into the harbour."})
    engine.ingest(folder)
    assert noted and set(noted) == {embedding.path}
