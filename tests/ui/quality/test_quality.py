"""Runs behind the Quality tab, without a browser: one at a time, kept, compared; over a fake engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fakes import WAIT, FakeLLM, make_engine

from eval.datasets.dataset import DataSet, Question, read
from rag import UsageError
from ui.quality import view as show
from ui.quality.runner import Runner, Status
from ui.quality.runs import Kept
from ui.quality.tab import _limit, quality_tab

pytestmark = pytest.mark.long

HOSTILE = "<img src=x onerror=alert(1)> **b** ${alert(2)} {{value}}"
REFUSED = Question(id="hostile", kind="off_topic", split="dev", turns=(HOSTILE,), answers=(), keys=(), evidence=())


def questions() -> DataSet:
    """The shipped questions, asked over the engine's own library."""
    return DataSet("seeds", (*read(), REFUSED), None, "dev")


def ended(runner: Runner) -> Status:
    """Wait for the run to end, and return how it went."""
    end = time.monotonic() + WAIT
    while runner.status.running and time.monotonic() < end:
        time.sleep(0.02)
    assert not runner.status.running
    return runner.status


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Two systems that answered four questions each."""
    folder = tmp_path_factory.mktemp("done")
    with make_engine(folder, {"": "unknown"}, llm="openai:fake") as engine:
        runner = Runner(engine, data=questions)
        runner.start(["dateline", "extractive"], "dev", 4)
        assert ended(runner) == Status(
            what="report", done=4, total=4, right=runner.status.right, judged=4, said="Finished.", finished=1
        )
        yield runner


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[tuple[Runner, FakeLLM, threading.Event]]:
    """A runner whose model waits in the middle of its answer."""
    gate = threading.Event()
    model = FakeLLM(default="two words", gate=gate)
    with make_engine(tmp_path, model=model, llm="openai:fake") as engine:
        runner = Runner(engine, data=questions)
        yield runner, model, gate
        gate.set()
        ended(runner)


def test_a_finished_run_is_kept_beside_the_store(done: Runner) -> None:
    runs = done.kept.listed()
    assert sorted((r.system, r.model, r.split, r.questions) for r in runs) == [
        ("dateline", "fake-llm", "dev", 4),
        ("extractive", "extractive", "dev", 4),
    ]
    assert done.kept.folder.name == "store-runs"
    assert all(r.seconds is not None and r.right is not None for r in runs)
    assert [r.right for r in runs if r.system == "dateline"] == [0.0]  # it always says "unknown"
    extractive = next(r for r in runs if r.system == "extractive")
    assert extractive.right == done.status.right / 4


def test_lines_and_report(done: Runner) -> None:
    run = done.kept.listed()[0]
    lines = done.kept.lines(run.id).splitlines()
    assert len(lines) == 5 and '"system":' in lines[0]
    report = done.kept.report(run.id)
    assert report.lstrip().startswith("<!") and "extractive" in report and "dateline" in report
    (done.kept.folder / run.id).with_name("report.html").unlink()
    assert "extractive" in done.kept.report(run.id)  # drawn again when it is gone


def test_compare(done: Runner) -> None:
    first, second = sorted(done.kept.listed(), key=lambda run: run.system)
    found = done.kept.compare(first.id, second.id)
    html = show.comparison(found)
    assert found.shared == 4 and "4 questions in both" in html
    assert f"answered right {0:.3f} and {second.right:.3f}" in html
    with pytest.raises(UsageError, match="two different runs"):
        done.kept.compare(first.id, first.id)


@pytest.mark.parametrize("run_id", ["", "../store/documents.db", "..", "/etc/passwd", "x/dateline.jsonl"])
def test_only_what_is_listed_is_given(done: Runner, run_id: str) -> None:
    for act in (done.kept.lines, done.kept.report, done.kept.forget, done.kept.read):
        with pytest.raises(UsageError, match="no longer kept"):
            act(run_id)


def test_a_damaged_run_is_left_out_and_harms_none(done: Runner) -> None:
    broken = done.kept.folder / "broken" / "dateline.jsonl"
    broken.parent.mkdir()
    broken.write_text("no json\n", encoding="utf-8")
    assert len(done.kept.listed()) == 2
    with pytest.raises(UsageError, match="line 1"):
        done.kept.read("broken/dateline.jsonl")
    broken.unlink()
    broken.parent.rmdir()


def test_forgetting_a_run(tmp_path: Path) -> None:
    with make_engine(tmp_path) as engine:
        runner = Runner(engine, data=questions)
        runner.start(["extractive"], "dev", 1)
        ended(runner)
        (run,) = runner.kept.listed()
        runner.kept.forget(run.id)
        assert runner.kept.listed() == [] and list(runner.kept.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("systems", "split", "limit", "said"),
    [
        ([], "dev", 1, "at least one system"),
        (["nonsense"], "dev", 1, "at least one system"),
        (["dateline"], "nonsense", 1, "which questions"),
        (["dateline"], "dev", 0, "between 1 and 10,000"),
        (["dateline"], "dev", 10_001, "between 1 and 10,000"),
    ],
)
def test_what_cannot_be_run(tmp_path: Path, systems: list[str], split: str, limit: int, said: str) -> None:
    with make_engine(tmp_path, documents={}) as engine:
        runner = Runner(engine, data=questions)
        with pytest.raises(UsageError, match=said):
            runner.start(systems, split, limit)
        assert not runner.status.running


def test_one_run_at_a_time_in_a_process(gated: Any, done: Runner) -> None:
    runner, model, gate = gated
    runner.start(["dateline"], "dev", 2)
    assert model.started.wait(WAIT)
    for other in (runner, done):
        with pytest.raises(UsageError, match="one runs at a time"):
            other.start(["dateline"], "dev", 1)
    assert runner.status.running and runner.status.total == 2
    gate.set()
    assert ended(runner).said == "Finished."
    runner.start(["extractive"], "dev", 1)  # the way is free again
    assert ended(runner).finished == 2


def test_cancel_keeps_what_was_answered(gated: Any) -> None:
    runner, model, gate = gated
    runner.start(["dateline", "extractive"], "dev", None)
    assert model.started.wait(WAIT)
    runner.cancel()
    assert runner.status.cancelled and "Ending after" in show.progress(runner.status)
    gate.set()
    assert ended(runner).said == "Cancelled; what was answered is kept."
    (run,) = runner.kept.listed()
    assert run.system == "dateline" and 1 <= run.questions < len(read()) / 4
    assert "dateline" in runner.kept.report(run.id)


def test_a_run_that_fails_says_why_and_frees_the_way(tmp_path: Path) -> None:
    with make_engine(tmp_path) as engine:
        runner = Runner(engine, data=questions)
        runner.start(["naive"], "dev", 1)  # there is no model
        status = ended(runner)
        assert status.failed and "needs an answer model" in status.said
        assert runner.kept.listed() == []

        def fault() -> DataSet:
            raise ZeroDivisionError

        broken = Runner(engine, data=fault)
        broken.start(["extractive"], "dev", 1)
        assert "its log says what" in ended(broken).said
        runner.start(["extractive"], "dev", 1)
        assert ended(runner).said == "Finished."


def test_hostile_questions_and_names_are_text(tmp_path: Path) -> None:
    with make_engine(tmp_path) as engine:
        runner = Runner(engine, data=lambda: DataSet(HOSTILE, (REFUSED,), None, "dev"))
        for _ in range(2):
            runner.start(["extractive"], "dev", None)
            ended(runner)
        runs = runner.kept.listed()
        html = show.kept([Kept(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1, 0.5, 1.0), *runs])
        html += show.progress(Status(True, HOSTILE, 1, 2)) + show.progress(Status(said=HOSTILE), HOSTILE)
        html += show.form(HOSTILE, True) + show.comparison(runner.kept.compare(runs[1].id, runs[0].id))
        assert "<img" not in html and escape(HOSTILE) in html
        assert "<img src=x" not in runner.kept.report(runs[0].id)


class TestHandlers:
    @pytest.fixture
    def page(self, done: Runner) -> gr.Blocks:
        with gr.Blocks() as page:
            quality_tab(done._engine, done)
        return page

    def handler(self, page: gr.Blocks, name: str) -> Any:
        found = [f.fn for f in page.fns.values() if f.name == name]
        assert found[0]
        return found[0]

    def test_what_is_wrong_is_said(self, page: gr.Blocks) -> None:
        act = self.handler(page, "on_act")
        status, kept, _, _ = act(gr.EventData(None, {"do": "start", "split": "dev", "limit": "5"}))
        assert "choose at least one system" in status and "<table" in kept
        status, *_ = act(gr.EventData(None, {"do": "start", "system-dateline": "on", "split": "dev", "limit": "x"}))
        assert "between 1 and 10,000" in status

    @pytest.mark.parametrize("data", [{}, {"do": "nonsense"}, {"do": "cancel"}, {"do": "forget", "run": ["x"]}])
    def test_what_no_page_of_ours_sends_breaks_nothing(self, page: gr.Blocks, done: Runner, data: Any) -> None:
        self.handler(page, "on_act")(gr.EventData(None, data))
        assert len(done.kept.listed()) == 2

    def test_the_timer_rests_when_nothing_runs(self, page: gr.Blocks) -> None:
        *_, timer, _ = self.handler(page, "on_tick")(0)
        assert not timer.active


def test_how_many_questions() -> None:
    assert [_limit(text) for text in ("", " 12 ", "0", "-1", "1e9", "9" * 30)] == [None, 12, 0, 0, 0, 10_001]


def test_words_for_every_step() -> None:
    said = [show.progress(Status(True, what, 1, 5, right=1, judged=1)) for what in ("starting", "articles", "dateline")]
    assert (
        "loading the models" in said[0]
        and "1 of 5" in said[1]
        and "Dateline: 1 of 5 questions, 1 of 1 right" in said[2]
    )
    report = show.progress(Status(True, "report", 5, 5))
    assert "Drawing the report" in report and "Cancel" not in report


def test_naive_needs_a_model() -> None:
    assert "disabled" in show.form("quoting", False) and "disabled" not in show.form("a model", True)
