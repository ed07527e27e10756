"""Answers from more than one article: sources that differ, a second look, and questions in parts."""

from __future__ import annotations

import math
from pathlib import Path

from answers import assert_receipts
from fakes import FakeLLM, make_engine
from llama_index.core.base.llms.types import ChatResponseGen

FIRE = {
    "one.txt": "The Tessin fire killed 12 people on Monday, the mayor said.",
    "two.txt": "The Tessin fire killed 15 people on Monday, the police said.",
}
KILLED = "How many people did the Tessin fire kill on Monday?"


def test_sources_that_differ_are_said_to(tmp_path: Path) -> None:
    # asked with both sentences the model takes the first, asked with the other alone it takes that
    replies = {"12 people on Monday, the mayor said.\n": "12 people", "the police said.\nQ": "15 people"}
    with make_engine(tmp_path, documents=FIRE, replies=replies) as engine:
        answer = engine.answer(KILLED)
        assert {c.source for c in answer.citations} == {"one.txt", "two.txt"}
        assert "12 people" in answer.text and "15 people" in answer.text and "differ" in answer.text
        assert_receipts(engine, answer)


def test_sources_that_agree_are_not_compared(tmp_path: Path) -> None:
    documents = {"one.txt": FIRE["one.txt"], "two.txt": FIRE["one.txt"].replace("mayor", "police chief")}
    model = FakeLLM(default="12 people")
    with make_engine(tmp_path, documents=documents, model=model) as engine:
        assert "differ" not in engine.answer(KILLED).text
        assert len(model.messages) == 1


RACE = {
    "race.txt": "Hollis, who delivers the post, won the Cable Bay marathon on Sunday.\n\nIn a cold wind 14,300 runners"
    " started, more than last year.\n\nThe mayor of Tessin gave her the prize."
}
RUNNERS = "How many runners started in the Cable Bay marathon on Sunday?"


class Certain(FakeLLM):
    """Says how certain it is of each word."""

    certainty: float

    def _words(self, asked: str) -> ChatResponseGen:
        for part in super()._words(asked):
            part.additional_kwargs["logprobs"] = [math.log(self.certainty)]
            yield part


def test_a_model_that_does_not_know_is_shown_the_next_sentences(tmp_path: Path) -> None:
    model = FakeLLM(replies={"14,300": "14,300"})
    with make_engine(tmp_path, documents=RACE, model=model, caution=0) as engine:
        found = engine.answer(RUNNERS)
    assert found.text == "14,300 [1]"
    assert [e.rank for e in found.evidence] == list(range(1, len(found.evidence) + 1))
    first, second = (call[-1].content or "" for call in model.messages)
    assert "14,300" not in first and "Hollis" not in second, "each sentence is shown once"
    assert [m.content for m in model.messages[1][-3:-1]] == [first, "unknown"]


def test_what_is_found_at_a_second_look_must_be_certain(tmp_path: Path) -> None:
    for certainty, text in ((0.94, "The articles do not say."), (0.96, "14,300 [1]")):
        model = Certain(replies={"14,300": "14,300"}, certainty=certainty)
        with make_engine(tmp_path / str(certainty), documents=RACE, model=model, caution=0) as engine:
            assert engine.answer(RUNNERS).text == text


def test_a_model_that_fails_at_a_second_look_did_not_find_it(tmp_path: Path) -> None:
    class Failing(FakeLLM):
        def _words(self, asked: str) -> ChatResponseGen:
            if "14,300" in asked:
                raise RuntimeError("gone")
            yield from super()._words(asked)

    with make_engine(tmp_path, documents=RACE, model=Failing(), caution=0) as engine:
        assert engine.answer(RUNNERS).abstained


def test_each_part_of_a_question_has_its_share_of_the_sentences(tmp_path: Path) -> None:
    """Two sentences for two questions are no sign that neither stands out."""
    ferry = "The Larkspur ferry is run by Odile Brandt. A ticket for the ferry costs 12 crowns."
    replies = {"Who runs the Larkspur ferry?": "Odile Brandt", "What does a ticket for it cost?": "12 crowns"}
    with make_engine(tmp_path, replies=replies, documents={"ferry.txt": ferry}, caution=0) as engine:
        answer = engine.answer("Who runs the Larkspur ferry, and what does a ticket for it cost?")
    assert answer.text == "Odile Brandt [1]; 12 crowns [2]"
    assert len(answer.evidence) == 2 and answer.signals["sentences"] == 1
