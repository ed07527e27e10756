"""A sync loses nothing: files and folders that cannot be read, that change meanwhile, or that go."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import write_articles
from syncs import THREE, did, library, settle

from rag import Document, DocumentError, Engine
from rag.ingest.read import BatchReader
from rag.load.passages import split
from rag.store.index import Index
from rag.types import Chunk


@pytest.mark.parametrize("way", ["empty", "gone"])
def test_an_unmounted_disk_loses_nothing(engine: Engine, folder: Path, way: str) -> None:
    folder.rename(folder.parent / "elsewhere")
    if way == "empty":
        folder.mkdir()
    with pytest.raises(DocumentError, match=r"holds articles in the store \(3 files\)"):
        engine.ingest(folder)
    assert library(engine) == THREE
    shutil.rmtree(folder, ignore_errors=True)
    (folder.parent / "elsewhere").rename(folder)
    assert did(engine.ingest(folder)) == {"unchanged": tuple(sorted(THREE))}


def test_a_folder_that_cannot_be_listed_keeps_its_articles(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: str) -> Any:
        if path == str(folder / "b"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    (folder / "cod.txt").unlink()
    write_articles(folder, {"new.txt": "Something new."})
    report = engine.ingest(folder)
    assert (report.added, report.removed, [name for name, _ in report.failed]) == (("new.txt",), ("cod.txt",), ["b"])
    assert {"b/news.md", "b/pike.txt"} <= set(library(engine))


def test_a_file_that_turns_bad_keeps_what_it_had_and_is_named_each_time(engine: Engine, folder: Path) -> None:
    (folder / "cod.txt").write_bytes(b"\0\0\0")
    for _ in range(2):
        assert [name for name, _ in engine.ingest(folder).failed] == ["cod.txt"]
    assert library(engine)["cod.txt"] == THREE["cod.txt"]
    write_articles(folder, {"cod.txt": "Good again."})
    assert did(engine.ingest(folder))["replaced"] == ("cod.txt",)


def test_a_moved_file_that_cannot_be_read_keeps_its_articles(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "cod.txt").rename(folder / "fish.txt")

    def broken(*_: object) -> Iterator[Any]:
        raise DocumentError("the reader is broken")
        yield

    with monkeypatch.context() as patch:
        patch.setattr("rag.ingest.read.read", broken)
        report = engine.ingest(folder)
    assert [name for name, _ in report.failed] == ["fish.txt"] and report.removed == ()
    assert "cod.txt" in library(engine)
    assert did(engine.ingest(folder))["moved"] == ("fish.txt",)


def test_a_reader_that_breaks_in_an_odd_way_is_a_bad_file(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_articles(folder, {"new.txt": "New."})

    def odd(*_: object) -> Iterator[Any]:
        raise ZeroDivisionError("division\nby zero")
        yield

    with monkeypatch.context() as patch:
        patch.setattr("rag.ingest.read.read", odd)
        [(name, reason)] = engine.ingest(folder).failed
    assert name == "new.txt" and "ZeroDivisionError: division by zero" in reason


def test_a_text_that_cannot_be_split_stops_no_other(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(document: Document, size: int) -> list[Chunk]:
        if "poison" in document.text:
            raise UnicodeError("half a character")
        return split(document, size)

    monkeypatch.setattr("rag.ingest.read.split", picky)
    write_articles(folder, {"bad.txt": "This is poison.", "new.txt": "New.", "cod.txt": "Now it is poison."})
    report = engine.ingest(folder)
    assert report.added == ("new.txt",) and [name for name, _ in report.failed] == ["bad.txt", "cod.txt"]
    assert "half a character" in report.failed[0][1] and library(engine)["cod.txt"] == THREE["cod.txt"]
    assert engine.add("typed", "poison").failed[0][0] == "typed"


def test_a_file_that_changes_while_it_is_read_is_read_again(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_articles(folder, {"cod.txt": "Half of"})
    writer = iter(["Half of it, then", "Half of it, then all of it."])
    read = BatchReader._items

    def growing(self: BatchReader, found: Any) -> Any:
        yield from read(self, found)
        if text := next(writer, None):
            Path(found.path).write_text(text, encoding="utf-8")

    monkeypatch.setattr(BatchReader, "_items", growing)
    assert did(engine.ingest(folder))["replaced"] == ("cod.txt",)
    assert library(engine)["cod.txt"] == "Half of it, then all of it."


def test_a_file_that_never_stops_changing_keeps_what_it_had(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_articles(folder, {"cod.txt": "x"})
    read = BatchReader._items

    def growing(self: BatchReader, found: Any) -> Any:
        yield from read(self, found)
        with open(found.path, "a", encoding="utf-8") as stream:
            stream.write("more ")

    with monkeypatch.context() as patch:
        patch.setattr(BatchReader, "_items", growing)
        [(name, reason)] = engine.ingest(folder).failed
    assert name == "cod.txt" and "changes while it is read" in reason
    assert library(engine)["cod.txt"] == THREE["cod.txt"]
    assert did(engine.ingest(folder))["replaced"] == ("cod.txt",)


def test_a_file_that_goes_after_it_was_listed(engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_articles(folder, {"cod.txt": "Changed.", "new.txt": "New."})

    def gone(path: str, mode: str) -> Any:
        os.unlink(path)
        return open(path, mode)

    monkeypatch.setattr("rag.ingest.read.open", gone, raising=False)
    report = engine.ingest(folder)
    assert did(report) == {"unchanged": ("b/news.md", "b/pike.txt"), "removed": ("cod.txt",)}


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_text(engine: Engine, folder: Path) -> None:
    odd = folder / os.fsdecode(b"caf\xe9.txt")
    odd.write_bytes(b"Coffee is drunk here.")
    settle(folder)
    assert did(engine.ingest(folder))["added"] == ("caf\\xe9.txt",)
    assert did(engine.ingest(folder)) == {"unchanged": (*sorted(THREE)[:2], "caf\\xe9.txt", "cod.txt")}
    assert "caf\\xe9.txt" in library(engine)
    odd.unlink()
    assert did(engine.ingest(folder))["removed"] == ("caf\\xe9.txt",)


def test_another_thread_removes_what_a_copy_relies_on(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_articles(folder, {"copy.txt": THREE["cod.txt"]})
    write = Index.write
    calls = 0

    def late(self: Index, entries: Any, finished: Any = ()) -> list[str]:
        nonlocal calls
        calls += 1
        if calls == 1:
            engine.remove("cod.txt")
        return write(self, entries, finished)

    with monkeypatch.context() as patch:
        patch.setattr(Index, "write", late)
        assert did(engine.ingest(folder))["added"] == ("copy.txt",)
    assert calls == 2 and library(engine)["copy.txt"] == THREE["cod.txt"]
