"""Adding to the library, removing from it, and putting back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest
from shelves import BRIDGE, FERRY

from rag import Engine, IngestReport, RagError
from ui.library import view as show
from ui.library.intake import MOST_BYTES, MOST_FILES, Intake, Result, add_files, add_text, add_url, put_back, remove
from ui.library.shelf import Shelf
from ui.server.uploads import Own, Uploads


def upload(folder: Path, name: str, content: str | bytes) -> str:
    """Write a file as Gradio leaves an upload: in a folder of its own."""
    path = folder / f"upload-{len(list(folder.iterdir()))}" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def finished(steps: Iterator[Intake]) -> Intake:
    *_, last = steps
    return last


def adding(engine: Engine, shelf: Shelf, files: list[str]) -> Iterator[Intake]:
    """Add files that this reader uploaded."""
    folder = Path(os.path.commonpath([Path(file).parent.parent for file in files]))
    own = Own(Uploads(folder), "reader")
    own.uploads.note("reader", files)
    return add_files(engine, shelf, files, own)


class TestAdding:
    def test_every_file_has_a_result_and_is_deleted(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        files = [
            upload(tmp_path, "new.txt", "Headline\n\nThe council of Harborough met on Friday."),
            upload(tmp_path, "copy.txt", FERRY),
            upload(tmp_path, "photo.jpg", b"\xff\xd8\xff\x00"),
            upload(tmp_path, "empty.txt", ""),
            upload(tmp_path, "big.txt", b"a" * (MOST_BYTES + 1)),
            str(tmp_path / "gone" / "gone.txt"),
        ]
        steps = [len(intake.results) for intake in adding(engine, shelf, files)]
        assert steps == [0, 1, 2, 3, 4, 5, 6]
        assert not any(Path(file).exists() or Path(file).parent.exists() for file in files)

    def test_a_file_of_several_articles_is_one_result(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        rows = "title,text\nOne,The harbour froze in May.\nTwo,\nThree,The harbour thawed in June.\n"
        (tmp_path / "wire.csv").write_text(rows)
        *_, intake = adding(engine, shelf, [str(tmp_path / "wire.csv")])
        (result,) = intake.results
        assert (result.name, result.state, result.articles) == ("wire.csv", "added", 2)
        shown = show.results(intake)
        assert "2 articles" in shown and escape(result.reason.removeprefix("wire.csv ")) in shown and result.reason

    def test_results_in_words(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        def add(name: str, content: str | bytes) -> Result:
            (result,) = finished(adding(engine, shelf, [upload(tmp_path, name, content)])).results
            return result

        first = add("new.txt", "Headline one\n\nThe council of Harborough met on Friday.")
        assert (first.state, first.title, first.passages, first.reason) == ("added", "Headline one", 1, "")
        assert engine.document(first.id).source == "new.txt"
        assert add("new.txt", "Headline one\n\nThe council of Harborough met on Friday.").state == "unchanged"
        assert add("new.txt", "Headline two\n\nThe council did not meet.").state == "replaced"
        assert "is a picture" in add("photo.jpg", b"\xff\xd8\xff\x00").reason
        assert "is empty" in add("empty.txt", "").reason
        assert "larger than 10 MB" in add("big.txt", b"a" * (MOST_BYTES + 1)).reason

    def test_replacing_can_be_undone(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        old = "Old\n\nThe council of Harborough met on Friday."
        finished(adding(engine, shelf, [upload(tmp_path, "new.txt", old)]))
        intake = finished(adding(engine, shelf, [upload(tmp_path, "new.txt", "New\n\nIt did not meet at all.")]))
        assert [d.text for d in intake.undo.documents] == [old]
        assert put_back(engine, shelf, intake.undo) == []
        assert {entry.title for entry in shelf.entries()} == {"Old", "A ferry returns", "The bridge reopens"}

    def test_too_many_files_at_once(
        self, engine: Engine, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("ui.library.intake.MOST_FILES", 1)
        files = [upload(tmp_path, f"{n}.txt", f"Article {n}\n\nThe council met {n} times.") for n in range(3)]
        results = finished(adding(engine, shelf, files)).results
        assert [r.state for r in results] == ["added", "failed", "failed"]
        assert MOST_FILES > 100 and "add the rest next" in results[1].reason

    def test_what_is_left_is_deleted_when_the_reader_goes(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        files = [upload(tmp_path, f"{n}.txt", f"Article {n}\n\nThe council met {n} times.") for n in range(3)]
        steps = adding(engine, shelf, files)
        next(steps), next(steps)
        steps.close()
        assert not any(Path(file).exists() for file in files)
        assert len(shelf.entries()) == 3

    def test_a_fault_costs_one_file_only(self, engine: Engine, shelf: Shelf, tmp_path: Path, monkeypatch: Any) -> None:
        add = engine.add

        def faulty(source: str, content: bytes, path: str = "", **_: object) -> IngestReport:
            if source == "1.txt":
                raise ZeroDivisionError
            if source == "2.txt":
                raise RagError("the disk is full; free some")
            return add(source, content, path)

        monkeypatch.setattr(engine, "add", faulty)
        files = [upload(tmp_path, f"{n}.txt", f"Article {n}\n\nThe council met {n} times.") for n in range(4)]
        results = finished(adding(engine, shelf, files)).results
        assert [r.state for r in results] == ["added", "failed", "failed", "added"]
        assert "its log says what" in results[1].reason and results[2].reason == "the disk is full; free some"

    def test_pasted_text(self, engine: Engine, shelf: Shelf) -> None:
        (*_, after) = add_text(engine, shelf, "\n A new pier \n\nIt opened on Friday.\n")
        (result,) = after.results
        assert (result.name, result.state, result.title) == ("pasted: A new pier.txt", "added", "A new pier")
        assert engine.document(result.id).text.strip().endswith("It opened on Friday.")
        (*_, again) = add_text(engine, shelf, "A new pier\n\nIt opened on Sunday.")
        assert again.results[0].state == "replaced" and [d.id for d in again.undo.documents] == [result.id]

    def test_pasted_nothing_is_refused_with_the_reason(self, engine: Engine, shelf: Shelf) -> None:
        (*_, done) = add_text(engine, shelf, " \n ")
        assert done.results[0].state == "failed" and "empty" in done.results[0].reason

    def test_web_page(self, engine: Engine, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        def fetched(url: str, allow_private: bool = False) -> IngestReport:
            if "bad" in url:
                return IngestReport(failed=((url, "https://bad does not exist (404); check the address"),))
            return engine.add(
                f"{url}/final", "From the web\n\nThe ferry is late again, says the mayor.", f"{url}/final"
            )

        monkeypatch.setattr(engine, "add_url", fetched, raising=False)
        (result,) = finished(add_url(engine, shelf, "https://example.org")).results
        assert (result.state, result.name, result.title) == ("added", "https://example.org/final", "From the web")
        (result,) = finished(add_url(engine, shelf, "https://bad")).results
        assert (result.state, result.reason) == ("failed", "https://bad does not exist (404); check the address")


class TestRemoving:
    def test_undo_puts_back_text_and_source(self, engine: Engine, shelf: Shelf) -> None:
        (entry,) = (e for e in shelf.entries() if e.source == "sub/bridge.txt")
        undo = remove(engine, shelf, [entry.id, entry.id, "nonsense"])
        assert [d.source for d in undo.documents] == ["sub/bridge.txt"]
        assert [e.source for e in shelf.entries()] == ["ferry.txt"]
        assert engine.answer("Where does the swing bridge open again?").abstained
        assert put_back(engine, shelf, undo) == []
        back = next(e for e in shelf.entries() if e.id == entry.id)
        assert (back.source, back.path, back.title) == (entry.source, entry.path, entry.title)
        assert engine.document(entry.id).text == BRIDGE
        assert "Harborough" in engine.answer("Where does the swing bridge open again?").text

    def test_undo_leaves_alone_what_came_instead(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        """Another reader uploaded a new file of the same name meanwhile: both articles are in the library then."""
        finished(adding(engine, shelf, [upload(tmp_path, "notes.txt", "Mine\n\nThe council met on Friday.")]))
        mine = next(e for e in shelf.entries() if e.source == "notes.txt")
        undo = remove(engine, shelf, [mine.id])
        finished(adding(engine, shelf, [upload(tmp_path, "notes.txt", "Theirs\n\nThe council met on Monday.")]))
        assert put_back(engine, shelf, undo) == []
        assert sorted(e.title for e in shelf.entries() if e.source == "notes.txt") == ["Mine", "Theirs"]

    def test_undo_twice_is_undo_once(self, engine: Engine, shelf: Shelf) -> None:
        undo = remove(engine, shelf, [shelf.entries()[0].id])
        put_back(engine, shelf, undo)
        assert put_back(engine, shelf, undo) == []
        assert len(shelf.entries()) == 2

    def test_undo_brings_back_what_was_known_about_an_article(self, engine: Engine, shelf: Shelf) -> None:
        page = b"---\ntitle: Kelp\ndate: 2024-07-12\nauthor: Odile Brandt\n---\nThe kelp of Tessin grew tall this year."
        assert engine.add("kelp.md", page, "upload:kelp.md").added == ("kelp.md",)
        shelf.changed()
        before = next(entry for entry in shelf.entries() if entry.source == "kelp.md")
        assert (before.date, before.author) == ("2024-07-12", "Odile Brandt")
        undo = remove(engine, shelf, [before.id])
        assert put_back(engine, shelf, undo) == []
        after = next(entry for entry in shelf.entries() if entry.source == "kelp.md")
        assert (after.id, after.date, after.author, after.path) == (before.id, before.date, before.author, before.path)

    def test_undo_that_fails_says_so(self, engine: Engine, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        undo = remove(engine, shelf, [shelf.entries()[0].id])

        def full(*_: Any) -> IngestReport:
            raise RagError("the disk is full; free some")

        monkeypatch.setattr(engine, "restore", full)
        (failed,) = put_back(engine, shelf, undo)
        said = show.put_back(undo, [failed])
        assert "could not be put back: the disk is full; free some" in said
