"""Files of many articles: in parts, row by row, and with rows that fail."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fakes import FakeEmbedding, write_articles
from syncs import did, library, rows, settle

from rag import DocumentError, Engine
from rag.ingest.read import BATCH, BatchReader, guarded
from rag.ingest.scan import scan
from rag.types import Chunk

pytestmark = pytest.mark.long

# --- large files


def test_a_large_table_comes_in_parts(engine: Engine, folder: Path, embedding: FakeEmbedding) -> None:
    write_articles(folder, {"list.jsonl": rows(1000)})
    settle(folder)
    batches: list[int] = []
    embed = embedding.embed_passages

    def counted(chunks: Sequence[Chunk]) -> list[npt.NDArray[np.float32]]:
        batches.append(len(chunks))
        return embed(chunks)

    object.__setattr__(embedding, "embed_passages", counted)
    report = engine.ingest(folder)
    assert len(report.added) == report.passages == 1000 and report.failed == ()
    assert report.added[0] == "list.jsonl!/1" and max(batches) <= BATCH
    assert did(engine.ingest(folder))["unchanged"] == ("b/news.md", "b/pike.txt", "cod.txt", "list.jsonl")


def test_a_table_is_mirrored_row_by_row(engine: Engine, folder: Path, embedding: FakeEmbedding) -> None:
    write_articles(folder, {"list.jsonl": rows(6)})
    engine.ingest(folder)
    before = embedding.embedded
    lines = rows(6).splitlines(keepends=True)
    lines[1] = rows(1, "another row")
    write_articles(folder, {"list.jsonl": "".join(lines[:4])})
    report = engine.ingest(folder)
    assert report.replaced == ("list.jsonl!/2",) and embedding.embedded == before + 1
    assert {name for name in library(engine) if "!" in name} == {f"list.jsonl!/{n}" for n in range(1, 5)}
    (folder / "list.jsonl").rename(folder / "moved.jsonl")
    assert did(engine.ingest(folder))["moved"] == tuple(f"moved.jsonl!/{n}" for n in range(1, 5))
    (folder / "moved.jsonl").unlink()
    assert len(engine.ingest(folder).removed) == 4


def test_a_row_that_fails_is_named_and_the_others_go_in(engine: Engine, folder: Path) -> None:
    write_articles(folder, {"list.jsonl": rows(2) + "{broken\n" + rows(1, "last row")})
    report = engine.ingest(folder)
    assert len(report.added) == 3 and len(report.failed) == 1
    assert report.failed[0][0].startswith("list.jsonl") and "3" in report.failed[0][1]
    assert "list.jsonl" in engine.ingest(folder).unchanged


def test_a_file_that_breaks_off_keeps_what_it_had(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_articles(folder, {"list.jsonl": rows(5)})
    engine.ingest(folder)
    write_articles(folder, {"list.jsonl": rows(5, "changed row")})
    read = BatchReader._items

    def breaks_off(self: BatchReader, found: Any) -> Any:
        def items() -> Any:
            yield from itertools.islice(read(self, found), 2)
            raise DocumentError("the rest is missing")

        yield from guarded(found.source, items)

    with monkeypatch.context() as patch:
        patch.setattr(BatchReader, "_items", breaks_off)
        for _ in range(2):
            [(name, reason)] = engine.ingest(folder).failed
            assert (name, reason) == ("list.jsonl", "the rest is missing")
    texts = [text for name, text in sorted(library(engine).items()) if "!" in name]
    assert [text.split()[2] for text in texts] == ["changed", "changed", "row", "row", "row"]
    assert len(engine.ingest(folder).replaced) == 3


def test_columns_name_what_a_table_holds(engine: Engine, folder: Path) -> None:
    write_articles(folder, {"list.csv": "Headline,Body of it\nStorm,The storm hit the coast in March.\n"})
    settle(folder)
    assert [name for name, _ in engine.ingest(folder).failed] == ["list.csv"]
    columns = {"text": "Body of it", "title": "Headline"}
    assert len(engine.ingest(folder, columns=columns).added) == 1
    assert "list.csv" in engine.ingest(folder, columns=columns).unchanged
    [entry] = [entry for entry in engine.sources() if entry.source.startswith("list.csv")]
    assert entry.title == "Storm"
    assert len(engine.ingest(folder, columns={"text": "Headline"}).replaced) == 1, "other columns, other articles"


# --- one article


def test_reading_holds_no_more_of_a_large_file_than_of_a_small_one(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        folder = write_articles(tmp_path / str(count), {"list.jsonl": rows(count)})
        files = scan([folder], lambda _: 0).files.values()
        reader = BatchReader(lambda _: set(), 4)
        documents = 0
        tracemalloc.start()
        try:
            for batch in reader.batches((found, None) for found in files):
                if not documents:
                    tracemalloc.reset_peak()  # telling a file's encoding takes a few megabytes once
                documents += sum(len(part.documents) for part in batch)
                assert sum(part.passages for part in batch) <= BATCH
                reader.written(batch)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert documents == count

    peak(1000)  # what is imported and cached at first
    assert peak(6000) < peak(1000) * 1.5
