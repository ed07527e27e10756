"""Runs with the fakes: what is asked, what is written, and what is wrong before anything is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import write_articles
from runs import DATA, Model, but_times, ids

from eval.datasets.dataset import DataSet, shipped
from eval.datasets.formats import open_data
from eval.datasets.rows import DatasetError
from eval.records import RunError, read_run
from eval.run import run as module
from eval.run.run import Options, Progress, file_name, run
from eval.score.metrics import figures
from rag import Engine, Settings, UsageError

pytestmark = pytest.mark.long

FOLLOW_UP = next(q for q in shipped().questions if q.kind == "follow_up")


def test_run_asks_and_scores(model: Model, own: DataSet, tmp_path: Path) -> None:
    store = tmp_path / "mine"
    [found] = run(own, settings=Settings(store=store))
    assert ids(found) == ["own-1", "own-2", "own-4"]
    assert not store.exists(), "a run leaves the reader's store alone"
    first = found.records[0]
    assert first.answer.citations and first.scores["correct"] == 1 and first.valid == (True,)
    assert first.ranked[0].source == "lighthouse.txt" and first.scores["evidence_recall@1"] == 1
    assert first.tokens and found.path is None


def test_header(model: Model, own: DataSet) -> None:
    [found] = run(own, options=Options(split="all", kinds=("fact",), limit=1, seed=7))
    header = found.header
    assert (header.system, header.llm, header.model, header.model_hash) == ("dateline", "local", "fake-llm", "abc")
    assert (header.embedding, header.settings_hash) == ("all-MiniLM-L6-v2", Settings().hash)
    assert (header.data, header.split, header.kinds, header.limit, header.seed) == ("own", "all", ("fact",), 1, 7)
    assert len(header.data_hash) == 64 and header.started.endswith("+00:00") and header.judge is None


def test_data_hash_covers_questions_and_articles(model: Model, own: DataSet, tmp_path: Path) -> None:
    def hash_of(data: DataSet) -> str:
        return run(data, ["extractive"], Options(limit=1))[0].header.data_hash

    fewer = DataSet("own", own.questions[:3], own.articles, own.split)
    texts = {path.name: path.read_text(encoding="utf-8") for path in (DATA / "articles").iterdir()}
    other = write_articles(tmp_path / "other", texts | {"bees.txt": "Bees\n\nThe club of Orrin keeps 46 hives."})
    changed = DataSet("own", own.questions, other, own.split)
    assert hash_of(own) == hash_of(own)
    assert len({hash_of(own), hash_of(fewer), hash_of(changed)}) == 3


def test_several_systems_over_one_store(model: Model, own: DataSet, tmp_path: Path) -> None:
    steps: list[Progress] = []
    runs = run(own, ["naive", "extractive", "dateline"], Options(out=tmp_path / "out"), on_progress=steps.append)
    assert [r.header.system for r in runs] == ["naive", "extractive", "dateline"]
    assert [ids(r) for r in runs] == [["own-1", "own-2", "own-4"]] * 3
    assert [s.done for s in steps if s.what == "articles"] == [1, 2, 3], "ingested once"
    assert [(s.done, s.total) for s in steps if s.what == "naive"] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["dateline.jsonl", "extractive.jsonl", "naive.jsonl"]
    assert [read_run(r.path) for r in runs if r.path] == runs
    assert runs[1].records[0].tokens == 0, "no model, no tokens"


def test_tokens_are_counted_over_all_prompts_of_a_question(model: Model, own: DataSet) -> None:
    from llama_index.core.utils import get_tokenizer

    [found] = run(own, ["naive"])
    one, follow_up, refused = (record.tokens for record in found.records)
    assert one and follow_up and refused
    single = len(get_tokenizer()(model.prompts[0]))
    assert single <= one <= single + 10, "the prompt and what a chat's frame is taken to cost"
    assert follow_up > 2 * one * 0.9, "two answers and a rewriting"


def test_callbacks_are_left_as_they_were(model: Model, own: DataSet) -> None:
    before = model.callback_manager
    run(own, options=Options(limit=1))
    assert model.callback_manager is before


def test_conversation_is_asked_turn_by_turn_and_scored_once(model: Model) -> None:
    [found] = run(DataSet("one", (FOLLOW_UP,), shipped().articles, FOLLOW_UP.split))
    assert ids(found) == [FOLLOW_UP.id] and len(FOLLOW_UP.turns) > 1
    asked = "\n".join(model.prompts)
    assert all(turn in asked for turn in FOLLOW_UP.turns)


def test_questions_over_the_readers_library(model: Model, tmp_path: Path) -> None:
    library = Settings(store=tmp_path / "library")
    with Engine(library) as engine:
        engine.ingest(DATA / "articles")
    data = open_data(DATA / "questions.csv", None, tmp_path / "work")
    [found] = run(data, ["extractive"], settings=library)
    assert [len(record.ranked) > 0 for record in found.records] == [True] * 4
    with Engine(library) as engine:
        [again] = run(data, ["extractive"], engine=engine)
        assert engine.retrieve("lighthouse"), "an engine that was given stays open"
    assert but_times(again) == but_times(found) and again.header.data_hash == found.header.data_hash


def test_squad_and_beir(model: Model, tmp_path: Path) -> None:
    [squad] = run(open_data(DATA / "squad.json", None, tmp_path / "squad"), ["extractive"])
    assert len(squad.records) == 7
    scored = {record.question.id: record.scores for record in squad.records}
    assert scored["sq-1"]["evidence_recall@5"] == 1 and scored["sq-3"]["refused"] is not None
    model.messages.clear()
    [beir] = run(open_data(DATA / "beir", None, tmp_path / "beir"))
    assert ids(beir) == ["q1@test", "q2", "q3"] and model.messages == [], "no model is asked where no answer is known"
    found = figures(beir)
    assert found["evidence_recall@5"].value == 1 and found["correct_answerable"].value is None
    assert found["over_refusal"].value is None and found["latency_p50"].value is None


def test_article_that_cannot_be_read(model: Model, tmp_path: Path, own: DataSet) -> None:
    folder = write_articles(tmp_path / "articles", {"a.txt": "One."})
    (folder / "b.txt").write_bytes(b"\xff")
    with pytest.raises(DatasetError, match=r"article b\.txt of own cannot be used"):
        run(DataSet("own", own.questions, folder, own.split), ["extractive"])


def test_question_that_is_too_long(model: Model, own: DataSet) -> None:
    long = own.questions[0].model_copy(update={"turns": ("x" * 5000,)})
    with pytest.raises(DatasetError, match="'own-1' cannot be asked"):
        run(DataSet("own", (long,), own.articles, "dev"))


@pytest.mark.parametrize(
    ("systems", "options", "words"),
    [
        (["best"], {}, "no system 'best'"),
        (["naive", "naive"], {"out": True}, "name each once"),
        (["openai:a/b", "openai:a-b"], {"out": True}, "name each once"),
        (["dateline"], {"split": "train"}, "no split"),
        (["dateline"], {"resume": True}, "--out"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_read(
    own: DataSet, tmp_path: Path, systems: list[str], options: dict[str, Any], words: str
) -> None:
    if "out" in options:
        options = options | {"out": tmp_path / "out"}
    with pytest.raises(UsageError, match=words):
        run(own, systems, Options(**options), on_progress=lambda step: pytest.fail(f"{step} was begun"))


def test_run_that_is_there_is_not_overwritten(model: Model, own: DataSet, tmp_path: Path) -> None:
    options = Options(limit=1, out=tmp_path / "out")
    [first] = run(own, ["extractive"], options)
    with pytest.raises(RunError, match="--resume"):
        run(own, ["extractive"], options)
    assert read_run(tmp_path / "out" / "extractive.jsonl") == first


def test_folder_that_cannot_be_made(model: Model, own: DataSet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(RunError, match="cannot be written"):
        run(own, ["extractive"], Options(out=tmp_path / "file" / "out"))


@pytest.mark.parametrize(
    ("system", "name"),
    [("dateline", "dateline"), ("openai:org/some model", "openai-org-some-model"), ("/a/b/m.Q4.gguf", "m.Q4")],
)
def test_file_names(system: str, name: str) -> None:
    assert file_name(system) == f"{name}.jsonl"


def test_threads_give_the_same_run_in_the_same_order(model: Model, tmp_path: Path) -> None:
    data = DataSet("some", shipped().choose("dev", limit=24), shipped().articles, "dev")
    [one] = run(data, options=Options(out=tmp_path / "one"))
    [four] = run(data, options=Options(out=tmp_path / "four", parallel=4))
    assert ids(four) == [q.id for q in data.questions]
    assert [{**r, "tokens": None} for r in but_times(one)] == but_times(four), "tokens are counted one at a time only"
    assert read_run(tmp_path / "four" / "dateline.jsonl") == four


def test_endpoints_are_asked_side_by_side(model: Model, own: DataSet, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    outcomes: Callable[..., Any] = module.outcomes
    monkeypatch.setattr(module, "outcomes", lambda s, q, threads, c: seen.append(threads) or outcomes(s, q, threads, c))
    run(own, ["dateline", "openai:m", "extractive"])
    run(own, ["openai:m"], Options(parallel=2))
    assert seen == [1, 4, 1, 2]


def test_run_file_is_plain_json(model: Model, own: DataSet, tmp_path: Path) -> None:
    run(own, ["extractive"], Options(out=tmp_path))
    for line in (tmp_path / "extractive.jsonl").read_text(encoding="utf-8").splitlines():
        json.loads(line, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))


@pytest.mark.slow
def test_naive_with_the_real_models(tmp_path: Path) -> None:
    """LlamaIndex's engine, the embedded model and the token count, all without a network."""
    [found] = run(shipped(), ["naive"], Options(limit=2), settings=Settings(llm="local:small"))
    for record in found.records:
        assert record.tokens and record.tokens > 200 and record.answer.evidence and record.answer.timings["total"] > 0
    assert found.header.model_hash and len(found.header.model_hash) == 64
