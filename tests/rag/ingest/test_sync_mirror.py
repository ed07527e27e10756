"""The store mirrors its folders: what costs nothing, what is embedded, what moves and what goes."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from fakes import FakeEmbedding, write_articles
from syncs import THREE, did, library

from rag import Engine


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
