"""Engines and commands over PostgreSQL and a Chroma server, as several machines would share them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chroma_server import ChromaProcess
from commands import Rag
from fakes import make_engine, write_articles

from rag import Engine, Settings, StoreError

pytestmark = pytest.mark.long

PIER = {
    "pier.txt": "Harborough opened a pier of 40 metres. Its builder is Odile Brandt.",
    "court.txt": "The court of Harborough fined the builder 310 euros. The judge is Ana Kovic.",
}


@pytest.fixture
def chroma(tmp_path: Path) -> Iterator[ChromaProcess]:
    process = ChromaProcess(tmp_path / "chroma")
    process.start()
    yield process
    process.kill()


def test_the_vectors_are_in_one_server_for_all(database: str, chroma: ChromaProcess, tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=PIER, database=database, chroma=chroma.url) as engine:
        assert "40 metres" in engine.answer("How long is the pier?").text
        assert engine.collection("law", create=True).ingest(tmp_path / "articles" / "court.txt").added
        assert engine.collections() == ("default", "law")
        assert not (engine._index.folder / "chroma").exists()
    with make_engine(tmp_path / "other", documents={}, database=database, chroma=chroma.url) as other:
        assert "310 euros" in other.answer("How much was the builder fined?").text
        chroma.kill()
        answer = other.answer("Who is the judge?")
        assert "Ana Kovic" in answer.text and answer.notices  # found by words
    with pytest.raises(StoreError, match=f"has its vectors on the Chroma server {chroma.url}, not with each process"):
        Engine(Settings(store=tmp_path / "third", llm="extractive", database=database, embedding="fake-embedding"))


def test_the_commands(
    rag: Rag, database: str, chroma: ChromaProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_DATABASE", database)
    monkeypatch.setenv("RAG_CHROMA", chroma.url)
    articles = write_articles(tmp_path / "articles", PIER)
    assert rag("ingest", articles).code == 0
    assert "40 metres" in rag("ask", "How long is the pier?").out
    assert "court.txt" in rag("sources").out
    assert rag("ingest", articles).code == 0
    assert rag("remove", "court.txt").code == 0 and "court.txt" not in rag("sources").out
    said = rag("doctor")
    assert "1 article, 1 passage, 2 sentences in the library in 127.0.0.1" in said.out and "p%40ss" not in said.out
    assert "p@ss" not in said.out + said.err
    monkeypatch.setenv("RAG_DATABASE", "postgresql+psycopg://dateline:x@127.0.0.1:1/news")
    failed = rag("sources")
    assert failed.code == 1 and failed.err.count("\n") == 1 and "start it" in failed.err
