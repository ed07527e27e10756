"""The library of an engine: what a question finds there, and articles that are added without a file."""

from __future__ import annotations

import pytest
from fakes import FakeLLM, make_engine

from rag import Engine, Filters, SettingsError

TWO = {
    "a.txt": "The ferry carried 4,210 passengers in June. Its captain is Odile Brandt.",
    "b.txt": "The museum showed 310 clocks in June. Its director is Ana Kovic.",
}


def ids(engine: Engine) -> dict[str, str]:
    return {entry.source: entry.id for entry in engine.sources()}


def test_filters_keep_a_question_to_the_chosen_articles(tmp_path):
    with make_engine(tmp_path, documents=TWO) as engine:
        only = Filters(documents=(ids(engine)["b.txt"],))
        assert {e.source for e in engine.retrieve("What happened in June?", filters=only)} == {"b.txt"}
        assert {e.source for e in engine.retrieve("What happened in June?")} == {"a.txt", "b.txt"}
        assert {c.source for c in engine.answer("What happened in June?", only).citations} == {"b.txt"}


def test_filters_that_name_no_article_find_nothing(tmp_path):
    with make_engine(tmp_path, documents=TWO) as engine:
        found = engine.answer("What happened in June?", Filters(documents=("gone",)))
        assert found.abstained and not found.related


def test_retrieve_ranks_more_than_the_model_is_shown(tmp_path):
    with make_engine(tmp_path, documents=TWO, evidence=1) as engine:
        found = engine.retrieve("How many passengers did the ferry carry?", limit=4)
        assert [e.rank for e in found] == [1, 2, 3, 4]
        assert [e.score for e in found] == sorted((e.score for e in found), reverse=True)


def test_an_abstention_offers_the_nearest_sentences_and_cites_none(tmp_path):
    with make_engine(tmp_path, documents=TWO) as engine:
        found = engine.answer("Who is Zebulon?")
        assert found.abstained and not found.citations and found.related


def test_another_engine_over_the_same_store_has_its_own_settings(tmp_path):
    model = FakeLLM(default="4,210 passengers")
    with make_engine(tmp_path, documents=TWO, model=model) as engine:
        with engine.using(llm="extractive") as other:
            assert other.llm is None and other.answer("Who is the captain?").model == "extractive"
        with engine.using(evidence=2) as other:
            assert other.llm is model and other.settings.evidence == 2
        assert engine.llm is model and engine.counts()[0] == 2  # still open


def test_another_engine_cannot_have_another_store(tmp_path):
    with make_engine(tmp_path, documents=TWO) as engine, pytest.raises(SettingsError, match="store"):
        engine.using(store=tmp_path / "other")


def test_an_article_is_added_as_text_or_bytes_and_replaced_by_its_path(tmp_path):
    with make_engine(tmp_path, documents={}) as engine:
        assert engine.add("a.txt", TWO["a.txt"]).added == ("a.txt",)
        assert engine.add("a.txt", TWO["a.txt"].encode()).unchanged == ("a.txt",)
        assert engine.add("b.txt", TWO["b.txt"], "https://example.org/b").added == ("b.txt",)
        assert engine.add("b.txt", "The museum has closed its doors.", "https://example.org/b").replaced == ("b.txt",)
        report = engine.add("c.txt", b"\xff\x00")
        assert report.failed[0][0] == "c.txt" and "UTF-8" in report.failed[0][1]
        assert [entry.source for entry in engine.sources()] == ["a.txt", "b.txt"] and not engine.is_new


def test_llama_index_sees_the_same_passages(tmp_path):
    with make_engine(tmp_path, documents=TWO) as engine:
        nodes = engine.vector_index().as_retriever(similarity_top_k=1).retrieve("museum clocks")
        assert nodes[0].metadata["source"] == "b.txt"


def test_articles_without_a_path_are_not_mistaken_for_one_another(tmp_path):
    with make_engine(tmp_path, documents={}) as engine:
        for source in ("a.txt", "a.txt", "b.txt"):
            engine.add(source, TWO[source])
        assert [entry.source for entry in engine.sources()] == ["a.txt", "b.txt"]
