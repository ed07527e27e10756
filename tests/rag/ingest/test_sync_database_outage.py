"""An ingest and questions while PostgreSQL is killed and started again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from crews import Crew
from fakes import make_engine, write_articles
from postgres_server import Postgres
from stores import assert_whole

from rag import DatabaseServerError, Engine
from rag.ingest.sync import sync
from rag.store import index as store_index
from rag.store import outbox, retry
from rag.store.postgres import PostgresDatabase

pytestmark = pytest.mark.long

TEXTS = {f"{n:02d}.txt": f"Ferry {n} sank near pier {n}. Its captain {n} was saved." for n in range(8)}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon, and let a batch hold few files."""
    monkeypatch.setattr(retry, "PAUSE", 0.05)
    monkeypatch.setattr("rag.ingest.read.BATCH", 6)


@pytest.fixture
def engine(database: str, tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents={}, database=database) as engine:
        yield engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_articles(tmp_path / "articles", TEXTS | {"copy.txt": TEXTS["03.txt"]})


def on_call(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, number: int, happens: Callable[[], None]) -> None:
    """Let something happen before a function is called for the given time, from 1."""
    known, calls = getattr(where, name), iter(range(1, 10**6))

    def called(*given: Any) -> Any:
        if next(calls) == number:
            happens()
        return known(*given)

    monkeypatch.setattr(where, name, called)


def restart(postgres: Postgres) -> None:
    with postgres.away():
        pass


def assert_all_there(engine: Engine) -> None:
    held = {name: engine.document(s.id).text for s in engine.sources() for name in (s.source, *s.copies)}
    assert held == TEXTS | {"copy.txt": TEXTS["03.txt"]}
    assert_whole(engine._index)


@pytest.mark.parametrize("step", ["stage", "flip", "touch", "words"])
def test_a_restart_within_a_batch(
    step: str, engine: Engine, folder: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_call(monkeypatch, outbox, step, 2, lambda: restart(postgres))
    report = engine.ingest(folder)
    assert report.added == tuple(sorted([*TEXTS, "copy.txt"])) and not report.failed
    assert report.passages == engine._models.embedding().embedded == len(TEXTS)
    assert_all_there(engine)
    assert len(engine.ingest(folder).unchanged) == 9


@pytest.mark.parametrize("number", range(1, 9))
def test_a_commit_whose_answer_is_lost(
    number: int, engine: Engine, folder: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = engine._index.documents.database
    assert isinstance(database, PostgresDatabase)
    dialect, calls = database._engine.dialect, iter(range(1, 10**6))
    commit = dialect.do_commit

    def commits(connection: Any) -> None:
        commit(connection)
        if next(calls) == number:
            restart(postgres)
            connection.execute("SELECT 1")  # raises what the driver raises then

    monkeypatch.setattr(dialect, "do_commit", commits)
    report = engine.ingest(folder)
    assert next(calls) > number
    assert report.added == tuple(sorted([*TEXTS, "copy.txt"])) and not report.failed
    assert_all_there(engine)
    (folder / "05.txt").unlink()
    write_articles(folder, {"04.txt": "Eels left."})
    calls = iter(range(1, 10**6))
    report = engine.ingest(folder)
    assert (report.replaced, report.removed, len(report.unchanged)) == (("04.txt",), ("05.txt",), 7)
    assert_whole(engine._index)


def test_an_outage_while_workers_read_and_embed(
    engine: Engine, folder: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew = Crew()
    monkeypatch.setattr("rag.ingest.spread._FILES", 2)
    stopped, ended = threading.Event(), threading.Event()

    def outage() -> None:
        with postgres.away():
            stopped.set()
            time.sleep(1.0)
        ended.set()

    def happens() -> None:
        threading.Thread(target=outage).start()
        stopped.wait(30)

    on_call(monkeypatch, outbox, "stage", 2, happens)
    report = sync(engine._index, engine._models.embedding(), [folder], 4, workers=crew)
    assert ended.wait(30)
    assert report.added == tuple(sorted([*TEXTS, "copy.txt"]))
    # The copy is read beside its twin, and embedded as well if that is not written yet.
    assert crew.embedding.embedded in (len(TEXTS), len(TEXTS) + 1)
    assert_all_there(engine)


def test_an_outage_that_lasts_ends_the_ingest_and_the_next_one_goes_on(
    engine: Engine, folder: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "PATIENCE", 0.1)
    away = postgres.away()
    on_call(monkeypatch, store_index.outbox, "stage", 2, away.__enter__)
    with pytest.raises(
        DatabaseServerError, match=r"^the database .* cannot be used: .*; start it, or correct"
    ) as caught:
        engine.ingest(folder)
    assert "\n" not in str(caught.value)
    away.__exit__(None, None, None)
    report = engine.ingest(folder)
    assert report.added and report.unchanged and len(report.added) + len(report.unchanged) == 9
    assert_all_there(engine)


def test_questions_fail_at_once_while_it_is_down_and_are_answered_afterwards(
    engine: Engine, folder: Path, postgres: Postgres
) -> None:
    engine.ingest(folder)
    with postgres.away():
        began = time.monotonic()
        with pytest.raises(DatabaseServerError, match="start it"):
            engine.answer("Where did ferry 3 sink?")
        assert time.monotonic() - began < retry.PATIENCE / 2
    assert "pier 3" in engine.answer("Where did ferry 3 sink?").text
