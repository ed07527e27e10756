"""A library in PostgreSQL within one process: what is written, found, logged and mended."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import Postgres
from shared import connect
from stores import COD, HERRING, MODEL, add, assert_whole, found, known, make_entry, sources, write

from rag import Filters, StoreError
from rag.errors import StoreMismatchError
from rag.store import change_log
from rag.store.articles import Articles
from rag.store.index import Index
from rag.store.postgres import PostgresDatabase
from rag.store.shared_index import SharedIndex

pytestmark = pytest.mark.long


@pytest.fixture
def shared(database: str, tmp_path: Path) -> Iterator[Index]:
    index = connect(database, tmp_path)
    yield index
    index.close()


def test_what_is_written_is_found_and_what_is_removed_is_not(shared: Index) -> None:
    cod = add(shared, COD)
    add(shared, HERRING, "b.txt")
    assert sources(shared) == ["a.txt", "b.txt"] and "Nobody fished." in found(shared, "Who fished?")
    assert_whole(shared)
    assert write(shared, make_entry("Cod came back. Everybody fished.", "a.txt")) == ["replaced"]
    assert "Nobody fished." not in found(shared, "Who fished?") and shared.documents.document(cod) is None
    assert shared.drop(["/articles/b.txt"]) == ["b.txt"]
    assert sources(shared) == ["a.txt"]
    assert_whole(shared)


def test_it_answers_like_a_store_in_a_folder(shared: Index, tmp_path: Path) -> None:
    other = Index.open(tmp_path / "store", MODEL)
    choose = random.Random(4)
    words = "cod herring harbour bay ice storm town night boat market".split()
    try:
        for step in range(16):
            text = " ".join(" ".join(choose.choices(words, k=6)).capitalize() + "." for _ in range(5))
            name = f"{choose.choice('ab[c')}{choose.randrange(9)}^{choose.choice(['', '+x'])}.txt"
            entry = make_entry(text, name, date=f"2024-0{1 + step % 9}-03", author=f"Ann {step % 3}", publisher="Wire")
            batch = [entry, known(entry, f"copy{step % 4}.txt")]
            assert write(shared, *batch) == write(other, *batch)
            if step % 5 == 4:
                path = choose.choice(sorted(other.files()))
                assert shared.drop([path]) == other.drop([path])
        assert shared.files() == other.files() and shared.version == other.version
        every = [
            None,
            Filters(sources=("a*", "wire")),
            Filters(sources=("[!a]?^.txt", "*+x*")),
            Filters(sources=("[c*",)),
            Filters(since="2024-03", until="2024-05", authors=("ann 1",)),
            Filters(languages=("de",)),
        ]
        for filters in every:
            for question in ("cod in the bay", "storm at night"):
                assert found(shared, question, 5, filters) == found(other, question, 5, filters), filters
        ours, theirs = Articles(shared), Articles(other)
        assert ours.find(None, ["cod"]) == theirs.find(None, ["cod"]) and ours.newest() == theirs.newest()
        assert ours.openings(ours.find()) == theirs.openings(theirs.find())
        assert [(s.source, s.copies, s.similar) for s in shared.sources()] == [
            (s.source, s.copies, s.similar) for s in other.sources()
        ]
        assert_whole(shared)
    finally:
        other.close()


def test_names_with_odd_characters_are_kept(shared: Index) -> None:
    entry = make_entry("Cod\ud800 left.\x00", "a.txt", title="100% \x00 of 'cod' \"left\"; ?")
    assert write(shared, entry) == ["added"]
    [source] = shared.sources()
    assert source.title == "100% \ufffd of 'cod' \"left\"; ?"
    document = shared.documents.document(entry.document.id)
    assert document is not None and document.text == "Cod\ud800 left.\x00"


def test_collections_are_apart_and_listed(shared: Index, database: str, tmp_path: Path) -> None:
    from rag.store.postgres import collections

    add(shared, COD)
    court = connect(database, tmp_path, "court")
    try:
        add(court, HERRING)
        assert sources(shared) == sources(court) == ["a.txt"]
        assert found(court, "Who fished?") == ["Herring came home. Home was warm."]
        assert collections(database) == ["court"]
    finally:
        court.close()
    with pytest.raises(StoreError, match="at most 50 characters"):
        connect(database, tmp_path, "c" * 51)


def test_indexes_that_missed_more_than_the_log_keeps_are_made_again(
    shared: Index, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_log, "_KEPT", 2)
    folder = shared.folder
    add(shared, COD)
    shared.close()
    other = connect(database, tmp_path / "other")
    for n in range(5):
        add(other, f"Herring {n} came home. Home was warm.", f"{n}.txt")
    other.close()
    again = connect(database, tmp_path)
    try:
        assert again.folder == folder
        assert_whole(again)
    finally:
        again.close()
    connect(database, tmp_path)  # the fixture closes it


def test_indexes_of_another_library_are_made_again(shared: Index, postgres: Postgres, tmp_path: Path) -> None:
    add(shared, COD)
    shared.close()
    other = connect(postgres.new(), tmp_path)
    try:
        assert other.folder == shared.folder and found(other, "Who fished?") == []
        assert_whole(other)
    finally:
        other.close()


def test_a_lost_index_is_made_again_and_a_damaged_one_is_mended(shared: Index, database: str, tmp_path: Path) -> None:
    import shutil

    add(shared, COD)
    shared.close()
    shutil.rmtree(shared.folder / "lexical")
    again = connect(database, tmp_path)
    try:
        assert_whole(again)
        again.vectors.remove([next(again.vectors.ids())])
        assert any("missing in Chroma" in line for line in again.problems())
        again.repair()
        assert_whole(again)
    finally:
        again.close()


def test_writers_take_turns_and_a_lost_turn_ends_the_write(
    shared: Index, database: str, postgres: Postgres, tmp_path: Path
) -> None:
    other = PostgresDatabase(database, "default")
    mine = shared.documents.database
    assert isinstance(mine, PostgresDatabase)
    try:
        with mine.turn, mine.turn:
            with other.turn.if_free() as free:
                assert not free
            waiting = threading.Thread(target=lambda: other.turn.__enter__() or other.turn.__exit__())
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive()
        waiting.join(30)
        assert not waiting.is_alive()
        with other.turn.if_free() as free:
            assert free
        with pytest.raises(StoreError, match="cannot be used"), mine.turn:
            postgres.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' "
                f"AND datname = '{database.rsplit('/', 1)[1]}'"
            )
            with mine.write() as connection:
                connection.execute("INSERT INTO meta VALUES ('lost', ?)", ("1",))
        assert shared.documents.get_meta("lost") is None
    finally:
        other.close()


def test_each_process_has_its_own_folder_below_the_same_store(shared: Index, database: str, tmp_path: Path) -> None:
    other = SharedIndex(shared.folder.with_name("dateline-1"), MODEL, None, database, "default")
    try:
        add(shared, COD)
        assert found(other, "Who fished?")  # it follows
        add(other, HERRING, "b.txt")
        assert "Herring came home. Home was warm." in found(shared, "Herring")
        for index in (shared, other):
            assert_whole(index)
    finally:
        other._stop()
        for part in (other.documents, other.vectors, other.lexical):
            part.close()
        other._lock.release()


def test_another_model_and_a_newer_layout_are_refused(
    shared: Index, database: str, postgres: Postgres, tmp_path: Path
) -> None:
    with pytest.raises(StoreMismatchError, match="was made with embedding model fake-embedding"):
        SharedIndex(tmp_path / "x", "other-model", None, database, "default")
    postgres.run("UPDATE dateline.meta SET value = '99' WHERE key = 'layout'", database)
    with pytest.raises(StoreMismatchError, match="have layout 99"):
        PostgresDatabase(database, "default")


def test_after_the_server_dropped_its_connections_nothing_has_to_be_started_again(
    shared: Index, database: str, postgres: Postgres
) -> None:
    add(shared, COD)
    name = database.rsplit("/", 1)[1]
    postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert "Nobody fished." in found(shared, "Who fished?")
    add(shared, HERRING, "b.txt")
    assert sources(shared) == ["a.txt", "b.txt"]
