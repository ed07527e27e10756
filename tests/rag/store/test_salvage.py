"""Damage is told of, never taken for an article that does not say; what can be read of a damaged store is kept."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from fakes import FakeEmbedding, make_engine

from bench.damage import flip
from rag import Engine, RagError, Settings, StoreError
from rag.cli.doctor import checks
from rag.errors import DamagedError

MODEL = "all-MiniLM-L6-v2"
TOWNS = "Arvik Bodrin Celmo Dask Elvor Fimri Gorset Hulm".split()
ARTICLES = {f"{town}.txt": f"The harbour of {town} is run by Captain {town}son. It rained." for town in TOWNS}
QUESTION = "Who runs the harbour of Arvik?"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    make_engine(tmp_path, documents=ARTICLES, embedding=FakeEmbedding(MODEL)).close()
    return tmp_path / "store"


def opened(store: Path) -> Engine:
    return Engine(Settings(store=store, llm="extractive"), embedding=FakeEmbedding(MODEL))


def asked(store: Path) -> str:
    """Return an answer, or the error instead."""
    try:
        with opened(store) as engine:
            engine.sources()
            return engine.answer(QUESTION).text
    except RagError as error:
        assert "\n" not in str(error)
        return "error"


def doctor(store: Path, repair: bool = False) -> list[tuple[bool, str]]:
    settings = Settings(store=store, llm="extractive", models=store.parent / "no-models")
    return [(problem, detail) for name, problem, detail in checks(settings, repair) if name == "store"]


def sql(store: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(store / "documents.db")) as connection, connection:
        connection.execute(statement)


def test_a_damaged_text_is_named_and_not_read(store: Path) -> None:
    sql(store, "UPDATE texts SET text = CAST(replace(CAST(text AS TEXT), 'Captain', 'Captbin') AS BLOB)")
    with opened(store) as engine:
        with pytest.raises(DamagedError, match=r"the text of .*\.txt is not what was read; run: rag doctor --repair"):
            engine.answer(QUESTION)
        with pytest.raises(DamagedError, match=r"\.txt is not what was read"):
            engine.document(engine.sources()[0].id)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE chunks SET spans = '[[0, 4'",
        "UPDATE chunks SET spans = '[[0, 9999]]'",
        "UPDATE chunks SET vectors = zeroblob(3)",
        "UPDATE texts SET text = x'ff'",
    ],
)
def test_a_damaged_passage_is_named_and_taken_out(store: Path, statement: str) -> None:
    sql(store, f"{statement} WHERE document = (SELECT number FROM documents WHERE source = 'Arvik.txt')")
    with opened(store) as engine, pytest.raises(DamagedError, match=r"Arvik\.txt.*; run: rag doctor --repair"):
        engine.answer(QUESTION)
    assert any(problem and "Arvik.txt" in detail for problem, detail in doctor(store))
    assert [problem for problem, _ in doctor(store, repair=True)].count(True) == 0
    with opened(store) as engine:
        assert len(engine.sources()) == len(TOWNS) - 1


def test_no_refusal_over_a_store_that_is_not_sound(store: Path) -> None:
    """Half of the sentences are gone from the lexical index, and others are there twice."""
    with opened(store) as engine:
        with engine._index.documents.snapshot() as view:
            ids = view.chunk_ids(view.numbers("live"))
        engine._index.lexical.remove(ids[:1])
        engine._index.lexical.commit()
        with pytest.raises(DamagedError, match="has not each of its sentences once"):
            engine.answer("Who painted the Zanzibar ceiling?")
    assert "not" in asked_of(store, "Who painted the Zanzibar ceiling?"), "opening has mended it"


def test_opening_takes_no_damaged_document_out_by_itself(store: Path) -> None:
    """An index is lost too, so opening mends; the article that is damaged would go without a word."""
    shutil.rmtree(store / "lexical")
    sql(store, "UPDATE texts SET text = x'41' WHERE document = 1")
    for _ in range(2):
        with pytest.raises(DamagedError, match=r"Arvik\.txt is not what was read; run: rag doctor --repair"):
            opened(store)
    told = doctor(store, repair=True)
    assert any("Arvik.txt" in detail for _, detail in told) and not told[-1][0], told
    with opened(store) as engine:
        assert len(engine.sources()) == len(TOWNS) - 1


def asked_of(store: Path, question: str) -> str:
    with opened(store) as engine:
        return engine.answer(question).text


def test_a_flipped_bit_in_the_lexical_index_is_told(store: Path) -> None:
    path = max((store / "lexical").glob("*.term"), key=lambda file: file.stat().st_size)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"rag doctor --repair"):
        opened(store)
    assert doctor(store)[0][0]
    assert [problem for problem, _ in doctor(store, repair=True)].count(True) == 0
    assert "Arvikson" in asked(store)


@pytest.mark.parametrize("part", ["chroma/chroma.sqlite3", "lexical/meta.json"])
def test_an_index_that_does_not_open_is_made_again(store: Path, part: str) -> None:
    (store / part).write_bytes(b"damaged " * 1000)
    assert doctor(store)[0][0]
    told = doctor(store, repair=True)
    assert ("mended: both indexes were made again from the documents" in told[0][1]) and not told[-1][0]
    assert "Arvikson" in asked(store)


def test_a_malformed_database_is_copied_as_far_as_it_can_be_read(store: Path) -> None:
    with contextlib.closing(sqlite3.connect(store / "documents.db")) as connection:
        [(root,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'documents_folded'")
        [(table,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'bands'")
        [(size,)] = connection.execute("PRAGMA page_size")
    content = bytearray((store / "documents.db").read_bytes())
    for page in (root, table):
        content[(page - 1) * size : page * size] = b"\x55" * size
    (store / "documents.db").write_bytes(content)
    told = doctor(store, repair=True)
    assert "articles could be read" in told[0][1] and not told[-1][0], told
    assert (store / "documents.db.damaged").exists()
    assert "Arvikson" in asked(store)


def test_a_damaged_name_of_a_column(store: Path) -> None:
    path = store / "documents.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    assert b"language TEXT" in content
    path.write_bytes(content.replace(b"language TEXT", b"lanwuage TEXT"))
    assert asked(store) == "error"
    told = doctor(store, repair=True)
    assert not told[-1][0] and "articles could be read" in told[0][1], told
    assert "Arvikson" in asked(store)


def test_a_lost_database_is_not_made_again_by_mending(store: Path) -> None:
    (store / "documents.db").unlink()
    for beside in store.glob("documents.db-*"):
        beside.unlink()
    [(problem, detail)] = doctor(store, repair=True)
    assert problem and "from a copy" in detail
    assert not (store / "documents.db").exists() and any((store / "chroma").iterdir())


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits(store: Path, seed: int) -> None:
    flip(store, 40, random.Random(seed))
    assert asked(store) == "error" or "Arvikson" in asked(store)
    doctor(store)
    doctor(store, repair=True)
    asked(store)
