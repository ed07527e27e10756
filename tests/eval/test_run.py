"""Runs, summaries and reports, over the real articles with the fakes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedding, FakeLLM

from eval.dataset import SEEDS, DatasetError, Question, read
from eval.report import evaluate
from eval.run import Result, by_kind, run, summary
from rag import Answer, Citation, Evidence, Settings, Span

QUESTIONS = {q.id: q for q in read(SEEDS)}
AID = QUESTIONS["fact-001"]
AUSTRALIA = next(q for q in QUESTIONS.values() if q.kind == "off_topic")
FOLLOW_UP = next(q for q in QUESTIONS.values() if q.kind == "follow_up" and q.split == "dev")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> FakeLLM:
    """Run with the fakes: an analyst's run makes its own engine from the settings."""
    model = FakeLLM(replies={AID.turns[0]: AID.answers[0]})
    embedding = FakeEmbedding("all-MiniLM-L6-v2")
    monkeypatch.setattr("rag.pipeline.Engine._embedder", lambda _: embedding)
    monkeypatch.setattr("rag.pipeline.Engine._model", lambda _: model)
    return model


def result(
    kind: str, *, right: bool, abstained: bool, found: bool = False, total: float = 1.0, first: float | None = None
) -> Result:
    """A question on one fact at a.txt 0-10, answered (and then cited right or wrong) or refused."""
    refusable = kind == "off_topic"
    evidence = [] if refusable else [[{"source": "a.txt", "start": 0, "end": 10, "quote": "x" * 10}]]
    values: dict[str, Any] = {"id": kind, "kind": kind, "split": "dev", "turns": ["?"], "evidence": evidence}
    asked = Question.model_validate(values | {"answers": [] if refusable else ["two boats"], "keys": []})
    start = 0 if found else 50
    shown = Evidence(1, "a.txt", "T", "q", start, start + 10, 1, 1, 1, "id", Span(0, 99))
    cited = Citation(1, "a.txt", "T", "q", start, start + 10, 1.0, "id", Span(0, 99))
    timings = {"total": total} | ({} if first is None else {"first_token": first})
    text = "The articles do not say." if abstained else "two boats [1]" if right else "three boats [1]"
    answer = Answer("?", text, abstained, () if abstained else (cited,), (shown,), "fake", timings, "0" * 16)
    return Result(asked, answer, right)


def test_figures() -> None:
    results = [
        result("fact", right=True, abstained=False, found=True, total=1.0, first=0.5),
        result("fact", right=False, abstained=False, total=2.0, first=0.7),
        result("wh", right=False, abstained=True, found=True, total=3.0, first=0.9),
        result("off_topic", right=True, abstained=True, total=4.0),
        result("off_topic", right=False, abstained=False, total=5.0),
    ]
    figures = summary(results)
    expected = {
        "questions": 5,
        "correct_answerable": 1 / 3,
        "exact_match": (1 + 0 + 0) / 3,
        # "three boats" for "two boats": one of two words on either side
        "token_f1": (1 + 2 * 1 / (2 + 2) + 0) / 3,
        "evidence_recall@1": (1 + 0 + 1) / 3,
        "evidence_recall@3": (1 + 0 + 1) / 3,
        "evidence_recall@5": (1 + 0 + 1) / 3,
        # of the two that were answered and answerable
        "citation_precision": (1 + 0) / 2,
        "citation_recall": (1 + 0) / 2,
        "over_refusal": 1 / 3,
        "refused_of_must_refuse": 1 / 2,
        "abstention_precision": 1 / 2,
        "latency_p50": 3.0,
        # the 95th percentile of five values lies 0.95 * 4 = 3.8 steps in: 4 + 0.8 * (5 - 4)
        "latency_p95": 4.8,
        "first_token_p50": 0.7,
    }
    assert figures == pytest.approx(expected)
    assert by_kind(results) == {"fact": (1, 2), "wh": (0, 1), "off_topic": (1, 2)}


def test_figure_over_nothing_is_nan() -> None:
    figures = summary([result("off_topic", right=True, abstained=True)])
    assert figures["questions"] == 1 and figures["refused_of_must_refuse"] == 1
    for name in ("correct_answerable", "exact_match", "citation_precision", "over_refusal", "first_token_p50"):
        assert math.isnan(figures[name]), name


def test_no_question_at_all() -> None:
    figures = summary([])
    assert figures["questions"] == 0 and math.isnan(figures["latency_p50"])


def test_run_asks_and_scores(model: FakeLLM, tmp_path: Path) -> None:
    done: list[Result] = []
    store = tmp_path / "mine"
    results = run([AID, AUSTRALIA], Settings(store=store), done.append)
    assert results == done and [r.question.id for r in results] == [AID.id, AUSTRALIA.id]
    assert [r.correct for r in results] == [True, True]
    assert results[0].answer.citations and results[1].answer.abstained
    assert not store.exists(), "a run leaves the reader's store alone"
    json.dumps([r.to_dict() for r in results])


def test_conversation_is_asked_turn_by_turn_and_scored_once(model: FakeLLM) -> None:
    [scored] = run([FOLLOW_UP], Settings())
    assert len(FOLLOW_UP.turns) > 1 and scored.question is FOLLOW_UP
    asked = "\n".join(model.prompts)
    assert all(turn in asked for turn in FOLLOW_UP.turns)


def test_conversations_do_not_hear_one_another(model: FakeLLM) -> None:
    run([AID, FOLLOW_UP], Settings())
    rewriting = [prompt for prompt in model.prompts if FOLLOW_UP.turns[-1] in prompt]
    assert rewriting and not any(AID.turns[0] in prompt for prompt in rewriting)


def test_report_as_json_and_lines(model: FakeLLM, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run.jsonl"
    results = evaluate(Settings(), split="dev", kinds=["fact", "off_topic"], limit=3, out=out, as_json=True)
    assert len(results) == 3
    printed = json.loads(capsys.readouterr().out)
    assert printed["questions"] == 3 and printed["split"] == "dev" and printed["settings_hash"] == Settings().hash
    kinds = {r.question.kind: sum(s.question.kind == r.question.kind for s in results) for r in results}
    assert {kind: entry["questions"] for kind, entry in printed["by_kind"].items()} == kinds
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [r.question.id for r in results]
    assert all(line["answer"]["settings_hash"] == Settings().hash for line in lines)


def test_json_report_is_json_even_without_a_figure(model: FakeLLM, capsys: pytest.CaptureFixture[str]) -> None:
    """NaN is no JSON, and other languages' readers refuse it."""
    evaluate(Settings(), split="dev", kinds=["off_topic"], limit=1, as_json=True)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in JSON")

    assert json.loads(capsys.readouterr().out, parse_constant=refuse)["questions"] == 1


def test_report_for_people(model: FakeLLM, capsys: pytest.CaptureFixture[str]) -> None:
    model.replies.clear()
    results = evaluate(Settings(), split="dev", kinds=["fact"], limit=2)
    printed = capsys.readouterr().out
    assert "token f1" in printed and "latency p50" in printed
    flat = " ".join(printed.split())
    for r in results:
        assert r.correct or f"wrong {r.question.id}:" in flat
    assert not all(r.correct for r in results)


def test_own_data_set(model: FakeLLM, tmp_path: Path) -> None:
    data = tmp_path / "mine.jsonl"
    data.write_text(json.dumps(AID.model_dump()) + "\n", encoding="utf-8")
    [scored] = evaluate(Settings(), split="all", data=data, as_json=True)
    assert scored.correct


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"split": "train"}, "train"),
        ({"split": "dev", "kinds": ["riddle"]}, "riddle"),
        ({"split": "dev", "data": Path("no.jsonl")}, "no.jsonl"),
    ],
)
def test_nothing_to_ask_is_one_line(choice: dict[str, Any], words: str) -> None:
    with pytest.raises(DatasetError, match=words) as caught:
        evaluate(Settings(), **choice)
    assert "\n" not in str(caught.value)
