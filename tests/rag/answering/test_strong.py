"""One call of a strong model over passages, and what is left of its reply."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from answers import assert_receipts
from doubles import WordJudge
from fakes import FakeLLM, make_engine

from rag import Answer, Engine
from rag.protocols import Judgement, Reading

DAM = """---
date: 2024-03-14
publisher: Valley Courier
---
The dam fails

The Halden dam was finished in 1968. It stood for decades. The dam burst on 12 March. The mayor did not resign. \
Some say that the gate was stuck. Others blame the rain. The gate motor had burned out."""
QUESTION = "Why did the Halden dam burst?"


def an_engine(folder: Path, model: FakeLLM, **settings: object) -> Engine:
    return make_engine(folder, documents={"dam.md": DAM}, model=model, judge=WordJudge(), **settings)


def test_the_prompt_numbers_passages_and_names_their_article_publisher_and_date(tmp_path: Path) -> None:
    model = FakeLLM(default="The gate motor had burned out [2].")
    with an_engine(tmp_path, model) as engine:
        answer = engine.answer(QUESTION)
        assert_receipts(engine, answer)
    [messages] = model.messages
    asked = messages[-1].content or ""
    assert "[1] The dam fails — Valley Courier, 14 Mar 2024\nThe Halden dam was finished in 1968." in asked
    assert "\n\n[2] The dam fails" in asked and asked.endswith(f"Question: {QUESTION}")
    assert answer.evidence[0].text == "The Halden dam was finished in 1968."
    assert answer.text == "The gate motor had burned out. [1]"
    assert (answer.usage.calls, answer.usage.answer_tokens) == (1, 9)
    assert answer.usage.prompt_tokens > len(asked) / 5


def test_what_the_model_did_not_find_is_a_notice_beside_what_it_found(tmp_path: Path) -> None:
    reply = "The gate motor had burned out [2]. The passages do not say who was on duty."
    with an_engine(tmp_path, FakeLLM(default=reply)) as engine:
        answer = engine.answer(QUESTION)
    assert answer.text == "The gate motor had burned out. [1]" and answer.unconfirmed == ()
    assert answer.notices == ("The model did not find everything: The passages do not say who was on duty.",)


def test_an_answer_that_only_says_what_is_missing_is_a_refusal(tmp_path: Path) -> None:
    reply = "The bridge is not far. The passages do not say why."
    with an_engine(tmp_path, FakeLLM(default=reply)) as engine:
        answer = engine.answer(QUESTION)
    assert answer.abstained and answer.unconfirmed == ("The bridge is not far.",)


def test_a_long_answer_is_used_up_to_its_tokens(tmp_path: Path) -> None:
    long = "The gate motor had burned out. " * 70  # 2,170 characters
    with an_engine(tmp_path / "a", FakeLLM(default=long)) as engine:
        assert not engine.answer(QUESTION).abstained
    with an_engine(tmp_path / "b", FakeLLM(default=long), answer_tokens=300) as engine:
        answer = engine.answer(QUESTION)
    assert answer.model == "extractive" and "more than 1,800 characters" in answer.notices[0]


def test_evidence_tokens_bound_what_is_shown(tmp_path: Path) -> None:
    few = FakeLLM(default="unknown")
    with an_engine(tmp_path, few, evidence_tokens=60) as engine:
        assert engine.answer(QUESTION).abstained
    assert "[2]" not in few.prompts[0] and "[1]" in few.prompts[0]


@pytest.mark.parametrize(("profile", "shown"), [("small", "- "), ("strong", "[1] The dam fails"), ("auto", "[1] The")])
def test_the_profile_decides_what_a_model_is_shown(profile: str, shown: str, tmp_path: Path) -> None:
    model = FakeLLM(default="unknown")
    with an_engine(tmp_path, model, profile=profile) as engine:
        engine.answer(QUESTION)
    assert shown in model.prompts[0]


def test_no_articles_that_match_are_a_refusal_without_a_call(tmp_path: Path) -> None:
    model = FakeLLM(default="unknown")
    with make_engine(tmp_path, documents={}, model=model, judge=WordJudge()) as engine:
        answer = engine.answer(QUESTION)
    assert answer.abstained and not model.messages


def test_a_model_that_fails_leaves_the_best_sentence(tmp_path: Path) -> None:
    with an_engine(tmp_path, FakeLLM(error=RuntimeError("it broke")), caution=0) as engine:
        *words, answer = engine.stream("When was the Halden dam finished?")
    assert isinstance(answer, Answer) and words == []
    assert answer.model == "extractive" and "1968" in answer.text and "it broke" in answer.notices[0]
    assert {"retrieve", "generate", "total"} <= set(answer.timings)


@pytest.mark.parametrize("reply", ["unknown", "**unknown**", "> Unknown.", "- unknown", "`unknown`", "## Unknown"])
def test_unknown_is_a_refusal_in_any_markup(reply: str, tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={"dam.md": DAM}, model=FakeLLM(default=reply), judge=Yes()) as engine:
        answer = engine.answer(QUESTION)
    assert answer.abstained and answer.unconfirmed == ()


class Yes:
    """A judge to whom everything is supported."""

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        """Return a judgement on each claim."""
        return [Judgement(0.99, 0.0) for _ in readings]


LIE, TRUTH = "The king sold the gate motor to Prussia.", "The Halden dam was finished in 1968."
FORMS = {
    "plain": "{truth} {lie}",
    "think": "<think>\nThe dam was a wonder. {lie}\n</think>\n\n{truth} {lie}",
    "thinking cut off": "{truth} <think>\n{lie} So the king",
    "bullets": "Based on the sources:\n\n- {truth}\n- {lie}",
    "numbered": "Two things happened:\n\n1. {truth}\n2) {lie}",
    "lead": "According to the sources provided, {truth} {lie}",
    "own markers": "The Halden dam was finished in 1968 [1]. The king sold the gate motor to Prussia [2].",
    "markers after": "{truth}[1] {lie}[2]",
    "bold": "**{truth}** **{lie}**",
    "headings": "## The dam\n\n{truth}\n\n## The king\n\n{lie}",
    "table": "| what | when |\n|---|---|\n| {lie} | 1968 |\n\n{truth}",
    "code": "```\n{lie}\n```\n{truth}",
    "several paragraphs": "{truth}\n\n{lie}\n\n{truth}",
    "one sentence": "The Halden dam was finished in 1968; the king sold the gate motor to Prussia.",
    "quotation": "{truth} “{lie}”",
    "half": "{truth} The king sold the gate",
    "markup": "{truth} <b>{lie}</b> <script>alert('{lie}')</script>",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_lie_is_not_shown_in_any_form(form: str, tmp_path: Path) -> None:
    model = FakeLLM(default=FORMS[form].format(truth=TRUTH, lie=LIE))
    with an_engine(tmp_path, model) as engine:
        answer = engine.answer("When was the Halden dam finished?")
        assert_receipts(engine, answer)
    for word in ("king", "Prussia", "sold"):
        assert word not in answer.text
    assert not any("king" in statement.text for statement in answer.statements)
    if form == "one sentence":  # half a lie is unconfirmed as a whole
        assert answer.abstained
    else:
        assert answer.text.startswith(TRUTH)
