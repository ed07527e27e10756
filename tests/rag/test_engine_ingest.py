"""Ingesting into a real store without loss: what is added, replaced, renamed and removed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedding, FakeLLM, make_engine, write_articles

from rag import DocumentError, ModelError, StoreError
from rag.engine import EMPTY

COD = {
    "cod.txt": "The cod left the harbour in May 2019. Captain Odile Brandt saw it.",
    "b/news.md": "Herring came home.",
}


def test_report_of_a_first_ingest(tmp_path: Path) -> None:
    write_articles(tmp_path / "articles", COD)
    with make_engine(tmp_path, documents={}) as engine:
        seen: list[tuple[int, int, str]] = []
        report = engine.ingest(tmp_path / "articles", progress=lambda *step: seen.append(step))
        assert report.added == ("b/news.md", "cod.txt")
        assert (report.replaced, report.unchanged, report.failed) == ((), (), ())
        assert seen == [(1, 2, "b/news.md"), (2, 2, "cod.txt")]
        # one passage of one sentence, and one of two
        assert report.passages == 1 + 1 and engine.counts() == (2, 2, 1 + 2)
        assert [s.source for s in engine.sources()] == ["b/news.md", "cod.txt"]
        json.dumps(report.to_dict())


def test_unchanged_files_cost_nothing(tmp_path: Path) -> None:
    embedding = FakeEmbedding()
    with make_engine(tmp_path, documents=COD, embedding=embedding) as engine:
        before = embedding.embedded
        report = engine.ingest(tmp_path / "articles")
        assert report.unchanged == ("b/news.md", "cod.txt") and report.added == report.replaced == ()
        assert embedding.embedded == before and report.passages == 0


def test_changed_file_replaces_what_it_was(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=COD) as engine:
        old = next(s.id for s in engine.sources() if s.source == "cod.txt")
        write_articles(tmp_path / "articles", {"cod.txt": "The trout left the harbour in June 2020."})
        report = engine.ingest(tmp_path / "articles")
        assert (report.replaced, report.unchanged) == (("cod.txt",), ("b/news.md",))
        assert engine.counts()[0] == 2
        answer = engine.answer("When did the trout leave the harbour?")
        assert "2020" in answer.text
        assert engine.answer("What did Captain Brandt see?").abstained, "nothing of the old text is left"
        with pytest.raises(StoreError):
            engine.document(old)


def test_same_text_under_another_name_is_held_once(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=COD) as engine:
        write_articles(tmp_path / "more", {"copy.txt": COD["cod.txt"]})
        report = engine.ingest(tmp_path / "more")
        assert (report.added, report.passages) == (("copy.txt",), 0)
        assert engine.counts()[0] == 2


def test_file_that_becomes_a_copy_of_another_loses_its_old_text(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=COD) as engine:
        write_articles(tmp_path / "articles", {"b/news.md": COD["cod.txt"]})
        engine.ingest(tmp_path / "articles")
        answer = engine.answer("What came home?")
        assert "Herring" not in answer.text, "no file says so any more"


def test_file_that_swaps_its_text_with_another(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=COD) as engine:
        write_articles(tmp_path / "articles", {"cod.txt": COD["b/news.md"], "b/news.md": COD["cod.txt"]})
        engine.ingest(tmp_path / "articles")
        write_articles(tmp_path / "articles", COD)
        engine.ingest(tmp_path / "articles")
        assert "Herring" in engine.answer("What came home?").text
        assert "cod" in engine.answer("When did the cod leave the harbour?").text


@pytest.mark.parametrize("between", [False, True])
def test_renamed_file_survives_a_new_one_under_its_old_name(tmp_path: Path, between: bool) -> None:
    with make_engine(tmp_path, documents=COD) as engine:
        articles = tmp_path / "articles"
        (articles / "cod.txt").rename(articles / "a.txt")
        if between:
            engine.ingest(articles)
        write_articles(articles, {"cod.txt": "The trout swam up the river in June 2020."})
        engine.ingest(articles)
        assert "2019" in engine.answer("When did the cod leave the harbour?").text, "a.txt says so"
        assert "2020" in engine.answer("When did the trout swim up the river?").text
        assert engine.counts()[0] == 3


def test_moved_folder_does_not_double(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=COD) as engine:
        (tmp_path / "articles").rename(tmp_path / "moved")
        assert engine.ingest(tmp_path / "moved").moved == ("b/news.md", "cod.txt")
        assert engine.counts()[0] == 2


def test_bad_files_are_named_and_the_others_go_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_articles(tmp_path / "articles", COD)
    (folder / "empty.txt").write_bytes(b"")
    (folder / "latin1.txt").write_bytes("Café".encode("latin-1"))
    (folder / "nul.txt").write_bytes(b"a\0b")
    locked = folder / "locked.txt"
    locked.write_text("Secret.", encoding="utf-8")
    locked.chmod(0)
    if os.access(locked, os.R_OK):  # permissions do not hold for root

        def denied(path: str, mode: str) -> Any:
            if path == str(locked):
                raise PermissionError(13, "Permission denied", path)
            return open(path, mode)

        monkeypatch.setattr("rag.ingest.read.open", denied, raising=False)
    with make_engine(tmp_path, documents={}) as engine:
        report = engine.ingest(folder)
        assert report.added == ("b/news.md", "cod.txt")
        assert [source for source, _ in report.failed] == ["empty.txt", "latin1.txt", "locked.txt", "nul.txt"]
        assert all("\n" not in reason and source in reason for source, reason in report.failed)


def test_file_that_turns_bad_keeps_its_last_good_text(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=COD) as engine:
        (tmp_path / "articles" / "cod.txt").write_bytes(b"\xff")
        report = engine.ingest(tmp_path / "articles")
        assert [source for source, _ in report.failed] == ["cod.txt"]
        assert "2019" in engine.answer("When did the cod leave the harbour?").text


def test_embedding_that_fails_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with make_engine(tmp_path, documents=COD) as engine:
        write_articles(tmp_path / "articles", {"cod.txt": "The trout left.", "new.txt": "The pike came."})

        def broken(*_: object) -> None:
            raise ModelError("the weights are gone")

        with monkeypatch.context() as patch:
            patch.setattr(FakeEmbedding, "embed_passages", broken)
            with pytest.raises(ModelError):
                engine.ingest(tmp_path / "articles")
        assert "2019" in engine.answer("When did the cod leave the harbour?").text
        report = engine.ingest(tmp_path / "articles")
        assert (report.added, report.replaced) == (("new.txt",), ("cod.txt",))


def test_missing_path_changes_nothing(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={}) as engine:
        write_articles(tmp_path / "articles", COD)
        with pytest.raises(DocumentError, match="does not exist"):
            engine.ingest(tmp_path / "articles", tmp_path / "no")
        assert engine.sources() == () and engine.is_new


def test_path_as_text_and_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_articles(tmp_path / "articles", COD)
    with make_engine(tmp_path, documents={}) as engine:
        assert len(engine.ingest("~/articles").added) == 2


def test_removing(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=COD) as engine:
        by_id = engine.sources()[0]
        assert engine.remove("cod.txt") == ("cod.txt",)
        assert engine.answer("When did the cod leave the harbour?").abstained
        assert engine.remove(by_id.id) == (by_id.source,)
        assert engine.answer("What came home?").text == EMPTY
        assert not engine.is_new, "it was emptied on purpose"
        with pytest.raises(StoreError, match="rag sources"):
            engine.remove("cod.txt")
        with pytest.raises(StoreError, match="rag sources"):
            engine.document(by_id.id)


def test_store_is_kept_and_answers_the_same(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents=COD) as engine:
        before = engine.answer("When did the cod leave the harbour?").to_dict()
    with make_engine(tmp_path, documents={}) as engine:
        after = engine.answer("When did the cod leave the harbour?").to_dict()
    assert before | {"timings": None} == after | {"timings": None}


def test_complete(tmp_path: Path) -> None:
    from llama_index.core.base.llms.types import ChatMessage

    messages = [ChatMessage(role="user", content="hello there")]
    with make_engine(tmp_path / "a", {"hello": " Hi. "}, documents={}) as engine:
        assert engine.complete(messages) == "Hi."
    with make_engine(tmp_path / "b", model=FakeLLM(error=RuntimeError("gone")), documents={}) as engine:
        assert engine.complete(messages) is None
    with make_engine(tmp_path / "c", documents={}) as engine:
        assert engine.complete(messages) is None
