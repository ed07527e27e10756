"""Watching: changes are taken over, what goes away is waited for, and one bad folder stops no other."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import WAIT, FakeEmbedding, make_engine, write_articles

from rag import Engine, StoreError
from rag.ingest.watch import watch
from rag.reports import IngestReport

COD = {"cod.txt": "The cod left the harbour."}


class Watcher:
    """Watches from a thread; `next` waits for what it reports."""

    def __init__(self, engine: Engine, *paths: Path) -> None:
        self.stop = threading.Event()
        self.reports: queue.Queue[IngestReport] = queue.Queue()
        self.errors: list[Exception] = []
        self._thread = threading.Thread(target=self._run, args=(engine, paths), name="test-watch")
        self._thread.start()

    def _run(self, engine: Engine, paths: tuple[Path, ...]) -> None:
        try:
            watch(engine, paths, self.stop, self.reports.put)
        except Exception as error:
            self.errors.append(error)

    def next(self) -> IngestReport:
        return self.reports.get(timeout=WAIT)

    def close(self) -> None:
        self.stop.set()
        self._thread.join(WAIT)
        assert not self._thread.is_alive()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_articles(tmp_path / "articles", COD)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents={}) as engine:
        yield engine


@pytest.fixture
def watcher(engine: Engine, folder: Path) -> Iterator[Watcher]:
    """One that has taken the first article in."""
    watcher = Watcher(engine, folder)
    try:
        assert watcher.next().added == ("cod.txt",)
        yield watcher
    finally:
        watcher.close()
    assert watcher.errors == []


def test_changes_are_taken_over(watcher: Watcher, engine: Engine, folder: Path) -> None:
    write_articles(folder, {"new/pike.txt": "A pike was seen."})
    assert watcher.next().added == ("new/pike.txt",)
    write_articles(folder, {"cod.txt": "The trout left the harbour."})
    assert watcher.next().replaced == ("cod.txt",)
    (folder / "new").rename(folder / "old")
    assert watcher.next().moved == ("old/pike.txt",)
    (folder / "cod.txt").unlink()
    assert watcher.next().removed == ("cod.txt",)
    assert [entry.source for entry in engine.sources()] == ["old/pike.txt"]


def test_hidden_files_are_no_news(watcher: Watcher, folder: Path) -> None:
    write_articles(folder, {".git/index.txt": "x", ".cod.txt.swp": "x"})
    write_articles(folder, {"b.txt": "Something new."})
    assert watcher.next().added == ("b.txt",)
    assert watcher.reports.empty()


def test_a_folder_that_goes_away_is_waited_for(watcher: Watcher, engine: Engine, folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    [(name, reason)] = watcher.next().failed
    assert name == str(folder) and "holds articles in the store (1 file)" in reason
    assert len(engine.sources()) == 1
    write_articles(folder.parent / "elsewhere", {"pike.txt": "A pike was seen."})
    (folder.parent / "elsewhere").rename(folder)
    assert watcher.next().added == ("pike.txt",)
    write_articles(folder, {"last.txt": "Seen again."})
    assert watcher.next().added == ("last.txt",)


def test_a_file_that_is_replaced_by_another(engine: Engine, folder: Path) -> None:
    watcher = Watcher(engine, folder / "cod.txt")
    try:
        assert watcher.next().added == ("cod.txt",)
        (folder / "new").write_text("The trout left.", encoding="utf-8")
        (folder / "new").replace(folder / "cod.txt")
        assert watcher.next().replaced == ("cod.txt",)
        write_articles(folder, {"cod.txt": "The bream left."})
        assert watcher.next().replaced == ("cod.txt",)
    finally:
        watcher.close()


def test_a_folder_that_is_missing_stops_no_other(engine: Engine, folder: Path, tmp_path: Path) -> None:
    watcher = Watcher(engine, tmp_path / "later", folder)
    try:
        report = watcher.next()
        assert report.added == ("cod.txt",) and [name for name, _ in report.failed] == [str(tmp_path / "later")]
        write_articles(tmp_path / "later", {"late.txt": "Better late."})
        assert watcher.next().added == ("late.txt",)
    finally:
        watcher.close()
    assert watcher.errors == []


def test_nothing_to_watch_yet(engine: Engine, tmp_path: Path) -> None:
    watcher = Watcher(engine, tmp_path / "later")
    try:
        assert watcher.next().failed
        write_articles(tmp_path / "later", {"late.txt": "Better late."})
        assert watcher.next().added == ("late.txt",)
    finally:
        watcher.close()


def test_a_failure_is_reported_once(watcher: Watcher, folder: Path) -> None:
    (folder / "bad.txt").write_bytes(b"\0")
    assert [name for name, _ in watcher.next().failed] == ["bad.txt"]
    write_articles(folder, {"b.txt": "Something new."})
    report = watcher.next()
    assert report.added == ("b.txt",) and len(report.failed) == 1
    (folder / "bad.txt").unlink()
    assert watcher.next().failed == ()


def test_a_failing_store_ends_it(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(FakeEmbedding, "embed_passages", broken)
    with make_engine(tmp_path, documents={}) as engine:
        watcher = Watcher(engine, folder)
        watcher._thread.join(WAIT)
        assert [str(error) for error in watcher.errors] == ["the disk is full"]


def test_stopped_before_it_starts(engine: Engine, folder: Path) -> None:
    stop = threading.Event()
    stop.set()
    watch(engine, [folder], stop, lambda _: None)
    shutil.rmtree(folder)
    assert engine.sources() == ()
