"""An ingest whose files are read and embedded by workers: the same library, whatever happens to them."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from crews import Crew
from fakes import WAIT, make_engine, write_articles
from syncs import THREE, assert_sound, did, library, rows, settle

from rag import ClusterError, Engine, IngestReport, StoreError
from rag.ingest import spread
from rag.ingest.sync import sync


@pytest.fixture(autouse=True)
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker take one or two files at a time, and count tables as large."""
    monkeypatch.setattr(spread, "_FILES", 2)
    monkeypatch.setattr(spread, "_LARGE", 5_000)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Any:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("dateline-s")]


def ingest(engine: Engine, folder: Path, crew: Crew | None) -> IngestReport:
    return sync(engine._index, engine._models.embedding(), [folder], 4, workers=crew)


def many(folder: Path) -> Path:
    """Write articles, a copy of one, an empty file and a large table."""
    texts = {f"{n:02d}.txt": f"Ferry {n} sank near pier {n}. Its captain {n} was saved." for n in range(12)}
    write_articles(folder, texts | {"copy.txt": texts["03.txt"], "empty.txt": "", "table.jsonl": rows(400)})
    settle(folder)
    return folder


def test_the_library_and_the_report_are_those_of_one_process(tmp_path: Path) -> None:
    folder = many(tmp_path / "articles")
    with make_engine(tmp_path / "one", documents={}) as one, make_engine(tmp_path / "many", documents={}) as other:
        alone, spread_out = ingest(one, folder, None), ingest(other, folder, crew := Crew())
        assert len(spread_out.added) == 13 + 400
        assert did(spread_out) == did(alone) and spread_out.passages == alone.passages == crew.embedding.embedded
        assert library(other) == library(one) and other.counts() == one.counts()
        assert {step for step, _ in crew.calls} == {"read", "embed", "vectors"}
        assert_sound(other)
        calls = len(crew.calls)
        assert len(ingest(other, folder, crew).unchanged) == len(alone.added) - 400 + 1
        assert [step for step, _ in crew.calls[calls:]] in (["read"], ["read", "embed"])  # the empty file


def test_moved_and_changed_files_are_not_embedded_again(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "articles", THREE)
    with make_engine(tmp_path, documents={}) as engine:
        ingest(engine, folder, None)
        (folder / "cod.txt").rename(folder / "fish.txt")
        write_articles(folder, {"b/news.md": "Herring left home."})
        (folder / "b" / "pike.txt").touch()
        report = ingest(engine, folder, crew := Crew())
        assert (report.moved, report.replaced, report.unchanged) == (("fish.txt",), ("b/news.md",), ("b/pike.txt",))
        assert crew.embedding.embedded == report.passages == 1
        assert_sound(engine)


@pytest.mark.parametrize("step", ["read", "embed"])
@pytest.mark.parametrize("times", [1, 3])
def test_what_a_lost_worker_had_is_done_again_once(tmp_path: Path, step: str, times: int) -> None:
    folder = many(tmp_path / "articles")
    crew = Crew({(step, 2): times, ("vectors", -1): 1})
    with make_engine(tmp_path, documents={}) as engine:
        report = ingest(engine, folder, crew)
        assert len(report.added) == len(set(report.added)) == 13 + 400 and len(report.failed) == 1
        assert crew.calls.count((step, 2)) == times + 1
        assert engine.counts()[0] == 12 + 400
        assert_sound(engine)


def test_files_that_end_every_worker_are_named_and_the_rest_before_them_is_kept(tmp_path: Path) -> None:
    folder = many(tmp_path / "articles")
    with make_engine(tmp_path, documents={}) as engine:
        with pytest.raises(
            ClusterError, match=r"4 workers in a row ended while they had 04\.txt and others \(the mach"
        ):
            ingest(engine, folder, Crew({("embed", 2): 4}))
        assert set(library(engine)) == {f"{n:02d}.txt" for n in range(4)}
        assert_sound(engine)
        assert len(ingest(engine, folder, Crew()).unchanged) == 4  # the same command goes on


def test_a_worker_that_does_not_see_the_files_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_articles(tmp_path / "articles", THREE)
    with make_engine(tmp_path, documents={}) as engine:
        ingest(engine, folder, None)
        (folder / "cod.txt").touch()
        real = os.stat

        def stat(path: Any, **options: Any) -> os.stat_result:
            if threading.current_thread().name.startswith("dateline-spread"):
                raise FileNotFoundError(path)
            return real(path, **options)

        monkeypatch.setattr("rag.ingest.read.os.stat", stat)
        with pytest.raises(
            ClusterError, match=r"a worker does not see .*articles/.*; put the articles in a folder that"
        ):
            ingest(engine, folder, Crew())
        assert library(engine) == THREE


def test_a_file_that_is_really_gone_is_removed(tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "articles", THREE)
    crew = Crew()
    with make_engine(tmp_path, documents={}) as engine:
        ingest(engine, folder, None)
        write_articles(folder, {"cod.txt": "Something else."})
        crew.before = lambda step, _: (folder / "cod.txt").unlink(missing_ok=True)
        assert ingest(engine, folder, crew).removed == ("cod.txt",)


def test_workers_do_not_run_ahead_of_a_slow_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_articles(tmp_path / "articles", {f"{n:02d}.txt": f"Ferry {n} sank." for n in range(40)})
    go, crew = threading.Event(), Crew(most=2)
    with make_engine(tmp_path, documents={}) as engine:
        real, idle = engine._index.write, threading.Event()

        def write(*given: Any) -> list[str]:
            assert go.wait(WAIT)
            return real(*given)

        def before(step: str, number: int) -> None:
            threading.Timer(0.5, idle.set).start()

        monkeypatch.setattr(engine._index, "write", write)
        crew.before = before
        thread = threading.Thread(target=ingest, args=(engine, folder, crew))
        thread.start()
        assert idle.wait(WAIT)
        begun = {number for step, number in crew.calls if step == "read"}
        go.set()
        thread.join()
        # The window (2 * 2 + 1), and one batch each that is read ahead, waits to be written and is being written.
        assert len(begun) <= 5 + 3
        assert engine.counts()[0] == 40


def test_a_store_that_fails_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = many(tmp_path / "articles")
    with make_engine(tmp_path, documents={}) as engine:

        def write(*_: Any) -> list[str]:
            raise StoreError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(engine._index, "write", write)
            with pytest.raises(StoreError, match="the disk is full"):
                ingest(engine, folder, crew := Crew())
        assert len({number for _, number in crew.calls}) < 9  # it stopped early
        assert len(ingest(engine, folder, Crew()).added) == 13 + 400
