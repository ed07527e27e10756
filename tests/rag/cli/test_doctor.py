"""`rag doctor`: a sound store, a damaged one, mended, and one that cannot be opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Rag
from fakes import FakeEmbedding, make_engine, write_articles

from rag import Settings, StoreError
from rag.cli.doctor import checks
from rag.store.index import Index
from rag.store.vectors import VectorStore

MODEL = "all-MiniLM-L6-v2"
MANY = {f"{n:02}.txt": f"Article number {n} tells of the harbour." for n in range(30)}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A sound store of thirty articles."""
    make_engine(tmp_path, documents=MANY, embedding=FakeEmbedding(MODEL)).close()
    return Settings(store=tmp_path / "store", llm="extractive", models=tmp_path / "no-models")


def store(settings: Settings, repair: bool = False) -> list[tuple[bool, str]]:
    return [(problem, detail) for name, problem, detail in checks(settings, repair) if name == "store"]


def lose(settings: Settings, count: int) -> None:
    """Take passages out of Chroma behind the back of the store."""
    index = Index.open(settings.store, MODEL)
    try:
        with index.documents.snapshot() as view:
            ids = view.chunk_ids(view.numbers("live"))
        index.vectors.remove(ids[: count - 1])
        index.lexical.remove(ids[-1:])
        index.lexical.commit()
        with index.documents.database.write() as connection:
            # Opening mends what it notices by numbers alone; here the texts of two articles change places.
            connection.execute("UPDATE places SET document = 1 - document + 2 WHERE document IN (1, 2)")
    finally:
        index.close()


@pytest.fixture
def unnoticed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Opening a store does not look whether its indexes agree."""
    monkeypatch.setattr(Index, "_check", lambda *_: None)
    yield


def test_a_sound_store(settings: Settings) -> None:
    [(problem, detail)] = store(settings)
    assert not problem and "30 articles, 30 passages, 30 sentences" in detail
    assert "embedded by fake" in detail and "agree" in detail


def test_a_damaged_store_is_told_and_mended(settings: Settings, unnoticed: None) -> None:
    lose(settings, 3)
    *problems, (_, total) = store(settings)
    assert all(problem for problem, _ in problems) and len(problems) >= 3
    assert any("Chroma" in detail for _, detail in problems)
    assert total.startswith(f"{len(problems)} problems in ") and "rag doctor --repair" in total
    *mended, (problem, detail) = store(settings, repair=True)
    assert not problem and "30 articles, 30 passages" in detail
    assert mended and all(line.startswith("mended: ") and not failed for failed, line in mended)
    assert [problem for problem, _ in store(settings)] == [False]


def test_at_most_twenty_problems_are_listed(settings: Settings, unnoticed: None) -> None:
    lose(settings, 29)
    problems = store(settings)
    assert len(problems) == 22 and problems[20][1].startswith("and ")


def test_what_cannot_be_mended_is_said(settings: Settings, unnoticed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Index, "problems", lambda _: iter(["the disk hums"]))
    monkeypatch.setattr(Index, "repair", lambda _: [])
    problems = store(settings, repair=True)
    assert [problem for problem, _ in problems] == [True, True] and "another folder" in problems[1][1]


def test_a_store_in_use_is_a_problem_in_one_line(settings: Settings) -> None:
    index = Index.open(settings.store, MODEL)
    try:
        other = settings.model_copy(update={"embedding": "other-model"})
        [(problem, detail)] = store(other)
        assert problem and "other-model" in detail
    finally:
        index.close()


def test_the_command_mends(rag: Rag, tmp_path: Path, settings: Settings, unnoticed: None) -> None:
    lose(settings, 2)
    done = rag("doctor")
    assert done.code == 1 and "FAIL  store" in done.out
    assert "mended: " in rag("doctor", "--repair").out
    assert "FAIL  store" not in rag("doctor").out
    write_articles(tmp_path / "articles", {"new.txt": "Something new."})
    assert "1 added" in rag("ingest", tmp_path / "articles").out


def test_an_index_that_takes_no_write_is_made_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index.open(settings.store, MODEL)
    with index.documents.snapshot() as view:
        [(chunk, document, vectors)] = view.chunks(view.chunk_ids(view.numbers("live"))[:1])
    index.vectors.put([(chunk, document, vectors[0][::-1])])  # as many passages as before, so opening sees nothing
    index.close()
    broken = settings.store / "chroma" / "broken"
    broken.touch()
    put = VectorStore.put

    def put_broken(vectors: VectorStore, entries: Any) -> None:
        if broken.exists():
            raise StoreError("Chroma failed: Error in compaction: Failed to apply logs; run: rag doctor --repair")
        put(vectors, entries)

    monkeypatch.setattr(VectorStore, "put", put_broken)
    told = store(settings, repair=True)
    assert not any(problem for problem, _ in told) and "30 articles, 30 passages" in told[-1][1]
    assert "made again" in " ".join(detail for _, detail in told)
