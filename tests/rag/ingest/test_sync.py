"""The store mirrors its folders: what costs nothing, what is embedded, and what is never lost."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fakes import FakeEmbedding, make_engine, write_articles

from rag import Document, DocumentError, Engine, RagError, StoreError
from rag.ingest.read import BATCH, BatchReader, guarded
from rag.ingest.scan import scan
from rag.load.passages import split
from rag.store.index import Index
from rag.types import Chunk, IngestReport

THREE = {
    "cod.txt": "The cod left the harbour in May 2019. Captain Odile Brandt saw it.",
    "b/news.md": "Herring came home.",
    "b/pike.txt": "A pike was seen under the bridge.",
}
STATES = ("added", "replaced", "unchanged", "moved", "removed", "failed")


def did(report: IngestReport) -> dict[str, tuple[Any, ...]]:
    """What an ingest did, without what it did not."""
    return {state: found for state in STATES if (found := getattr(report, state))}


def settle(folder: Path) -> None:
    """Make all files old enough for their time to be relied on."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            past = time.time() - 3600
            os.utime(path, (past, past))


def library(engine: Engine) -> dict[str, str]:
    """Return the text of each source, copies included."""
    texts = {}
    for entry in engine.sources():
        for source in (entry.source, *entry.copies):
            texts[source] = engine.document(entry.id).text
    return texts


def assert_sound(engine: Engine) -> None:
    assert list(engine._index.problems()) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_articles(tmp_path / "articles", THREE)
    settle(folder)
    return folder


@pytest.fixture
def embedding() -> FakeEmbedding:
    return FakeEmbedding()


@pytest.fixture
def engine(tmp_path: Path, folder: Path, embedding: FakeEmbedding) -> Iterator[Engine]:
    """An engine whose library holds the three articles."""
    with make_engine(tmp_path, documents={}, embedding=embedding) as engine:
        engine.ingest(folder)
        yield engine
        assert_sound(engine)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose bytes are looked at."""
    names: list[str] = []

    def watched(path: str, mode: str) -> Any:
        names.append(os.path.basename(path))
        return open(path, mode)

    monkeypatch.setattr("rag.ingest.read.open", watched, raising=False)
    return names


# --- mirroring


def test_unchanged_files_are_not_opened(
    engine: Engine, folder: Path, embedding: FakeEmbedding, opened: list[str]
) -> None:
    before = embedding.embedded
    assert did(engine.ingest(folder)) == {"unchanged": tuple(sorted(THREE))}
    assert opened == [] and embedding.embedded == before


def test_touched_files_are_hashed_once(
    engine: Engine, folder: Path, embedding: FakeEmbedding, opened: list[str]
) -> None:
    before, past = embedding.embedded, time.time() - 60
    os.utime(folder / "cod.txt", (past, past))
    for _ in range(2):
        assert did(engine.ingest(folder)) == {"unchanged": tuple(sorted(THREE))}
    assert opened == ["cod.txt"] and embedding.embedded == before


def test_files_of_just_now_are_hashed_again(engine: Engine, folder: Path, opened: list[str]) -> None:
    write_articles(folder, {"cod.txt": "The trout left."})
    assert did(engine.ingest(folder))["replaced"] == ("cod.txt",)
    status = (folder / "cod.txt").stat()
    write_articles(folder, {"cod.txt": "The bream left."})  # the same size
    os.utime(folder / "cod.txt", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert did(engine.ingest(folder))["replaced"] == ("cod.txt",), "within one tick of the clock"
    assert library(engine)["cod.txt"] == "The bream left."


def test_removed_files_go(engine: Engine, folder: Path) -> None:
    (folder / "cod.txt").unlink()
    report = engine.ingest(folder)
    assert did(report) == {"unchanged": ("b/news.md", "b/pike.txt"), "removed": ("cod.txt",)}
    assert set(library(engine)) == {"b/news.md", "b/pike.txt"}
    shutil.rmtree(folder / "b")
    write_articles(folder, {"new.txt": "Something new."})
    assert did(engine.ingest(folder)) == {"added": ("new.txt",), "removed": ("b/news.md", "b/pike.txt")}


def test_moved_files_are_not_embedded_again(engine: Engine, folder: Path, embedding: FakeEmbedding) -> None:
    before = embedding.embedded
    (folder / "b").rename(folder / "c")
    report = engine.ingest(folder)
    assert did(report) == {"unchanged": ("cod.txt",), "moved": ("c/news.md", "c/pike.txt")}
    assert (report.passages, embedding.embedded) == (0, before)
    assert library(engine) == {"cod.txt": THREE["cod.txt"], "c/news.md": THREE["b/news.md"],
                               "c/pike.txt": THREE["b/pike.txt"]}  # fmt: skip


def test_files_that_moved_to_another_folder(engine: Engine, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (folder / "cod.txt").rename(tmp_path / "other" / "fish.txt")
    assert did(engine.ingest(tmp_path / "other")) == {"moved": ("fish.txt",)}
    assert did(engine.ingest(folder)) == {"unchanged": ("b/news.md", "b/pike.txt")}
    assert set(library(engine)) == {"fish.txt", "b/news.md", "b/pike.txt"}


def test_copies_are_one_document_with_two_places(engine: Engine, folder: Path, embedding: FakeEmbedding) -> None:
    before = embedding.embedded
    write_articles(folder, {"copy.txt": THREE["cod.txt"]})
    report = engine.ingest(folder)
    assert did(report)["added"] == ("copy.txt",) and report.passages == 0 and embedding.embedded == before
    assert engine.counts()[0] == 3
    (folder / "cod.txt").unlink()
    assert did(engine.ingest(folder))["removed"] == ("cod.txt",)
    assert library(engine)["copy.txt"] == THREE["cod.txt"], "the copy keeps it"


def test_one_of_two_copies_moves_and_the_other_goes(engine: Engine, folder: Path) -> None:
    write_articles(folder, {"copy.txt": THREE["cod.txt"]})
    engine.ingest(folder)
    (folder / "copy.txt").unlink()
    (folder / "cod.txt").rename(folder / "z.txt")
    report = engine.ingest(folder)
    assert report.moved == ("z.txt",) and len(report.removed) == 1 and report.added == ()
    assert set(library(engine)) == {"z.txt", "b/news.md", "b/pike.txt"}


def test_texts_that_are_swapped_are_not_embedded_again(engine: Engine, folder: Path, embedding: FakeEmbedding) -> None:
    before = embedding.embedded
    write_articles(folder, {"cod.txt": THREE["b/news.md"], "b/news.md": THREE["cod.txt"]})
    assert did(engine.ingest(folder))["replaced"] == ("b/news.md", "cod.txt")
    assert embedding.embedded == before
    assert library(engine)["cod.txt"] == THREE["b/news.md"]


def test_duplicates_among_new_files_are_embedded_once(engine: Engine, folder: Path, embedding: FakeEmbedding) -> None:
    before = embedding.embedded
    write_articles(folder, {f"wire/{n}.txt": "The same wire report came in." for n in range(40)})
    report = engine.ingest(folder)
    assert len(report.added) == 40 and report.passages == embedding.embedded - before == 1
    assert engine.counts()[0] == 4


def test_a_file_by_itself_says_nothing_about_its_folder(engine: Engine, folder: Path) -> None:
    (folder / "b" / "news.md").unlink()
    write_articles(folder, {"cod.txt": "The trout left."})
    assert did(engine.ingest(folder / "cod.txt")) == {"replaced": ("cod.txt",)}
    assert "b/news.md" in library(engine)


def test_a_folder_in_the_library_says_nothing_about_its_neighbours(engine: Engine, folder: Path) -> None:
    (folder / "cod.txt").unlink()
    (folder / "b" / "pike.txt").unlink()
    assert did(engine.ingest(folder / "b")) == {"unchanged": ("news.md",), "removed": ("b/pike.txt",)}
    assert "cod.txt" in library(engine)


def test_folders_given_twice_and_inside_of_one_another(engine: Engine, folder: Path) -> None:
    assert did(engine.ingest(folder, folder / "b", folder)) == {"unchanged": tuple(sorted(THREE))}


def test_what_was_removed_by_hand_comes_back_with_the_next_sync(engine: Engine, folder: Path) -> None:
    engine.remove("cod.txt")
    assert did(engine.ingest(folder))["added"] == ("cod.txt",)


def test_articles_without_a_file_stay(engine: Engine, folder: Path) -> None:
    engine.add("typed", "Typed in by hand.")
    engine.add("page", "From the web.", "https://example.org/a")
    assert "removed" not in did(engine.ingest(folder))
    assert {"typed", "page"} <= set(library(engine))


# --- nothing is lost


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


# --- large files


def rows(count: int, word: str = "row") -> str:
    return "".join(
        json.dumps({"title": f"Title {n}", "text": f"This is {word} {n} of the table. It stands by itself."}) + "\n"
        for n in range(count)
    )


def test_a_large_table_comes_in_parts(engine: Engine, folder: Path, embedding: FakeEmbedding) -> None:
    write_articles(folder, {"list.jsonl": rows(1000)})
    settle(folder)
    batches: list[int] = []
    embed = embedding.embed_passages

    def counted(chunks: Sequence[Chunk]) -> list[npt.NDArray[np.float32]]:
        batches.append(len(chunks))
        return embed(chunks)

    object.__setattr__(embedding, "embed_passages", counted)
    report = engine.ingest(folder)
    assert len(report.added) == report.passages == 1000 and report.failed == ()
    assert report.added[0] == "list.jsonl!/1" and max(batches) <= BATCH
    assert did(engine.ingest(folder))["unchanged"] == ("b/news.md", "b/pike.txt", "cod.txt", "list.jsonl")


def test_a_table_is_mirrored_row_by_row(engine: Engine, folder: Path, embedding: FakeEmbedding) -> None:
    write_articles(folder, {"list.jsonl": rows(6)})
    engine.ingest(folder)
    before = embedding.embedded
    lines = rows(6).splitlines(keepends=True)
    lines[1] = rows(1, "another row")
    write_articles(folder, {"list.jsonl": "".join(lines[:4])})
    report = engine.ingest(folder)
    assert report.replaced == ("list.jsonl!/2",) and embedding.embedded == before + 1
    assert {name for name in library(engine) if "!" in name} == {f"list.jsonl!/{n}" for n in range(1, 5)}
    (folder / "list.jsonl").rename(folder / "moved.jsonl")
    assert did(engine.ingest(folder))["moved"] == tuple(f"moved.jsonl!/{n}" for n in range(1, 5))
    (folder / "moved.jsonl").unlink()
    assert len(engine.ingest(folder).removed) == 4


def test_a_row_that_fails_is_named_and_the_others_go_in(engine: Engine, folder: Path) -> None:
    write_articles(folder, {"list.jsonl": rows(2) + "{broken\n" + rows(1, "last row")})
    report = engine.ingest(folder)
    assert len(report.added) == 3 and len(report.failed) == 1
    assert report.failed[0][0].startswith("list.jsonl") and "3" in report.failed[0][1]
    assert "list.jsonl" in engine.ingest(folder).unchanged


def test_a_file_that_breaks_off_keeps_what_it_had(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_articles(folder, {"list.jsonl": rows(5)})
    engine.ingest(folder)
    write_articles(folder, {"list.jsonl": rows(5, "changed row")})
    read = BatchReader._items

    def breaks_off(self: BatchReader, found: Any) -> Any:
        def items() -> Any:
            yield from itertools.islice(read(self, found), 2)
            raise DocumentError("the rest is missing")

        yield from guarded(found.source, items)

    with monkeypatch.context() as patch:
        patch.setattr(BatchReader, "_items", breaks_off)
        for _ in range(2):
            [(name, reason)] = engine.ingest(folder).failed
            assert (name, reason) == ("list.jsonl", "the rest is missing")
    texts = [text for name, text in sorted(library(engine).items()) if "!" in name]
    assert [text.split()[2] for text in texts] == ["changed", "changed", "row", "row", "row"]
    assert len(engine.ingest(folder).replaced) == 3


def test_columns_name_what_a_table_holds(engine: Engine, folder: Path) -> None:
    write_articles(folder, {"list.csv": "Headline,Body of it\nStorm,The storm hit the coast in March.\n"})
    settle(folder)
    assert [name for name, _ in engine.ingest(folder).failed] == ["list.csv"]
    columns = {"text": "Body of it", "title": "Headline"}
    assert len(engine.ingest(folder, columns=columns).added) == 1
    assert "list.csv" in engine.ingest(folder, columns=columns).unchanged
    [entry] = [entry for entry in engine.sources() if entry.source.startswith("list.csv")]
    assert entry.title == "Storm"
    assert len(engine.ingest(folder, columns={"text": "Headline"}).replaced) == 1, "other columns, other articles"


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


def test_metadata_of_an_added_file_is_kept(engine: Engine) -> None:
    raw = b"<html><head><title>Storm</title><meta name='author' content='Jo Lie'></head><body><article><p>%s</p>"
    raw %= b"The storm hit the coast in March and went on for three days without an end. " * 5
    assert engine.add("page.html", raw, "upload/page.html").added == ("page.html",)
    [entry] = [entry for entry in engine.sources() if entry.source == "page.html"]
    assert (entry.title, entry.author) == ("Storm", "Jo Lie")
    assert engine.add("page.html", raw, "upload/page.html").unchanged == ("page.html",)


def test_an_added_table_is_replaced_as_a_whole(engine: Engine) -> None:
    assert len(engine.add("list.jsonl", rows(3).encode(), "upload/list").added) == 3
    report = engine.add("list.jsonl", rows(2, "another row").encode(), "upload/list")
    assert len(report.replaced) == 2
    assert len([name for name in library(engine) if name.startswith("list")]) == 2


def test_empty_text_is_not_added(engine: Engine) -> None:
    report = engine.add("a", " \n")
    assert report.failed[0][0] == "a" and engine.counts()[0] == 3


def test_reading_holds_no_more_of_a_large_file_than_of_a_small_one(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        folder = write_articles(tmp_path / str(count), {"list.jsonl": rows(count)})
        files = scan([folder], lambda _: 0).files.values()
        reader = BatchReader(lambda _: set(), 4)
        documents = 0
        tracemalloc.start()
        try:
            for batch in reader.batches((found, None) for found in files):
                if not documents:
                    tracemalloc.reset_peak()  # telling a file's encoding takes a few megabytes once
                documents += sum(len(part.documents) for part in batch)
                assert sum(part.passages for part in batch) <= BATCH
                reader.written(batch)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert documents == count

    peak(1000)  # what is imported and cached at first
    assert peak(6000) < peak(1000) * 1.5


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


def test_adding_a_large_file_ends_after_the_batch_at_hand_when_it_is_told_to(engine: Engine) -> None:
    rows = "".join(f"Catch {n},The boat landed {n} crates of cod on day {n} of the season.\n" for n in range(2000))
    table = f"title,text\n{rows}".encode()
    before = engine.counts()[0]
    engine.add("catches.csv", table, "upload:catches.csv", stopped=lambda: True)
    some = engine.counts()[0] - before
    assert 0 < some < 1000
    engine.add("catches.csv", table, "upload:catches.csv")
    assert engine.counts()[0] - before == 2000
