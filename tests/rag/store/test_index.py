"""The store as a whole: three parts that agree whatever happens, one owner at a time, and no file of others touched."""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import filelock
import pytest
from fakes import ROOT, WAIT, FakeEmbedding, make_engine
from stores import MODEL, add, found, known, make_entry, sources, write

from rag import Settings, StoreError, StoreLockedError, StoreMismatchError
from rag.engine import Engine
from rag.language.words import terms
from rag.store import outbox
from rag.store.index import Index
from rag.store.lexical import LexicalIndex
from rag.store.vectors import VectorStore

COD = "Cod left the bay. The bay froze. Nobody fished."
HERRING = "Herring came home. Home was warm."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def index(folder: Path) -> Iterator[Index]:
    index = Index.open(folder, MODEL)
    yield index
    index.close()


def fill(folder: Path) -> None:
    """Make a store of two articles and close it."""
    index = Index.open(folder, MODEL)
    add(index, COD)
    add(index, HERRING, "b.txt")
    index.close()


def assert_whole(index: Index) -> None:
    """All three hold exactly the same passages, as counted here and by the store's own audit."""
    with index.documents.snapshot() as view:
        chunk_ids = view.chunk_ids(view.numbers("live"))
        assert view.numbers("pending", "changed", "going") == []
        passages = list(view.chunks(chunk_ids))
    assert sorted(index.vectors.ids()) == sorted(chunk_ids)
    sentences = {}
    for chunk, _, vectors in passages:
        assert vectors.shape[0] == 1 + len(chunk.sentences)
        for number, span in enumerate(chunk.sentences):
            sentences[chunk.id, number] = terms(chunk.text[span.start - chunk.start : span.end - chunk.start])
    assert index.lexical.count() == len(sentences)
    for place, words in sentences.items():
        assert place in {(chunk_id, number) for chunk_id, number, _ in index.lexical.search(words, 100)}
    assert index.documents.count()[1:] == (len(chunk_ids), len(sentences))
    assert list(index.problems()) == []


def test_write_replace_remove(index: Index) -> None:
    assert_whole(index)
    add(index, COD)
    assert index.documents.count() == (1, 2, 3)  # two passages of at most two sentences, three sentences
    assert_whole(index)
    trout = add(index, "Trout swam.")
    assert index.documents.count() == (1, 1, 1)
    assert_whole(index)
    assert found(index, "cod bay") == ["Trout swam."]  # the nearest that is left
    index.remove(trout)
    assert index.documents.count() == (0, 0, 0)
    assert_whole(index)
    assert found(index, "trout") == []


def test_candidates_in_the_order_of_the_articles(index: Index) -> None:
    add(index, HERRING, "b.txt")
    add(index, COD, "a.txt")
    candidates = index.search(FakeEmbedding().embed_question("home bay"), terms("home bay"), 10)
    assert [(c.source, c.chunk.start) for c in candidates] == [
        ("a.txt", 0),
        ("a.txt", COD.index("Nobody")),
        ("b.txt", 0),
    ]
    # "bay" stands in both sentences of the first passage; nothing of the question in the second
    assert [len(c.lexical) for c in candidates] == [2, 1, 2]
    assert min(candidates[0].lexical) > 0


def test_what_is_known(index: Index) -> None:
    add(index, COD)
    assert index.vocabulary.knows("cod") and not index.vocabulary.knows("herring")
    assert (
        index.vocabulary.idf("herring") > index.vocabulary.idf("cod") > index.vocabulary.idf("bay") > 0
    )  # in none, one and two sentences


def test_slips_of_the_pen(index: Index) -> None:
    add(index, "The minister met Zelenskyy. Cod left.")
    assert index.vocabulary.knows(*terms("Zelenskiy")) and not index.vocabulary.knows(*terms("Zuckerberg"))
    assert index.vocabulary.correct(terms("zelenskiy cod wonderland")) == terms("zelenskyy cod wonderland")
    assert index.vocabulary.correct([]) == []


def test_kept_across_opening(folder: Path) -> None:
    fill(folder)
    index = Index.open(folder, MODEL)
    assert [s.source for s in index.sources()] == ["a.txt", "b.txt"]
    assert_whole(index)
    assert "Herring came home. Home was warm." in found(index, "herring")
    index.close()


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


def test_written_in_pages(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.store.index._PAGE", 2)
    monkeypatch.setattr("rag.store.audit._PAGE", 2)
    add(index, " ".join(f"Boat {n} left." for n in range(10)))
    assert_whole(index)
    index.vectors.remove(list(index.vectors.ids()))
    assert len(index.repair()) == 5
    assert_whole(index)


def test_a_renamed_file_is_renamed_everywhere(index: Index) -> None:
    cod = make_entry(COD)
    write(index, cod)
    write(index, known(cod, "b.txt"))
    assert index.drop(["/articles/a.txt"]) == ["a.txt"]
    assert sources(index) == ["b.txt"]
    [*records] = index.vectors.records(list(index.vectors.ids())).values()
    assert {record.metadata["source"] for record in records} == {"b.txt"}
    assert_whole(index)


def test_a_new_title_is_searched(index: Index) -> None:
    cod = make_entry(COD)
    write(index, cod)
    assert not index.vocabulary.knows("mackerel")
    corrected = dataclasses.replace(known(cod), document=dataclasses.replace(cod.document, title="Mackerel gone"))
    assert write(index, corrected) == ["unchanged"]
    assert index.vocabulary.knows("mackerel")
    assert_whole(index)


def test_missing_in_the_store(index: Index) -> None:
    cod, herring = make_entry(COD), make_entry(HERRING, "b.txt")
    assert write(index, known(cod), herring) == ["missing", "added"]
    assert sources(index) == ["b.txt"]


def test_questions_while_it_is_written(index: Index) -> None:
    """One article is replaced over and over: each question finds one whole version of it, and always one."""
    versions = [f"Cod number {n} left the bay. It was day {n}. Nobody fished in {n}." for n in range(40)]
    add(index, versions[0])
    stop, failures = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            candidates = index.search(FakeEmbedding().embed_question("cod left the bay"), terms("cod left bay"), 10)
            texts = {c.document.text for c in candidates}
            if len(texts) != 1 or len(candidates) != 2 or any(c.chunk.text not in c.document.text for c in candidates):
                failures.append(candidates)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for version in versions[1:]:
        add(index, version)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert_whole(index)


def test_a_search_that_stumbles_looks_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add(index, COD)
    search, calls = index.vectors.search, []

    def stumbling(*asked: Any) -> list[tuple[str, float]]:
        calls.append(asked)
        if len(calls) < 3:
            raise StoreError("Error finding id")
        return search(*asked)

    monkeypatch.setattr(index.vectors, "search", stumbling)
    assert found(index, "cod") != [] and len(calls) == 3


def test_a_search_that_fails_says_so(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add(index, COD)

    def failing(*_: object) -> None:
        raise StoreError("Error finding id")

    monkeypatch.setattr(index.vectors, "search", failing)
    with pytest.raises(StoreError, match="Error finding id"):
        found(index, "cod")


def test_a_search_that_is_always_overtaken_takes_its_turn(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever changes while it looks, the last time it looks nothing is written."""
    add(index, COD)
    search, turns = index.vectors.search, []

    def overtaken(*asked: Any) -> list[tuple[str, float]]:
        if index._write_lock._is_owned():  # type: ignore[attr-defined]
            turns.append("mine")
        else:
            add(index, f"Cod number {len(turns)} left.")
            turns.append("another's")
        return search(*asked)

    monkeypatch.setattr(index.vectors, "search", overtaken)
    assert found(index, "cod") == ["Cod number 4 left."]
    assert turns == ["another's"] * 5 + ["mine"]


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


def test_engines_of_one_process_share(tmp_path: Path) -> None:
    first = make_engine(tmp_path, documents={"cod.txt": COD})
    second = make_engine(tmp_path, documents={})
    assert [s.source for s in second.sources()] == ["cod.txt"]
    first.close()
    assert not second.answer("Who left the bay?").abstained
    second.close()
    with make_engine(tmp_path, documents={}) as third:
        assert [s.source for s in third.sources()] == ["cod.txt"]


def test_closing_twice_takes_nothing_from_others(tmp_path: Path) -> None:
    first = make_engine(tmp_path, documents={"cod.txt": COD})
    second = make_engine(tmp_path, documents={})
    first.close()
    first.close()
    assert [s.source for s in second.sources()] == ["cod.txt"]
    second.close()


def test_same_folder_by_another_name(folder: Path, index: Index) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder, target_is_directory=True)
    again = Index.open(link, MODEL)
    assert again is index
    again.close()


def test_opened_by_many_threads_at_once(folder: Path) -> None:
    barrier = threading.Barrier(8)
    opened: list[Index] = []

    def work() -> None:
        barrier.wait(WAIT)
        opened.append(Index.open(folder, MODEL))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 8 and len({id(index) for index in opened}) == 1
    for index in opened:
        index.close()
    with filelock.FileLock(folder / "lock", timeout=0):
        pass  # the last one let go


OTHER_PROCESS = """
import sys, time
from rag import RagError
from rag.store.index import Index
started = time.perf_counter()
try:
    index = Index.open(__import__("pathlib").Path(sys.argv[1]), "fake-embedding")
except RagError as error:
    print(type(error).__name__, f"{time.perf_counter() - started:.3f}", error, sep="|")
else:
    print("open", flush=True)
    sys.stdin.readline()
"""


def other_process(folder: Path) -> subprocess.Popen[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OTHER_PROCESS, str(folder)]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_another_process_is_told_at_once(folder: Path, index: Index) -> None:
    add(index, COD)
    process = other_process(folder)
    said, _ = process.communicate(timeout=WAIT * 2)
    kind, seconds, message = said.strip().split("|")
    assert kind == "StoreLockedError"
    assert float(seconds) < 5  # Chroma alone hangs for minutes here
    assert f"process {os.getpid()}" in message and "--store" in message
    assert found(index, "cod"), "the owner was not disturbed"


def test_store_of_a_process_that_was_killed_opens(folder: Path) -> None:
    process = other_process(folder)
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    with pytest.raises(StoreLockedError, match=f"process {process.pid}"):
        Index.open(folder, MODEL)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=WAIT)
    index = Index.open(folder, MODEL)
    assert_whole(index)
    index.close()


def test_other_embedding_model(folder: Path) -> None:
    fill(folder)
    with pytest.raises(StoreMismatchError, match="other-model") as caught:
        Index.open(folder, "other-model")
    assert MODEL in str(caught.value) and "\n" not in str(caught.value)
    index = Index.open(folder, MODEL)  # nothing was lost, and the folder is free again
    assert index.documents.count()[0] == 2
    with pytest.raises(StoreMismatchError):  # a second engine of this process neither
        Index.open(folder, "other-model")
    index.close()
    with filelock.FileLock(folder / "lock", timeout=0):
        pass


def test_embedding_of_the_settings_counts(tmp_path: Path) -> None:
    fill(tmp_path / "store")
    with pytest.raises(StoreMismatchError, match="all-MiniLM-L6-v2"):
        Engine(Settings(store=tmp_path / "store"))


def test_read_only_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    folder.chmod(0o555)
    if os.access(folder, os.W_OK):  # permissions do not hold for root

        def denied(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied", str(folder))

        monkeypatch.setattr(filelock.FileLock, "acquire", denied)
    with pytest.raises(StoreError, match="Permission denied") as caught:
        Index.open(folder, MODEL)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
    folder.chmod(0o755)


def test_store_is_a_file(folder: Path) -> None:
    folder.write_text("my notes", encoding="utf-8")
    with pytest.raises(StoreError) as caught:
        Index.open(folder, MODEL)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
    assert folder.read_text(encoding="utf-8") == "my notes"


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
