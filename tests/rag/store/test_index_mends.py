"""Three parts that agree whatever happens: lost and damaged parts, failed writes, a full disk."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import pytest
from fakes import WAIT
from stores import COD, HERRING, MODEL, add, assert_whole, fill, found, known, make_entry, other_process, sources, write

from rag import StoreError
from rag.language.words import terms
from rag.store import outbox
from rag.store.index import Index
from rag.store.lexical import LexicalIndex
from rag.store.vectors import VectorStore

pytestmark = pytest.mark.long


def orphan_in_chroma(folder: Path) -> None:
    entry = make_entry("Orphans play chess.")
    store = VectorStore(folder / "chroma")
    store.put([(entry.chunks[0], entry.document, entry.vectors[0][0])])  # type: ignore[index]
    store.close()


def missing_in_chroma(folder: Path) -> None:
    store = VectorStore(folder / "chroma")
    store.remove([next(store.ids())])
    store.close()


def in_lexical(folder: Path, change: Callable[[LexicalIndex], None]) -> None:
    lexical = LexicalIndex(folder / "lexical")
    change(lexical)
    lexical.commit()
    lexical.close()


def orphan_in_lexical(folder: Path) -> None:
    chunks = make_entry("Orphans play chess.").chunks or ()
    in_lexical(folder, lambda lexical: lexical.put([(chunks[0], [terms("Orphans play chess.")], [])]))


def missing_in_lexical(folder: Path) -> None:
    chunk = (make_entry(COD).chunks or ())[0]
    in_lexical(folder, lambda lexical: lexical.remove([chunk.id]))


def empty_lexical(folder: Path) -> None:
    in_lexical(folder, LexicalIndex.clear)


def no_chroma(folder: Path) -> None:
    shutil.rmtree(folder / "chroma")


def no_lexical(folder: Path) -> None:
    shutil.rmtree(folder / "lexical")


@pytest.mark.parametrize(
    "harm",
    [
        orphan_in_chroma,
        missing_in_chroma,
        orphan_in_lexical,
        missing_in_lexical,
        empty_lexical,
        no_chroma,
        no_lexical,
    ],
)
def test_mended_on_open(folder: Path, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is embedded for it: an index has no embedding model at hand."""
    fill(folder)
    harm(folder)
    with caplog.at_level(logging.WARNING):
        index = Index.open(folder, MODEL)
    assert "rebuilding" in caplog.text
    assert_whole(index)
    assert "Cod left the bay. The bay froze." in found(index, "cod")
    index.close()
    caplog.clear()
    Index.open(folder, MODEL).close()  # mended for good
    assert caplog.text == ""


def test_what_counts_do_not_show_is_found_and_mended_on_demand(folder: Path) -> None:
    """Opening looks at counts alone, so that it is as quick for any size; the audit compares everything."""
    fill(folder)
    orphan_in_chroma(folder)
    missing_in_chroma(folder)
    index = Index.open(folder, MODEL)
    problems = list(index.problems())
    assert len(problems) == 2 and problems == index.repair()
    assert_whole(index)
    index.close()


def test_whole_store_is_opened_without_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folder)

    def work(*_: object) -> None:
        raise AssertionError("worked on a store that was in order")

    for name in ("put", "remove", "ids", "records"):
        monkeypatch.setattr(VectorStore, name, work)
    for name in ("put", "remove", "clear", "numbers"):
        monkeypatch.setattr(LexicalIndex, name, work)
    Index.open(folder, MODEL).close()


STEPS = ["vectors.put", "lexical.put", "lexical.commit", "outbox.stage", "outbox.flip"]
AFTER = ["vectors.remove", "lexical.remove", "outbox.purge"]  # the new ones are seen, the old ones not


def fail(index: Index, patch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    part, name = step.split(".")
    patch.setattr(outbox if part == "outbox" else getattr(index, part), name, full)


@pytest.mark.parametrize("again", ["opened again", "written again"])
@pytest.mark.parametrize("step", [*STEPS, *AFTER])
def test_failed_write_is_finished_later(
    folder: Path, step: str, again: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Until the new one is seen the old one is, and never both; nothing that was taken in is embedded again."""
    index = Index.open(folder, MODEL)
    add(index, COD)
    herring = make_entry(HERRING)
    before = index.version
    with monkeypatch.context() as patch:
        fail(index, patch, step)
        with pytest.raises(StoreError, match="the disk is full"):
            write(index, herring)
    said = found(index, "cod herring")
    if step in AFTER:
        assert said == ["Herring came home. Home was warm."] and index.version == before + 1
    else:
        assert said == ["Cod left the bay. The bay froze.", "Nobody fished."] and index.version == before
    if again == "opened again":
        index.close()
        index = Index.open(folder, MODEL)
    taken_in = set() if step == "outbox.stage" else {herring.document.id}
    assert index.held([herring.document.id]) == taken_in
    assert write(index, known(herring) if taken_in else herring) == ["unchanged" if taken_in else "replaced"]
    assert_whole(index)
    assert found(index, "cod herring") == ["Herring came home. Home was warm."]
    assert caplog.text == ""  # what is left to do is known, nothing is rebuilt
    index.close()


@pytest.mark.parametrize("step", AFTER)
def test_failed_removal_is_finished_later(folder: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index.open(folder, MODEL)
    cod = add(index, COD)
    with monkeypatch.context() as patch:
        fail(index, patch, step)
        with pytest.raises(StoreError):
            index.remove(cod)
    assert found(index, "cod") == []
    index.close()
    index = Index.open(folder, MODEL)
    assert_whole(index)
    assert index.vectors.count() == 0
    index.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
@pytest.mark.parametrize("most", [150_000, 400_000, 1_500_000])
def test_no_space_left(folder: Path, most: int) -> None:
    """A limit on the size of files fails as a full disk does; when there is space again nothing is lost."""
    resource = pytest.importorskip("resource")
    index = Index.open(folder, MODEL)
    add(index, COD, "cod.txt")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    written = 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
    try:
        with pytest.raises(StoreError) as caught:
            for written in range(100):
                boats = [f"Boat {n} left bay {written}. " * 20 for n in range(10)]
                write(index, *(make_entry(text, f"{written}-{n}.txt") for n, text in enumerate(boats)))
        assert "Cod left the bay. The bay froze." in found(index, "cod froze fished")
        with pytest.raises(StoreError):
            index.settle()
            add(index, "Trout swam. " * 50_000, "trout.txt")
        assert "Cod left the bay. The bay froze." in found(index, "cod froze fished")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value) and "space" in str(caught.value)
    assert len(sources(index)) in (1 + 10 * written, 1 + 10 * (written + 1))  # a batch is there whole or not at all
    index.settle()
    assert_whole(index)
    assert write(index, make_entry(HERRING, "b.txt")) == ["added"]
    index.close()
    index = Index.open(folder, MODEL)
    assert_whole(index)
    index.close()


@pytest.mark.parametrize("part", ["documents.db", "chroma/chroma.sqlite3", "lexical/meta.json"])
def test_damaged_part_is_one_line_and_lets_go(folder: Path, part: str) -> None:
    fill(folder)
    for beside in (folder / part).parent.glob(f"{Path(part).name}-*"):
        beside.unlink()
    (folder / part).write_bytes(b"damaged " * 1000)
    for _ in range(2):  # a second try in the same process is told the same
        with pytest.raises(StoreError) as caught:
            Index.open(folder, MODEL)
        assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
        with filelock.FileLock(folder / "lock", timeout=0):
            pass


@pytest.mark.parametrize("part", ["chroma", "lexical"])
def test_advice_to_remove_a_damaged_part_works(folder: Path, part: str) -> None:
    fill(folder)
    (folder / part / ("chroma.sqlite3" if part == "chroma" else "meta.json")).write_bytes(b"damaged " * 1000)
    said, _ = other_process(folder).communicate(timeout=WAIT * 2)
    assert said.startswith("StoreError") and "remove that folder" in said, said
    shutil.rmtree(folder / part)
    index = Index.open(folder, MODEL)
    assert_whole(index)
    assert index.documents.count()[0] == 2
    index.close()


def test_chroma_that_takes_no_write_after_a_crash_is_made_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folder)
    index = Index.open(folder, MODEL)
    with index.documents.database.write() as connection:
        outbox.drop(connection, [next(iter(index.files()))])  # killed before the indexes were told
    index.close()
    ask, broken = VectorStore._ask, folder / "chroma" / "broken"
    broken.touch()

    def ask_broken(store: VectorStore, what: str, **asked: Any) -> Any:
        if what in ("delete", "upsert") and broken.exists():
            raise StoreError("Chroma failed: Error in compaction: Failed to apply logs")
        return ask(store, what, **asked)

    monkeypatch.setattr(VectorStore, "_ask", ask_broken)
    index = Index.open(folder, MODEL)
    assert_whole(index)
    assert index.documents.count()[0] == 1
    index.close()
