"""The engine's real code over doubles of its exchangeable parts, and that the real parts and the doubles fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles import MemoryStore, WordJudge, WordReranker
from fakes import FakeEmbedding, write_articles

from rag import Answer, Settings, protocols
from rag.answering.answer import Answerer
from rag.ingest.sync import add, sync
from rag.models import embedding, judge, reranker
from rag.models.runtime import Models
from rag.store.index import Index

BOATS = {
    "tessin.txt": "The harbour of Tessin has two boats. The pier was built in 1903.",
    "lund.txt": "The mill of Lund grinds oats. It employs forty people.",
}
QUESTION = "How many boats has the harbour of Tessin?"


@pytest.fixture
def store(tmp_path: Path) -> MemoryStore:
    store = MemoryStore()
    report = sync(store, FakeEmbedding(), [write_articles(tmp_path / "articles", BOATS)], 2)
    assert sorted(report.added) == ["lund.txt", "tessin.txt"]
    return store


@pytest.fixture
def models() -> Models:
    return Models(Settings(llm="extractive", reranker="none"), embedding=FakeEmbedding())


def test_articles_go_into_any_store(store: MemoryStore, tmp_path: Path) -> None:
    assert store.meta == {"embedding_path": "fake", "used": "1"}
    folder = tmp_path / "articles"
    again = sync(store, FakeEmbedding(), [folder], 2)
    assert (again.unchanged, again.added) == (("lund.txt", "tessin.txt"), ())
    (folder / "lund.txt").unlink()
    assert sync(store, FakeEmbedding(), [folder], 2).removed == ("lund.txt",)
    assert add(store, FakeEmbedding(), "wexham.txt", "The fair of Wexham opens.", "", 2).added == ("wexham.txt",)


def test_a_question_is_answered_over_any_retriever(store: MemoryStore, models: Models) -> None:
    *_, answer = Answerer(store, models.settings, models).stream(QUESTION, None)
    assert isinstance(answer, Answer)
    assert [(c.source, c.quote) for c in answer.citations] == [("tessin.txt", "The harbour of Tessin has two boats.")]


def test_any_reranker_orders_the_sentences(store: MemoryStore, models: Models) -> None:
    plain = Answerer(store, models.settings, models).finder.look_up(QUESTION, None, {})
    models.reranker = WordReranker("forty")
    found = Answerer(store, models.settings, models).finder.look_up(QUESTION, None, {})
    assert plain[0].text == "The harbour of Tessin has two boats."
    assert found[0].text == "It employs forty people."
    assert [hit.score for hit in found] == [hit.score for hit in plain]
    assert {question for question, _ in models.reranker.asked} == {QUESTION}


def shape(call: Callable[..., object]) -> list[tuple[str, object, object]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(call).parameters.values()]


@pytest.mark.parametrize(
    ("protocol", "real", "double"),
    [
        (protocols.ArticleStore, Index, MemoryStore),
        (protocols.Retriever, Index, MemoryStore),
        (protocols.Reranker, reranker.Reranker, WordReranker),
        (protocols.Judge, judge.TrainedJudge, WordJudge),
        (protocols.Judge, reranker.CrossEncoderJudge, WordJudge),
        (protocols.Embedding, embedding.PassageEmbedding, FakeEmbedding),
    ],
)
def test_doubles_are_called_as_the_real_parts_are(protocol: type, real: type, double: type) -> None:
    calls = {name: f for name, f in vars(protocol).items() if inspect.isfunction(f) and not name.startswith("_")}
    assert calls
    for name, call in calls.items():
        assert shape(call) == shape(getattr(real, name)) == shape(getattr(double, name)), name
