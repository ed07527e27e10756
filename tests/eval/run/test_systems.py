"""The systems of a run, over the shipped articles with the fakes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeLLM, make_engine
from llama_index.core.query_engine import CitationQueryEngine

from eval.run.systems import NAMES, RANKED, Dateline, Naive, check_name, open_system
from rag import Answer, Engine, LLMError, QuestionError, Settings, UsageError, is_refusal

AID = "How much additional aid did Harris announce for the region?"
REWRITING = "standalone question"  # in the prompt with which LlamaIndex condenses a conversation
ARTICLES = {
    "cod.txt": "Cod\n\nThe cod left the harbour in May 2019. It was seen from the pier.",
    "tram.txt": "Tram\n\nThe tram to the harbour was closed in June 2020 after a flood.",
}


def engine_with(tmp_path: Path, model: FakeLLM | None, **options: Any) -> Engine:
    return make_engine(tmp_path, model=model, documents=ARTICLES, **options)


@pytest.fixture
def model() -> FakeLLM:
    return FakeLLM(default="In May 2019 [1].")


@pytest.fixture
def engine(tmp_path: Path, model: FakeLLM) -> Iterator[Engine]:
    with engine_with(tmp_path, model) as engine:
        yield engine


@pytest.fixture
def naive(engine: Engine) -> Iterator[Naive]:
    system = open_system("naive", engine)
    assert isinstance(system, Naive)
    yield system
    system.close()


def assert_timed(answer: Answer) -> None:
    assert 0 < answer.timings["first_token"] <= answer.timings["total"]


def test_dateline_answers_with_the_configured_model(engine: Engine, model: FakeLLM) -> None:
    system = open_system("dateline", engine)
    answer = system.ask(["When did the cod leave the harbour?"])
    assert (system.name, system.model, answer.model) == ("dateline", "fake-llm", "fake-llm")
    assert "May 2019" in answer.text and answer.citations and len(model.messages) == 1
    assert_timed(answer)
    system.close()


def test_extractive_has_no_model(engine: Engine, model: FakeLLM) -> None:
    system = open_system("extractive", engine)
    answer = system.ask(["When did the cod leave the harbour?"])
    assert (system.model, system.engine.settings.llm, answer.model) == ("extractive", "extractive", "extractive")
    assert answer.text == "The cod left the harbour in May 2019. [1]" and model.messages == []
    assert set(answer.timings) >= {"total"} and "first_token" not in answer.timings
    system.close()


def test_another_answer_model(engine: Engine, tmp_path: Path) -> None:
    system = open_system("openai:some-model", engine)
    assert isinstance(system, Dateline)
    assert (system.name, system.engine.settings.llm, system.model) == (
        "openai:some-model",
        "openai:some-model",
        "some-model",
    )
    assert system.engine.model_hash is None
    system.close()


def test_systems_share_the_store(engine: Engine) -> None:
    systems = [open_system(name, engine) for name in NAMES]
    assert {s.engine.settings.store for s in systems} == {engine.settings.store}
    assert {len(s.engine.sources()) for s in systems} == {2}
    for system in systems:
        system.close()
    assert engine.answer("When did the cod leave the harbour?").citations, "the engine stays open"


def test_conversation_is_understood_and_timed_whole(engine: Engine, model: FakeLLM) -> None:
    system = open_system("dateline", engine)
    model.replies["When was that?"] = "When did the cod leave the harbour?"
    answer = system.ask(["Did the cod leave the harbour?", "When was that?"])
    assert answer.question == "When did the cod leave the harbour?"
    assert_timed(answer)
    system.close()


def test_ranking_is_the_engines(engine: Engine) -> None:
    system = open_system("dateline", engine)
    ranked = system.retrieve("When did the cod leave the harbour?")
    assert ranked == engine.retrieve("When did the cod leave the harbour?", RANKED) and len(ranked) > 1
    system.close()


@pytest.mark.parametrize("name", [*NAMES, "local", "local:small", "openai:org/model", "some/model.gguf"])
def test_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "best", "openai:", "local:", "Dateline", "model.bin"])
def test_unknown_system(name: str, engine: Engine) -> None:
    with pytest.raises(UsageError, match="dateline, extractive, naive"):
        open_system(name, engine)


def test_naive_is_the_citation_query_engine_with_its_defaults(naive: Naive, model: FakeLLM) -> None:
    assert type(naive.query_engine) is CitationQueryEngine
    naive.ask(["When did the cod leave the harbour?"])
    [prompt] = model.prompts
    assert prompt.startswith("Please provide an answer based solely on the provided sources.")
    assert "Source 1:" in prompt and "Source 2:" in prompt and "Source 3:" not in prompt, "two passages, its default"
    assert "Query: When did the cod leave the harbour?" in prompt


def test_naive_citations(naive: Naive, model: FakeLLM) -> None:
    model.default = "In May 2019 [1], or June [2][1], see [7]."
    answer = naive.ask(["When did the cod leave the harbour?"])
    assert answer.text == model.default and not answer.abstained
    assert [c.marker for c in answer.citations] == [1, 2], "a marker that names no source is no citation"
    assert [e.rank for e in answer.evidence] == [1, 2]
    first = answer.citations[0]
    assert (first.source, first.title, first.support) == ("cod.txt", "Cod", 0)
    assert first.quote == "The cod left the harbour in May 2019. It was seen from the pier."
    for cited in answer.citations:
        assert naive.engine.document(cited.document_id).text[cited.start : cited.end] == cited.quote
    assert (answer.model, answer.settings_hash) == ("fake-llm", naive.engine.settings.hash)
    assert_timed(answer)


def test_naive_offsets_are_what_llamaindex_reports(naive: Naive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases that copy the whole source's offsets to its parts are taken at their word."""
    create = CitationQueryEngine._create_citation_nodes

    def copied(self: CitationQueryEngine, nodes: Any) -> Any:
        made = create(self, nodes)
        for node in made:
            node.node.start_char_idx, node.node.end_char_idx = 3, 11
        return made

    monkeypatch.setattr(CitationQueryEngine, "_create_citation_nodes", copied)
    [cited] = naive.ask(["When did the cod leave the harbour?"]).citations
    assert (cited.start, cited.end) == (3, 11)


@pytest.mark.parametrize("said", ["I don't know.", "unknown"])
def test_naive_refusal(naive: Naive, model: FakeLLM, said: str) -> None:
    assert is_refusal(said)
    model.default = f"{said} [1]"
    answer = naive.ask(["When did the cod leave the harbour?"])
    assert answer.abstained and answer.citations == ()


def test_naive_over_nothing(tmp_path: Path, model: FakeLLM) -> None:
    with make_engine(tmp_path, model=model, documents={}) as engine:
        system = open_system("naive", engine)
        answer = system.ask(["When did the cod leave the harbour?"])
        assert answer.abstained and answer.evidence == ()
        system.close()


def test_naive_conversation(naive: Naive, model: FakeLLM) -> None:
    model.replies[REWRITING] = "When did the cod leave the harbour?"
    answer = naive.ask(["Did the cod leave?", "And when?"])
    rewriting = [prompt for prompt in model.prompts if REWRITING in prompt]
    assert len(model.prompts) == 3 and len(rewriting) == 1
    assert "Did the cod leave?" in rewriting[0] and "And when?" in rewriting[0] and model.default in rewriting[0]
    assert answer.question == "When did the cod leave the harbour?"
    assert "Query: When did the cod leave the harbour?" in model.prompts[-1]
    assert_timed(answer)
    naive.ask(["Did the tram run?"])
    assert "cod leave?" not in model.prompts[-1], "conversations do not hear one another"


def test_naive_ranking(naive: Naive) -> None:
    ranked = naive.retrieve("When did the cod leave the harbour?")
    assert [(e.rank, e.source) for e in ranked] == [(1, "cod.txt"), (2, "tram.txt")]
    assert ranked[0].score > ranked[1].score
    for e in ranked:
        assert naive.engine.document(e.document_id).text[e.start : e.end] == e.text


def test_naive_without_a_model(tmp_path: Path) -> None:
    with engine_with(tmp_path, None) as engine, pytest.raises(UsageError, match="naive needs an answer model"):
        open_system("naive", engine)


def test_naive_with_a_model_that_fails(naive: Naive, model: FakeLLM) -> None:
    model.error = ConnectionError("no route\nto host")
    with pytest.raises(LLMError, match="LlamaIndex failed: no route to host"):
        naive.ask(["When did the cod leave the harbour?"])


def test_naive_with_an_unusable_question(naive: Naive) -> None:
    with pytest.raises(QuestionError):
        naive.ask(["x" * 100_000])


def test_settings_of_the_run_reach_every_system(tmp_path: Path, model: FakeLLM) -> None:
    with engine_with(tmp_path, model, evidence=2) as engine:
        systems = [open_system(name, engine) for name in NAMES]
        assert {s.engine.settings.evidence for s in systems} == {2}
        assert systems[0].engine.settings.hash == engine.settings.hash != Settings().hash
        for system in systems:
            system.close()
