"""Runs that are interrupted, cancelled, failed or judged, and resumed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from runs import Model, but_times, ids

from eval.datasets.dataset import DataSet, Question, shipped
from eval.records import Record, RunError, read_run
from eval.run.outcomes import TRIES
from eval.run.run import Options, Progress, file_name, run
from rag import LLMError, Settings

pytestmark = pytest.mark.long


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
