"""The vector store, with the real Chroma."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import numpy.typing as npt
import pytest
from chromadb.config import Settings as ChromaSettings
from fakes import WAIT, FakeEmbedding, make_passages

from rag import StoreError
from rag.store.vectors import COLLECTION, VectorStore
from rag.types import Chunk, Document

Entry = tuple[Chunk, Document, npt.NDArray[np.float32]]


def entries(text: str) -> list[Entry]:
    document, chunks, vectors = make_passages(text)
    return [(chunk, document, rows[0]) for chunk, rows in zip(chunks, vectors, strict=True)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorStore]:
    store = VectorStore(tmp_path / "chroma")
    yield store
    store.close()


def test_empty(store: VectorStore) -> None:
    assert store.count() == 0 and list(store.ids()) == []
    assert store.search(FakeEmbedding().embed_question("cod"), 5) == []


def test_nearest_first_with_their_cosine(store: VectorStore) -> None:
    held = entries("Cod left the bay. The bay froze.\n\nHerring came home. Home was warm.")
    store.put(held)
    asked = FakeEmbedding().embed_question("Has the cod left the bay?")
    wanted = sorted(((chunk.id, float(vector @ asked)) for chunk, _, vector in held), key=lambda pair: -pair[1])
    found = store.search(asked, 5)
    assert [chunk_id for chunk_id, _ in found] == [chunk_id for chunk_id, _ in wanted]
    assert [cosine for _, cosine in found] == pytest.approx([cosine for _, cosine in wanted], abs=1e-5)
    assert store.search(asked, 1) == found[:1]
    assert store.search(asked, 0) == []


def test_it_is_searched_as_widely_as_this_version_wants_also_if_an_older_one_made_it(tmp_path: Path) -> None:
    settings = ChromaSettings(anonymized_telemetry=False)
    with contextlib.closing(chromadb.PersistentClient(str(tmp_path), settings)) as old:
        old.create_collection(COLLECTION, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None)
    for _ in range(2):
        with contextlib.closing(VectorStore(tmp_path)) as store:
            hnsw: Any = store._collection.configuration_json["hnsw"]
            assert (hnsw["space"], hnsw["ef_search"]) == ("cosine", 400)


def test_opposite_vector_has_cosine_minus_one(store: VectorStore) -> None:
    [(chunk, document, vector)] = entries("Cod left.")
    store.put([(chunk, document, vector)])
    assert store.search(-vector, 1) == [(chunk.id, pytest.approx(-1.0, abs=1e-5))]


def test_removing(store: VectorStore) -> None:
    held = entries("Cod left. The bay froze.\n\nHerring came home.")
    store.put(held)
    store.remove([held[0][0].id])
    assert list(store.ids()) == [chunk.id for chunk, *_ in held[1:]]
    assert store.count() == len(held) - 1
    store.remove([])
    assert store.count() == len(held) - 1


def test_ids_are_read_in_pages(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.store.vectors._PAGE", 2)
    held = entries("\n\n".join(f"Boat {n} left. It was day {n}." for n in range(5)))
    store.put(held)
    assert sorted(store.ids()) == sorted(chunk.id for chunk, *_ in held)
    store.remove([chunk.id for chunk, *_ in held])
    assert store.count() == 0


def test_kept_across_opening(tmp_path: Path) -> None:
    held = entries("Cod left.")
    first = VectorStore(tmp_path / "chroma")
    first.put(held)
    first.close()
    second = VectorStore(tmp_path / "chroma")
    assert list(second.ids()) == [held[0][0].id]
    second.close()


def test_passage_is_there_for_other_tools(store: VectorStore) -> None:
    """LlamaIndex and Chroma users find the text, its place and its source."""
    document, chunks, vectors = make_passages("Cod left.", "b/a.txt")
    store.put([(chunks[0], document, vectors[0][0])])
    [node] = store.llama_index.get_nodes([chunks[0].id])
    assert node.get_content() == "Cod left."
    assert node.metadata["source"] == "b/a.txt"
    assert node.ref_doc_id == document.id


def test_other_dimensions_are_refused(store: VectorStore) -> None:
    [(chunk, document, vector)] = entries("Cod left.")
    store.put([(chunk, document, vector)])
    with pytest.raises(StoreError) as caught:
        store.search(vector[:7], 1)
    assert "\n" not in str(caught.value)


def test_after_a_failed_write_another_client_writes(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one may wait for ever, as after a full disk."""
    first, second = entries("Cod left. The bay froze.\n\nHerring came home.")[:2]
    store.put([first])

    def full(**_: object) -> None:
        raise RuntimeError("Error in compaction\nat line 7")

    old = store._collection
    monkeypatch.setattr(old, "upsert", full)
    with pytest.raises(StoreError, match=r"Error in compaction; check") as caught:
        store.put([second])
    assert store.failed and "\n" not in str(caught.value)
    store.put([second])
    assert not store.failed and store._collection is not old
    assert set(store.ids()) == {first[0].id, second[0].id}


def test_silence_is_an_error(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr("rag.store.vectors._LONGEST", 0.05)
    monkeypatch.setattr(store._collection, "query", lambda **_: release.wait(WAIT))
    with pytest.raises(StoreError, match="no answer"):
        store.search(FakeEmbedding().embed_question("cod"), 5)
    assert store.failed
    release.set()


def test_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "chroma").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError) as caught:
        VectorStore(tmp_path / "chroma")
    assert "\n" not in str(caught.value)


def test_folder_holds_a_broken_database(tmp_path: Path) -> None:
    (tmp_path / "chroma").mkdir()
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError) as caught:
        VectorStore(tmp_path / "chroma")
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_names_of_tables_that_are_no_text_do_not_end_the_process(tmp_path: Path) -> None:
    VectorStore(tmp_path / "chroma").close()
    path = tmp_path / "chroma" / "chroma.sqlite3"
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"CREATE TABLE embeddings", b"CREATE \xa7ABLE embeddings"))
    assert path.read_bytes() != raw
    with pytest.raises(StoreError, match=r"is damaged.*rag doctor --repair") as caught:
        VectorStore(tmp_path / "chroma")
    assert "\n" not in str(caught.value)
