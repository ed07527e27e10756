"""The store as a whole: three parts that agree whatever happens, one owner at a time, and no file of others touched."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest
from fakes import ROOT, WAIT, FakeEmbedding, make_engine, make_passages

from rag import Settings, StoreError, StoreLockedError, StoreMismatchError
from rag.index import Index
from rag.lexical import LexicalIndex
from rag.pipeline import Engine
from rag.store import VectorStore
from rag.text import terms

MODEL = "fake-embedding"
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


def add(index: Index, text: str, source: str = "a.txt", replaces: str | None = None) -> str:
    document, chunks, vectors = make_passages(text, source, path=f"/articles/{source}")
    index.add(document, chunks, vectors, replaces)
    return document.id


def fill(folder: Path) -> None:
    """Make a store of two articles and close it."""
    index = Index.open(folder, MODEL)
    add(index, COD)
    add(index, HERRING, "b.txt")
    index.close()


def found(index: Index, question: str) -> list[str]:
    candidates = index.search(FakeEmbedding().embed_question(question), terms(question), 10)
    return [candidate.chunk.text for candidate in candidates]


def assert_agrees(index: Index) -> None:
    """All three hold exactly the same passages."""
    chunk_ids = index.documents.chunk_ids()
    assert sorted(index.vectors.ids()) == chunk_ids
    sentences = {}
    for chunk, _, vectors in index.documents.chunks(chunk_ids):
        assert vectors.shape[0] == 1 + len(chunk.sentences)
        for number, span in enumerate(chunk.sentences):
            sentences[chunk.id, number] = terms(chunk.text[span.start - chunk.start : span.end - chunk.start])
    assert index.lexical.count() == len(sentences)
    for place, words in sentences.items():
        assert place in {(chunk_id, number) for chunk_id, number, _ in index.lexical.search(words, 100)}
    assert index.documents.get_meta("dirty") != "1"


def test_add_replace_remove(index: Index) -> None:
    assert_agrees(index)
    cod = add(index, COD)
    assert index.documents.count() == (1, 2, 3)  # two passages of at most two sentences, three sentences
    assert_agrees(index)
    trout = add(index, "Trout swam.", replaces=cod)
    assert index.documents.count() == (1, 1, 1)
    assert_agrees(index)
    assert found(index, "cod bay") == ["Trout swam."]  # the nearest that is left
    index.remove(trout)
    assert index.documents.count() == (0, 0, 0)
    assert_agrees(index)
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
    assert index.knows("cod") and not index.knows("herring")
    assert index.idf("herring") > index.idf("cod") > index.idf("bay") > 0  # in none, one and two sentences


def test_slips_of_the_pen(index: Index) -> None:
    add(index, "The minister met Zelenskyy. Cod left.")
    assert index.knows(*terms("Zelenskiy")) and not index.knows(*terms("Zuckerberg"))
    assert index.correct(terms("zelenskiy cod wonderland")) == terms("zelenskyy cod wonderland")
    assert index.correct([]) == []


def test_kept_across_opening(folder: Path) -> None:
    fill(folder)
    index = Index.open(folder, MODEL)
    assert [s.source for s in index.sources()] == ["a.txt", "b.txt"]
    assert_agrees(index)
    assert "Herring came home. Home was warm." in found(index, "herring")
    index.close()


def orphan_in_chroma(folder: Path) -> None:
    document, chunks, vectors = make_passages("Orphans play chess.")
    store = VectorStore(folder / "chroma")
    store.add([(chunks[0], document, vectors[0][0])])
    store.close()


def missing_in_chroma(folder: Path) -> None:
    store = VectorStore(folder / "chroma")
    store.remove(store.ids()[:1])
    store.close()


def swapped_in_chroma(folder: Path) -> None:
    orphan_in_chroma(folder)
    missing_in_chroma(folder)


def orphan_in_tantivy(folder: Path) -> None:
    _, chunks, _ = make_passages("Orphans play chess.")
    LexicalIndex(folder / "lexical").add([(chunks[0], [terms("Orphans play chess.")], [])])


def missing_in_tantivy(folder: Path) -> None:
    index = Index.open(folder, MODEL)
    gone = index.documents.chunk_ids()[0]
    index.close()
    LexicalIndex(folder / "lexical").remove([gone])


def empty_tantivy(folder: Path) -> None:
    LexicalIndex(folder / "lexical").clear()


def no_chroma(folder: Path) -> None:
    shutil.rmtree(folder / "chroma")


def no_tantivy(folder: Path) -> None:
    shutil.rmtree(folder / "lexical")


@pytest.mark.parametrize(
    "harm",
    [
        orphan_in_chroma,
        missing_in_chroma,
        swapped_in_chroma,
        orphan_in_tantivy,
        missing_in_tantivy,
        empty_tantivy,
        no_chroma,
        no_tantivy,
    ],
)
def test_mended_on_open(folder: Path, harm: object, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is embedded for it: an index has no embedding model at hand."""
    fill(folder)
    harm(folder)  # type: ignore[operator]
    with caplog.at_level(logging.WARNING):
        index = Index.open(folder, MODEL)
    assert "rebuilding" in caplog.text
    assert_agrees(index)
    assert "Cod left the bay. The bay froze." in found(index, "cod")
    index.close()
    caplog.clear()
    Index.open(folder, MODEL).close()  # mended for good
    assert caplog.text == ""


def test_whole_store_is_opened_without_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folder)

    def rebuild(self: Index) -> None:
        raise AssertionError("rebuilt a store that was in order")

    monkeypatch.setattr(Index, "rebuild", rebuild)
    Index.open(folder, MODEL).close()


@pytest.mark.parametrize("step", ["vectors", "lexical", "documents"])
def test_failed_write_leaves_the_old_and_is_mended(folder: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index.open(folder, MODEL)
    cod = add(index, COD)

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(getattr(index, step), "add", full)
        with pytest.raises(StoreError, match="the disk is full"):
            add(index, HERRING, replaces=cod)
    assert index.documents.document(cod) is not None
    assert "Cod left the bay. The bay froze." in found(index, "cod")
    assert "Herring came home. Home was warm." not in found(index, "herring")
    index.close()
    index = Index.open(folder, MODEL)
    assert_agrees(index)
    index.close()


@pytest.mark.parametrize("step", ["vectors", "lexical"])
def test_failed_removal_is_mended(folder: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index.open(folder, MODEL)
    cod = add(index, COD)

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(getattr(index, step), "remove", full)
        with pytest.raises(StoreError):
            index.remove(cod)
    assert found(index, "cod") == []
    index.close()
    index = Index.open(folder, MODEL)
    assert_agrees(index)
    assert index.vectors.count() == 0
    index.close()


def test_retry_after_a_failed_write(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(index.documents, "add", full)
        with pytest.raises(StoreError):
            add(index, COD)
    add(index, COD)
    assert "Cod left the bay. The bay froze." in found(index, "cod")
    index.rebuild()
    assert_agrees(index)


def test_crash_between_two_writes_is_mended(folder: Path) -> None:
    """Counts agree again by chance, but the flag says that a write was not finished."""
    fill(folder)
    index = Index.open(folder, MODEL)
    index.documents.set_meta("dirty", "1")
    index.close()
    swapped_in_chroma(folder)
    index = Index.open(folder, MODEL)
    assert_agrees(index)
    index.close()


def test_rebuild_in_pages(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add(index, " ".join(f"Boat {n} left." for n in range(10)))
    monkeypatch.setattr("rag.index._PAGE", 2)
    index.vectors.remove(index.vectors.ids())
    index.rebuild()
    assert_agrees(index)


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
from rag.index import Index
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
    assert_agrees(index)
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


def test_other_layout(folder: Path) -> None:
    fill(folder)
    index = Index.open(folder, MODEL)
    index.documents.set_meta("layout", "999")
    index.close()
    with pytest.raises(StoreMismatchError, match="999"):
        Index.open(folder, MODEL)


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
    assert said.startswith("StoreError") and "remove that folder" in said
    shutil.rmtree(folder / part)
    index = Index.open(folder, MODEL)
    assert_agrees(index)
    assert index.documents.count()[0] == 2
    index.close()
