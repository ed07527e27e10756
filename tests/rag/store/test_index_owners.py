"""One owner at a time, one embedding model, and folders that cannot be a store."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import filelock
import pytest
from fakes import WAIT, make_engine
from stores import COD, MODEL, add, assert_whole, fill, found, other_process

from rag import Settings, StoreError, StoreLockedError, StoreMismatchError
from rag.engine import Engine
from rag.store.index import Index

pytestmark = pytest.mark.long


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
