"""Collections: their names, their folders, and that they share nothing in a store."""

from __future__ import annotations

from pathlib import Path

import pytest
from stores import COD, MODEL, add, assert_whole, fill, found, sources

from rag import CollectionError
from rag.store import collections
from rag.store.index import Index


@pytest.mark.parametrize("name", ["", "a b", "../up", "a/b", ".", "é", "x" * 65, "a\n", "\x00", "a.b", "a\\b"])
def test_what_cannot_be_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(CollectionError, match="cannot be the name of a collection") as caught:
        collections.find(tmp_path, name, create=True)
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "2024", "-x", "_", "court-cases_2", "x" * 64, "con", "chroma", "lexical"])
def test_a_name_is_a_folder_of_its_own(tmp_path: Path, name: str) -> None:
    folder = collections.find(tmp_path, name, create=True)
    assert folder.parent == tmp_path and folder.name == f"collection-{name}"


def test_upper_and_lower_case_are_one_name(tmp_path: Path) -> None:
    fill(collections.find(tmp_path, "Court", create=True))
    assert collections.collections(tmp_path) == ("default", "court")
    assert collections.find(tmp_path, "COURT") == collections.folder_of(tmp_path, "court")


def test_the_default_collection_is_the_store_as_it_was(tmp_path: Path) -> None:
    fill(tmp_path)
    assert collections.find(tmp_path, "default") == tmp_path
    assert collections.collections(tmp_path) == ("default",)


def test_an_unknown_one_is_an_error_that_lists_those_that_exist(tmp_path: Path) -> None:
    fill(collections.folder_of(tmp_path, "court"))
    fill(collections.folder_of(tmp_path, "archive"))
    (tmp_path / "collection-é").mkdir()  # somebody else's
    (tmp_path / "collection-é" / "documents.db").touch()
    (tmp_path / "collection-empty").mkdir()
    with pytest.raises(CollectionError, match="no collection 'curt'; there are default, archive, court; make one with"):
        collections.find(tmp_path, "Curt")


def test_there_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collections, "MOST", 2)
    fill(collections.find(tmp_path, "one", create=True))
    with pytest.raises(CollectionError, match="2 collections already"):
        collections.find(tmp_path, "two", create=True)
    assert collections.find(tmp_path, "one", create=True).is_dir()


def test_the_same_text_is_in_both_and_leaves_one_alone(tmp_path: Path) -> None:
    main = Index.open(tmp_path, MODEL)
    court = Index.open(collections.folder_of(tmp_path, "court"), MODEL)
    try:
        same = add(main, COD)
        assert add(court, COD, "copy.txt") == same
        assert sources(main) == ["a.txt"] and sources(court) == ["copy.txt"]
        assert [entry.similar + entry.copies for entry in (*main.sources(), *court.sources())] == [(), ()]
        main.remove(same)
        assert sources(main) == [] and sources(court) == ["copy.txt"]
        assert found(main, "Who left the bay?") == [] and found(court, "Who left the bay?")
        assert_whole(main)
        assert_whole(court)
    finally:
        main.close()
        court.close()


def test_only_a_collection_that_was_never_filled_is_discarded(tmp_path: Path) -> None:
    folder = collections.folder_of(tmp_path, "court")
    for keep in (False, True):
        index = Index.open(folder, MODEL)
        if keep:
            index.remove(add(index, COD))
            index.documents.set_meta("used", "1")
        index.close(discard=True)
        assert folder.exists() is keep


def test_two_users_and_the_last_one_discards(tmp_path: Path) -> None:
    folder = collections.folder_of(tmp_path, "court")
    first, second = (Index.open(folder, MODEL) for _ in range(2))
    first.close(discard=True)
    assert second.documents.is_empty()
    second.close(discard=True)
    assert not folder.exists()
