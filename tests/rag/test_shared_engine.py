"""The engine behind `answer()`: a fresh store is filled once, a used one is left alone."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doubles import WordJudge
from fakes import ROOT, SEEDS, FakeEmbedding, write_articles

import rag
from rag import (
    Chat,
    ModelError,
    Settings,
    SettingsError,
    StoreError,
    UsageError,
    open_engine,
    seeds_folder,
    shared_engine,
)
from rag.ingest.changes import glance


@pytest.fixture(autouse=True)
def fake_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Default settings with a store of the test, no answer model and the fake embedding in place of the real one."""
    monkeypatch.setenv("RAG_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("RAG_LLM", "extractive")
    embedding = FakeEmbedding("all-MiniLM-L6-v2")
    monkeypatch.setattr("rag.models.runtime.Models.embedding", lambda _: embedding)
    monkeypatch.setattr(shared_engine, "_engine", None)
    yield
    if shared_engine._engine is not None:
        shared_engine._engine.close()


def test_fresh_store_is_filled_once(tmp_path: Path) -> None:
    lines: list[str] = []
    with open_engine(notify=lines.append) as engine:
        assert [s.source for s in engine.sources()] == sorted(path.name for path in SEEDS.glob("*.txt"))
    [line] = lines
    assert str(tmp_path / "store") in line and "\n" not in line
    with open_engine(notify=lines.append) as engine:
        assert len(engine.sources()) == 5
    assert len(lines) == 1


def test_used_store_stays_as_it_is(tmp_path: Path) -> None:
    with rag.Engine() as engine:
        engine.ingest(write_articles(tmp_path / "articles", {"cod.txt": "The cod left."}))
    with open_engine() as engine:
        assert [s.source for s in engine.sources()] == ["cod.txt"]
        engine.remove("cod.txt")
    with open_engine() as engine:
        assert engine.sources() == (), "it was emptied on purpose"
        assert engine.answer("Who left?").abstained


def lose_file(database: Path) -> None:
    database.unlink()


def lose_bytes(database: Path) -> None:
    database.write_bytes(b"")


def lose_tables(database: Path) -> None:
    database.unlink()
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("VACUUM")  # so that the file is a database


def lose_rows(database: Path) -> None:
    database.unlink()
    other = Settings(store=database.parent / "other")
    rag.Engine(other).close()
    (other.store / "documents.db").rename(database)


@pytest.mark.parametrize("lose", [lose_file, lose_bytes, lose_tables, lose_rows])
def test_a_lost_database_is_no_new_library(tmp_path: Path, lose: Callable[[Path], None]) -> None:
    """What was in it is gone; answering from the shipped articles instead would hide that."""
    store = tmp_path / "store"
    with rag.Engine() as engine:
        engine.ingest(write_articles(tmp_path / "articles", {"cod.txt": "The cod left."}))
    for beside in store.glob("documents.db-*"):
        beside.unlink()
    lose(store / "documents.db")
    held = {path: path.stat().st_size for path in store.glob("documents.db*")}
    for _ in range(2):
        with pytest.raises(StoreError, match=r"put documents\.db back from a copy, or move .* away") as caught:
            open_engine()
        assert "\n" not in str(caught.value)
        assert glance(store, "all-MiniLM-L6-v2", [tmp_path / "articles"], None) is None
        if lose is not lose_rows:
            assert {path: path.stat().st_size for path in store.glob("documents.db*")} == held


def test_a_folder_with_empty_index_folders_is_new(tmp_path: Path) -> None:
    (tmp_path / "store" / "chroma").mkdir(parents=True)
    (tmp_path / "store" / "documents.db").touch()
    with open_engine() as engine:
        assert len(engine.sources()) == 5


def test_a_library_whose_mark_is_lost_is_not_filled(tmp_path: Path) -> None:
    with rag.Engine() as engine:
        engine.ingest(write_articles(tmp_path / "articles", {"cod.txt": "The cod left."}))
    with contextlib.closing(sqlite3.connect(tmp_path / "store" / "documents.db")) as connection, connection:
        connection.execute("DELETE FROM meta WHERE key = 'used'")
    with open_engine() as engine:
        assert [s.source for s in engine.sources()] == ["cod.txt"]


def test_failed_filling_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ModelError("no weights; run: rag models pull")

    with monkeypatch.context() as patch:
        patch.setattr(FakeEmbedding, "embed_passages", broken)
        with pytest.raises(ModelError):
            open_engine()
    with open_engine() as engine:  # and the store was given back
        assert len(engine.sources()) == 5


def test_answer_and_chat_share_one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = rag.answer("How much additional aid did Harris announce for the region?")
    assert "310 million" in answer.text and not answer.abstained
    assert Chat().engine is shared_engine.engine() is Chat().engine


def test_settings_are_read_at_first_use_not_at_import(tmp_path: Path) -> None:
    assert shared_engine.engine().settings.store == tmp_path / "store"


def test_seeds_are_found() -> None:
    assert seeds_folder() == SEEDS


def test_installation_without_articles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shared_engine, "__file__", str(tmp_path / "rag" / "default.py"))
    with pytest.raises(StoreError, match="install dateline again"):
        seeds_folder()


def test_given_settings_win(tmp_path: Path) -> None:
    with open_engine(Settings(store=tmp_path / "other")) as engine:
        assert engine.settings.store == tmp_path / "other"
    assert not (tmp_path / "store").exists()


@pytest.mark.slow
def test_one_line_of_python_from_any_folder(tmp_path: Path, models_folder: Path) -> None:
    """With the real embedding, no store yet and nothing but the package."""
    code = "from rag import answer; print(answer('How many Mexicans had died of the coronavirus?'))"
    env = os.environ | {"PYTHONPATH": str(ROOT), "RAG_MODELS": str(models_folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert "186,000" in done.stdout and "[1]" in done.stdout


def test_support_is_judged_without_a_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("rag.models.runtime.Models.judge", lambda _: WordJudge())
    evidence = ["The dam was finished in 1968.", "It burst in March."]
    assert rag.support("The dam burst in March.", evidence) > 0.5 > rag.support("The king resigned.", evidence)
    assert rag.support("1968", evidence, "When was the dam finished?") > 0.5
    assert rag.support("The dam burst.", []) == 0.0
    assert not (tmp_path / "store").exists()
    with pytest.raises(UsageError, match="empty"):
        rag.support(" ", evidence)


def test_support_needs_the_judge() -> None:
    with pytest.raises(SettingsError, match="'judge'"):
        rag.support("The dam burst.", ["It burst."])
