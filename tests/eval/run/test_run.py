"""Runs with the fakes: what is asked, written, interrupted and resumed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import ROOT, FakeEmbedding, FakeLLM, write_articles
from llama_index.core.base.llms.types import ChatMessage, ChatResponseGen
from llama_index.core.llms.callbacks import llm_chat_callback
from pydantic import Field

from eval.datasets.dataset import DataSet, Question, shipped
from eval.datasets.formats import open_data
from eval.datasets.rows import DatasetError
from eval.records import Record, Run, RunError, read_run
from eval.run import run as module
from eval.run.outcomes import TRIES
from eval.run.run import Options, Progress, file_name, run
from eval.score.metrics import figures
from rag import Engine, LLMError, Settings, UsageError

DATA = ROOT / "tests" / "data"
FOLLOW_UP = next(q for q in shipped().questions if q.kind == "follow_up")


class Model(FakeLLM):
    """A `FakeLLM` whose calls LlamaIndex's callbacks see, and that can be interrupted or fail at some question."""

    interrupt_at: str = ""
    fail_at: list[str] = Field(default_factory=list)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        asked = messages[-1].content or ""
        if self.interrupt_at and self.interrupt_at in asked:
            raise KeyboardInterrupt
        if any(words in asked for words in self.fail_at):
            raise ConnectionError("no route to host")
        return super().stream_chat(messages, **kwargs)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    """Run with the fakes: a run makes its own engine from the settings."""
    model = Model(replies={"When was the Brannock lighthouse built?": "1871 [1]"}, default="35 minutes")
    embedding = FakeEmbedding("all-MiniLM-L6-v2")
    monkeypatch.setattr("rag.models.runtime.Models.embedding", lambda _: embedding)
    monkeypatch.setattr("rag.models.runtime.Models.llm", lambda _: model)
    monkeypatch.setattr("rag.engine.Engine.model_hash", "abc")
    return model


@pytest.fixture
def own(tmp_path: Path) -> DataSet:
    """Four questions over three articles; three of them are of the dev half."""
    return open_data(DATA / "own.jsonl", DATA / "articles", tmp_path / "work")


def but_times(run: Run) -> list[dict[str, Any]]:
    """The records without what no two runs share."""
    return [
        {**record.model_dump(), "answer": {**record.model_dump()["answer"], "timings": None}} for record in run.records
    ]


def ids(run: Run) -> list[str]:
    return [record.question.id for record in run.records]


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


def interrupted(own: DataSet, model: Model, out: Path, systems: Sequence[str] = ("dateline",)) -> Path:
    """Run until Ctrl-C comes in the middle of the second question, and return the run file."""
    model.interrupt_at = own.questions[1].turns[0]
    with pytest.raises(KeyboardInterrupt):
        run(own, systems, Options(out=out))
    model.interrupt_at = ""
    return out / file_name(systems[-1])


@pytest.mark.parametrize("system", ["dateline", "naive"])
def test_resumed_run_equals_an_uninterrupted_one(model: Model, own: DataSet, tmp_path: Path, system: str) -> None:
    path = interrupted(own, model, tmp_path / "out", [system])
    assert ids(read_run(path)) == ["own-1"], "what was answered is kept"
    asked = len(model.messages)
    [resumed] = run(own, [system], Options(out=tmp_path / "out", resume=True))
    assert own.questions[0].turns[0] not in "".join(model.prompts[asked:]), "and not asked again"
    [whole] = run(own, [system], Options(out=tmp_path / "whole"))
    assert but_times(resumed) == but_times(whole)
    assert resumed.header.model_copy(update={"started": ""}) == whole.header.model_copy(update={"started": ""})
    assert read_run(path) == resumed


def test_interrupted_threads(model: Model, tmp_path: Path) -> None:
    data = DataSet("some", shipped().choose("dev", limit=24), shipped().articles, "dev")

    def stop(step: Progress) -> None:
        if step.record and step.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(data, options=Options(out=tmp_path / "out", parallel=3), on_progress=stop)
    assert len(read_run(tmp_path / "out" / "dateline.jsonl").records) == 5
    [resumed] = run(data, options=Options(out=tmp_path / "out", parallel=3, resume=True))
    [whole] = run(data, options=Options(parallel=3))
    assert but_times(resumed) == but_times(whole)


def test_finished_run_is_not_asked_again(model: Model, own: DataSet, tmp_path: Path) -> None:
    [first] = run(own, options=Options(out=tmp_path / "out"))
    model.messages.clear()
    [again] = run(own, options=Options(out=tmp_path / "out", resume=True))
    assert again == first and model.messages == []


def test_resuming_what_was_never_begun_begins_it(model: Model, own: DataSet, tmp_path: Path) -> None:
    [found] = run(own, options=Options(out=tmp_path / "out", resume=True))
    assert len(found.records) == 3


def test_last_line_cut_off_by_a_kill_is_asked_again(model: Model, own: DataSet, tmp_path: Path) -> None:
    [whole] = run(own, options=Options(out=tmp_path / "out"))
    assert whole.path
    whole.path.write_bytes(whole.path.read_bytes()[:-200])
    [resumed] = run(own, options=Options(out=tmp_path / "out", resume=True))
    assert but_times(resumed) == but_times(whole) and read_run(whole.path) == resumed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"options": {"split": "test"}}, "split is 'dev', now it is 'test'"),
        ({"options": {"kinds": ("fact",)}}, r"kinds is \(\), now it is \('fact',\)"),
        ({"options": {"limit": 2}}, "limit is None, now it is 2"),
        ({"options": {"seed": 1}}, "seed is 0"),
        ({"settings": {"evidence": 2}}, "settings hash"),
        ({"name": "other"}, "data is 'own', now it is 'other'"),
        ({"questions": 3}, "data hash"),
    ],
)
def test_resuming_something_else(
    model: Model, own: DataSet, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = interrupted(own, model, tmp_path / "out")
    before = path.read_bytes()
    data = DataSet(change.get("name", "own"), own.questions[: change.get("questions")], own.articles, own.split)
    options = Options(out=tmp_path / "out", resume=True, **change.get("options", {}))
    with pytest.raises(RunError, match=words) as caught:
        run(data, options=options, settings=Settings(**change.get("settings", {})))
    assert str(path) in str(caught.value) and path.read_bytes() == before


@pytest.mark.parametrize("parallel", [1, 3])
def test_cancelled_run_ends_after_the_question_that_is_asked(
    model: Model, own: DataSet, tmp_path: Path, parallel: int
) -> None:
    cancelled = threading.Event()

    def cancel(step: Progress) -> None:
        if step.record:
            cancelled.set()

    options = Options(out=tmp_path / "out", split="all", parallel=parallel)
    [partial] = run(own, ["dateline", "extractive"], options, on_progress=cancel, cancelled=cancelled)
    assert partial.header.system == "dateline", "no further system is begun"
    assert len(partial.records) == 1 or parallel > 1, "side by side, others may be done by then"
    runs = run(own, ["dateline", "extractive"], Options(out=tmp_path / "out", split="all", resume=True))
    assert [len(r.records) for r in runs] == [4, 4]


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


@pytest.mark.parametrize("system", ["dateline", "naive"])
def test_question_at_which_the_model_fails(model: Model, own: DataSet, system: str) -> None:
    model.fail_at = [own.questions[0].turns[0]]
    [found] = run(own, [system])
    failed = found.records[0].answer
    assert ids(found) == ["own-1", "own-2", "own-4"] and "no route to host" in failed.notices[0]
    assert found.records[1].answer.model == "fake-llm"
    if system == "naive":
        assert (failed.text, failed.abstained) == ("", False), "a failure is no refusal"
        assert found.records[0].scores["correct"] == 0


@pytest.mark.parametrize("system", ["dateline", "naive"])
def test_model_that_is_down_ends_the_run(model: Model, own: DataSet, tmp_path: Path, system: str) -> None:
    """What it failed at is not recorded, so that resuming asks it again."""
    data = DataSet("some", own.questions + tuple(_renamed(own, n) for n in range(3)), own.articles, "all")
    model.fail_at = [q.turns[-1] for q in own.questions[1:]]
    first = run(own, [system], Options(limit=1))
    assert first[0].records
    with pytest.raises(LLMError, match=f"{system} failed {TRIES} times in a row") as caught:
        run(data, [system], Options(out=tmp_path / "out"))
    assert "no route to host" in str(caught.value)
    assert ids(read_run(tmp_path / "out" / f"{system}.jsonl")) == ["own-1"]
    model.fail_at = []
    [resumed] = run(data, [system], Options(out=tmp_path / "out", resume=True))
    assert len(resumed.records) == len(data.questions)


def _renamed(own: DataSet, number: int) -> Question:
    return own.questions[3].model_copy(update={"id": f"more-{number}", "split": "dev"})


def test_model_that_never_answers(model: Model, own: DataSet) -> None:
    model.error = ConnectionError("no route to host")
    with pytest.raises(LLMError, match=r"failed at own-1: .*no route to host"):
        run(own, options=Options(limit=1))


def test_judged_run(model: Model, own: DataSet, tmp_path: Path) -> None:
    model.replies = {"same as an accepted one?": "Yes.", "show that the answer is true?": "no"} | model.replies
    steps: list[Progress] = []
    options = Options(out=tmp_path / "out", judge="local")
    [found] = run(own, options=options, on_progress=steps.append)
    assert found.header.judge == "local"
    first = found.records[0].scores
    assert (first["judge_correct"], first["judge_faithful"]) == (1, 0)
    assert [(s.done, s.total) for s in steps if s.what == "judge"] == [(1, 3), (2, 3), (3, 3)]
    assert read_run(tmp_path / "out" / "dateline.jsonl") == found
    kinds = {"correct", "judge_correct", "judge_faithful"}
    assert all(kinds <= record.scores.keys() for record in found.records)


def test_interrupted_judging_is_resumed(model: Model, own: DataSet, tmp_path: Path) -> None:
    model.replies = {"same as an accepted one?": "yes", "show that the answer is true?": "yes"} | model.replies
    options = Options(out=tmp_path / "out", judge="local")
    seen: list[Record] = []

    def stop(step: Progress) -> None:
        if step.what == "judge" and step.record:
            seen.append(step.record)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(own, options=options, on_progress=stop)
    kept = read_run(tmp_path / "out" / "dateline.jsonl")
    assert ["judge_correct" in r.scores for r in kept.records] == [True, False, False]
    [resumed] = run(own, options=Options(out=tmp_path / "out", judge="local", resume=True))
    assert resumed.records[0] == seen[0]
    judged = [prompt for prompt in model.prompts if "same as an accepted one?" in prompt]
    assert len(judged) == len(set(judged)), "nothing is judged twice"
    [whole] = run(own, options=Options(judge="local"))
    assert but_times(resumed) == but_times(whole)


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
