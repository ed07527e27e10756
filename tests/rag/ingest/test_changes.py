"""The quick look that tells whether an ingest has anything to do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import Rag, environment
from fakes import FakeEmbedding, make_engine, write_articles

from rag import DocumentError
from rag.ingest.changes import glance
from rag.reports import IngestReport
from rag.store.index import Index

MODEL = "all-MiniLM-L6-v2"
TWO = {"a.txt": "One.", "b/c.md": "Two.", "d.csv": "text\nThree.\n"}
SAME = ("a.txt", "b/c.md", "d.csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Articles that the store holds."""
    folder = write_articles(tmp_path / "articles", TWO)
    past = time.time() - 3600
    for path in folder.rglob("*.*"):
        os.utime(path, (past, past))
    with make_engine(tmp_path, documents={}, embedding=FakeEmbedding(MODEL)) as engine:
        engine.ingest(folder)
    return folder


def look(folder: Path, columns: dict[str, str] | None = None, embedding: str = MODEL) -> IngestReport | None:
    return glance(folder.parent / "store", embedding, [folder], columns)


def test_nothing_to_do(folder: Path) -> None:
    report = look(folder)
    assert report and report.unchanged == SAME and report.failed == report.notices == ()


def test_what_cannot_be_seen_is_said(folder: Path) -> None:
    (folder / "none.txt").symlink_to(folder / "gone.txt")
    (folder / "up").symlink_to("..")
    report = look(folder)
    assert report and [name for name, _ in report.failed] == ["none.txt"]
    assert [name for name, _ in report.notices] == ["up"]


def test_anything_else_is_for_the_sync(folder: Path) -> None:
    assert look(folder, {"text": "text"}) is None, "a table with columns"
    assert look(folder, embedding="other") is None
    os.utime(folder / "a.txt")
    assert look(folder) is None
    (folder / "a.txt").unlink()
    assert look(folder) is None
    write_articles(folder, {"a.txt": "Other.", "new.txt": "New."})
    assert look(folder) is None


def test_no_store_and_an_older_one(folder: Path, tmp_path: Path) -> None:
    assert glance(tmp_path / "no", MODEL, [folder], None) is None and not (tmp_path / "no").exists()
    index = Index.open(tmp_path / "store", MODEL)
    assert look(folder) is None, "in use"
    index.documents.set_meta("layout", "1")
    index.close()
    assert look(folder) is None


def test_unfinished_writes_are_for_the_store(folder: Path, tmp_path: Path) -> None:
    index = Index.open(tmp_path / "store", MODEL)
    with index.documents.database.write() as connection:
        connection.execute("UPDATE documents SET state = 'changed' WHERE number = 1")
    index.close()
    assert look(folder) is None


def test_a_file_that_is_no_store(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "documents.db").touch()
    assert glance(tmp_path / "other", MODEL, [folder], None) is None


def test_an_empty_folder_is_the_same_error(folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "elsewhere")
    folder.mkdir()
    with pytest.raises(DocumentError, match=r"holds articles in the store \(3 files\)"):
        look(folder)


def test_the_store_is_free_again(folder: Path, rag: Rag) -> None:
    assert look(folder)
    assert "3 unchanged" in rag("ingest", folder).out
    write_articles(folder, {"new.txt": "New."})
    assert "1 added" in rag("ingest", folder).out


def test_a_sync_of_nothing_new_needs_no_engine(folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv[1:] = ['ingest', sys.argv[1]]\n"
        "from rag.cli import app\n"
        "try: app.main()\n"
        "except SystemExit as left: assert not left.code, left\n"
        "print(sorted({'chromadb', 'llama_index', 'torch', 'openvino', 'tantivy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        env=environment(RAG_STORE=str(tmp_path / "store")),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.stdout.splitlines()[-1] == "[]", done
