"""A library that is filled from another one: the same articles, places, vectors and files, and nothing embedded."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Rag
from fakes import FakeEmbedding, make_engine, write_articles

from rag import Engine, StoreError, StoreMismatchError
from rag.store.take_over import folder_documents, take_over

TEXTS = {
    "pier.txt": "Harborough opened a pier of 40 metres. Its builder is Odile Brandt.",
    "a/copy.txt": "Harborough opened a pier of 40 metres. Its builder is Odile Brandt.",
    "court.txt": "The court of Harborough fined the builder 310 euros. The judge is Ana Kovic.",
}


def filled(folder: Path) -> Path:
    """Make a store with a file, a copy, an article given as a text and one that went again; return its folder."""
    with make_engine(folder, documents=TEXTS | {"gone.txt": "Nobody came."}) as engine:
        engine.add("note", "A note says that cod is out.")
        engine.remove("gone.txt")
    return folder / "store"


def moved(store: Path, engine: Engine) -> list[tuple[str, str]]:
    with folder_documents(store, "fake-embedding") as documents:
        return [pair for batch in take_over(documents, engine._index) for pair in batch]


def known(engine: Engine) -> object:
    with engine._index.documents.snapshot() as view:
        found = list(view.chunks(view.chunk_ids(view.numbers("live"))))
        passages = {chunk.id: (chunk, document, vectors.tobytes()) for chunk, document, vectors in found}
    return engine.counts(), engine.sources(), passages, sorted(engine._index.files().items())


@pytest.fixture
def quiet() -> FakeEmbedding:
    return FakeEmbedding()


def test_everything_is_there_and_nothing_is_embedded(tmp_path: Path, quiet: FakeEmbedding) -> None:
    store = filled(tmp_path)
    with make_engine(tmp_path / "new", documents={}, embedding=quiet) as engine:
        assert sorted(moved(store, engine)) == [("added", n) for n in ("a/copy.txt", "court.txt", "note", "pier.txt")]
        with make_engine(tmp_path, documents={}) as old:
            assert known(engine) == known(old)
        assert not engine.is_new and list(engine._index.problems()) == []
        assert "310 euros" in engine.answer("How much was the builder fined?").text
        assert {word for word, _ in moved(store, engine)} == {"unchanged"}
        report = engine.ingest(tmp_path / "articles")
        assert report.added == ("gone.txt",) and len(report.unchanged) == 3
        assert quiet.embedded == report.passages == 1


@pytest.mark.long
def test_from_a_folder_to_postgres_and_back(tmp_path: Path, database: str, quiet: FakeEmbedding) -> None:
    store = filled(tmp_path)
    with make_engine(tmp_path / "shared", documents={}, embedding=quiet, database=database) as shared:
        moved(store, shared)
        with make_engine(tmp_path, documents={}) as old:
            assert known(shared) == known(old)
            with make_engine(tmp_path / "back", documents={}, embedding=quiet) as back:
                list(take_over(shared._index.documents, back._index))
                assert known(back) == known(old)
    assert quiet.embedded == 0


def test_a_store_that_cannot_be_taken_over(tmp_path: Path) -> None:
    write_articles(tmp_path / "nothing", TEXTS)
    with pytest.raises(StoreError, match=r"nothing holds no store; give the folder that has documents\.db"):
        folder_documents(tmp_path / "nothing", "fake-embedding").__enter__()
    store = filled(tmp_path)
    with pytest.raises(StoreMismatchError, match="was made with fake-embedding; set embedding to fake-embedding"):
        folder_documents(store, "other").__enter__()
    with make_engine(tmp_path, documents={}), pytest.raises(StoreError, match="is in use by process"):
        folder_documents(store, "fake-embedding").__enter__()


def test_the_command(rag: Rag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rag("ingest", write_articles(tmp_path / "articles", TEXTS))
    monkeypatch.setenv("RAG_STORE", str(tmp_path / "new"))
    said = rag("ingest", "--from", tmp_path / "store")
    assert said.code == 0 and "3 added" in said.out and "0 new passages" in said.out
    assert "310 euros" in rag("ask", "How much was the builder fined?").out
    wrong = rag("ingest", tmp_path / "articles", "--from", tmp_path / "store")
    assert wrong.code == 2 and "leave the paths or --from out" in wrong.err
