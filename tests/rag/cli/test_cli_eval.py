"""`rag eval`: what it prints and writes, its exit codes, and Ctrl-C half way through a run."""

from __future__ import annotations

import functools
import html
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from commands import Done, Rag
from fakes import ROOT, WAIT

from eval.records import Run, read_run
from eval.score.metrics import METRICS, figures
from rag import Engine, Settings
from rag.cli import eval as cli_eval

pytestmark = pytest.mark.long

DATA = ROOT / "tests" / "data"
OWN = ["--data", DATA / "own.jsonl", "--articles", DATA / "articles"]
FACTS = ["--system", "extractive", "--kind", "fact", "--limit", 2]


@pytest.fixture
def rag(rag: Rag) -> Rag:
    """Run `rag eval …`."""
    return functools.partial(rag, "eval")


def one_line(done: Done, code: int) -> str:
    """Return the error's line; before it only files that were written are named."""
    *others, line = done.err.splitlines()
    assert done.code == code and line.startswith("rag: error: "), done.err
    assert all(other.startswith("rag: wrote ") for other in others), done.err
    return line


def text_of(page: Path) -> str:
    return html.unescape(page.read_text(encoding="utf-8"))


def but_times(run: Run) -> list[dict[str, Any]]:
    return [{**r.model_dump(), "answer": {**r.model_dump()["answer"], "timings": None}} for r in run.records]


def test_summary(rag: Rag) -> None:
    done = rag(*FACTS)
    assert done.code == 0
    assert "extractive" in done.out and "Token F1" in done.out and "2 questions" in done.out


def test_json(rag: Rag) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in JSON")

    done = rag(*FACTS, "--seed", 5, "--json")
    assert done.code == 0
    found = json.loads(done.out, parse_constant=refuse)["extractive"]
    assert found["questions"] == 2 and list(found["by_kind"]) == ["fact"]
    assert (found["header"]["split"], found["header"]["seed"], found["header"]["limit"]) == ("dev", 5, 2)
    assert set(found["figures"]["token_f1"]) == {"value", "low", "high", "count"}
    assert found["figures"]["refused_of_must_refuse"]["value"] is None


def test_files(rag: Rag, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    done = rag("--system", "extractive", "--system", "dateline", "--limit", 2, "--out", out, "--json")
    assert done.code == 0 and list(json.loads(done.out)) == ["extractive", "dateline"]
    assert sorted(p.name for p in out.iterdir()) == ["dateline.jsonl", "extractive.jsonl", "report.html", "report.md"]
    assert str(out / "report.html") in done.err
    for name in ("report.html", "report.md"):
        text = (out / name).read_text(encoding="utf-8")
        assert "extractive" in text and "dateline" in text
    assert read_run(out / "extractive.jsonl").records[0].question.turns[-1] in text_of(out / "report.html")


def test_report_is_built_again(rag: Rag, tmp_path: Path) -> None:
    rag(*FACTS, "--out", tmp_path / "out")
    done = rag("report", tmp_path / "out" / "extractive.jsonl", "--out", tmp_path / "again")
    assert done.code == 0
    for name in ("report.html", "report.md"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_comparison(rag: Rag, tmp_path: Path) -> None:
    for name in ("a", "b"):
        rag(*FACTS, "--out", tmp_path / name)
    files = [tmp_path / name / "extractive.jsonl" for name in ("a", "b")]
    done = rag("compare", *files)
    assert done.code == 0 and "no difference" in done.out
    found = json.loads(rag("compare", *files, "--json").out)
    assert found
    assert "riddle" in one_line(rag("compare", *files, "--metric", "riddle"), 2)


def test_own_questions_over_own_articles(rag: Rag) -> None:
    found = json.loads(rag(*OWN, "--split", "all", "--json").out)["dateline"]
    assert found["questions"] == 4 and found["header"]["data"] == "own"
    done = rag("--data", DATA / "questions.csv", "--articles", DATA / "articles", "--json")
    assert json.loads(done.out)["dateline"]["header"]["split"] == "test"


def test_own_questions_over_the_library(rag: Rag, tmp_path: Path) -> None:
    with Engine(Settings()) as engine:
        engine.ingest(DATA / "articles")
    found = json.loads(rag("--data", DATA / "questions.jsonl", "--json").out)["dateline"]
    assert found["questions"] == 4 and found["figures"]["correct_answerable"]["value"] > 0


@pytest.mark.parametrize("path", ["squad.json", "beir"])
def test_outside_data(rag: Rag, path: str, tmp_path: Path) -> None:
    done = rag("--data", DATA / path, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["dateline"]["figures"]["evidence_recall@5"]["value"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--split", "train"], "train"),
        (["--kind", "riddle"], "riddle"),
        (["--system", "best"], "best"),
        (["--system", "naive"], "naive needs an answer model"),
        (["--resume"], "--out"),
        (["--articles", DATA / "articles"], "--data"),
        (["--data", "none.csv"], "none.csv"),
        (["--fail-under", "correct"], "METRIC=NUMBER"),
        (["--fail-under", "=0.5"], "METRIC=NUMBER"),
        (["--fail-under", "correct=high"], "METRIC=NUMBER"),
        (["--limit", "1", "--judge", "extractive"], "--judge"),
        (["--without", "luck"], "no signal 'luck'; use another_kind, answers"),
        (["compare", "a.jsonl", "b.jsonl"], "a.jsonl"),
        (["report", "a.jsonl", "--out", "out"], "a.jsonl"),
    ],
)
def test_wrong_usage(rag: Rag, arguments: list[object], words: str) -> None:
    assert words in one_line(rag(*arguments), 2)


@pytest.mark.parametrize(
    "arguments", [["--limit", "0"], ["--parallel", "0"], ["--loud"], ["compare", "a.jsonl"], ["report", "a"]]
)
def test_wrong_options(rag: Rag, arguments: list[str]) -> None:
    done = rag(*arguments)
    assert done.code == 2 and done.out == "" and "Traceback" not in done.err


def test_broken_line_is_named(rag: Rag, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    lines = (DATA / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0]] * 16 + ["{"]), encoding="utf-8")
    assert "mine.jsonl line 17" in one_line(rag("--data", path), 2)


def test_run_that_is_there(rag: Rag, tmp_path: Path) -> None:
    assert rag(*FACTS, "--out", tmp_path / "out").code == 0
    assert "--resume" in one_line(rag(*FACTS, "--out", tmp_path / "out"), 2)
    assert rag(*FACTS, "--out", tmp_path / "out", "--resume").code == 0
    assert "limit" in one_line(rag(*FACTS, "--limit", 1, "--out", tmp_path / "out", "--resume"), 2)


@pytest.mark.parametrize(
    ("floors", "code", "words"),
    [
        (["evidence_recall@5=0.01"], 0, ""),
        (["over_refusal=1"], 0, ""),
        (["latency_p95=1000", "extractive.evidence_recall@5=0"], 0, ""),
        (["exact_match=0.9"], 1, "exact_match is 0, at least 0.9"),
        (["evidence_recall@5=0", "latency_p50=0"], 1, "latency_p50 is"),
        (["exact_match=1", "extractive.token_f1=1.5"], 1, "extractive.token_f1 is"),
        (["refused_of_must_refuse=0"], 1, "refused_of_must_refuse is over no question"),
        (["riddle=1"], 2, "token_f1"),
        (["naive.token_f1=1"], 2, "no figure 'naive.token_f1'"),
    ],
)
def test_floors(rag: Rag, tmp_path: Path, floors: list[str], code: int, words: str) -> None:
    options = [part for floor in floors for part in ("--fail-under", floor)]
    done = rag(*FACTS, "--out", tmp_path / "out", "--json", *options)
    assert (tmp_path / "out" / "extractive.jsonl").exists() and json.loads(done.out), "the run is there in any case"
    if code:
        assert words in one_line(done, code)
    else:
        assert done.code == 0


def test_a_signal_can_be_left_out(rag: Rag, tmp_path: Path) -> None:
    for name, options in (("with", []), ("without", ["--without", "score"])):
        assert rag(*FACTS, "--out", tmp_path / name, *options).code == 0
    runs = [(tmp_path / name / "extractive.jsonl").read_text(encoding="utf-8") for name in ("with", "without")]
    answers = [[json.loads(line)["answer"] for line in run.splitlines()[1:]] for run in runs]
    assert [a["signals"] for a in answers[0]] == [a["signals"] for a in answers[1]], "it is still shown"
    assert [a["confidence"] for a in answers[0]] != [a["confidence"] for a in answers[1]]


def test_floor_of_the_second_system(rag: Rag) -> None:
    done = rag(*FACTS, "--system", "dateline", "--fail-under", "dateline.token_f1=2")
    assert "dateline.token_f1 is" in one_line(done, 1)


def test_names_of_systems_may_hold_dots() -> None:
    found = {"dateline": {"token_f1": 1}, "openai:gpt-4.1": {"token_f1": 1}}
    assert cli_eval._named("openai:gpt-4.1.token_f1", found) == ("openai:gpt-4.1", "token_f1")
    assert cli_eval._named("token_f1", found) == ("dateline", "token_f1")


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["report", "--help"]])
def test_help(rag: Rag, arguments: list[str]) -> None:
    done = rag(*arguments)
    assert done.code == 0 and re.search(r"Usage: .*\brag eval", done.out)


# The command line in a process of its own, with the fake embedding, which may be slow on purpose.
PROGRAM = f"""
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell begins with it ignored
sys.path.insert(0, {str(ROOT / "tests")!r})
from fakes import FakeEmbedding
from rag.cli import app as cli
from rag.models import runtime

class Slow(FakeEmbedding):
    def embed_question(self, text):
        time.sleep(float(os.environ["PACE"]))
        return super().embed_question(text)

embedding = Slow("all-MiniLM-L6-v2")
runtime.Models.embedding = lambda _: embedding
cli.main()
"""


def process(tmp_path: Path, *arguments: object, pace: float = 0) -> subprocess.Popen[str]:
    settings = {"RAG_LLM": "extractive", "RAG_STORE": str(tmp_path / "store"), "PACE": str(pace)}
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | settings
    command = [sys.executable, "-c", PROGRAM, "eval", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_interrupted_and_resumed(tmp_path: Path) -> None:
    choice = ["--system", "extractive", "--limit", 40, "--json"]
    path = tmp_path / "out" / "extractive.jsonl"
    running = process(tmp_path, *choice, "--out", path.parent, pace=0.1)
    until = time.monotonic() + 4 * WAIT
    while not path.exists() or len(path.read_bytes().splitlines()) < 4:
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < until, "no question was answered"
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=WAIT)
    assert running.returncode == 130 and out == "" and "Traceback" not in err
    assert str(path.parent) in err and "--resume" in err
    kept = read_run(path, unfinished=True)
    assert 3 <= len(kept.records) < 40

    for folder, options in ((path.parent, ["--resume"]), (tmp_path / "whole", [])):
        again = process(tmp_path, *choice, "--out", folder, *options)
        out, err = again.communicate(timeout=4 * WAIT)
        assert again.returncode == 0 and json.loads(out)["extractive"]["questions"] == 40, err
    resumed, uninterrupted = read_run(path), read_run(tmp_path / "whole" / "extractive.jsonl")
    assert resumed.records[:3] == kept.records[:3], "what was answered was not asked again"
    assert but_times(resumed) == but_times(uninterrupted)
    seconds = {metric.name for metric in METRICS if metric.unit == "seconds"}
    both = [{k: v for k, v in figures(run).items() if k not in seconds} for run in (resumed, uninterrupted)]
    assert both[0] == both[1]
