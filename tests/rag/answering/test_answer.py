"""One question over a real store: what is missing, and what all articles say of a topic."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import FakeLLM, make_engine

from rag import Answer

FERRY = """The night line ends

By Ingrid Solheim

The Larkspur ferry made its last journey in May. Nobody cried.

Read also: Vellmark wants a bridge
"""
BRIDGE = "A bridge will stand where the ferry ran. Its builders come from Orrin. The ferry is sold."


def test_name_that_is_only_in_a_byline_or_teaser_is_not_called_unmentioned(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={"ferry.txt": FERRY}) as engine:
        assert engine.answer("What did Vellmark pay for the ferry?").text != "The articles do not mention Vellmark."
        assert engine.answer("What did Grusch pay for the ferry?").text == "The articles do not mention Grusch."


def test_a_month_that_no_sentence_names_is_not_called_unmentioned(tmp_path: Path) -> None:
    """The article's own date may be the one that is asked about."""
    with make_engine(tmp_path, documents={"ferry.txt": FERRY}) as engine:
        assert "July" not in engine.answer("Where did the ferry sail in July?").text
        assert "Grusch" in engine.answer("Where did Grusch sail in July?").text


def test_overview_cites_every_article_and_asks_no_model(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={"ferry.txt": FERRY, "bridge.txt": BRIDGE}) as engine:
        answer = engine.answer("What do the articles say about the ferry?")
    assert sorted(c.quote for c in answer.citations) == [
        "A bridge will stand where the ferry ran.",
        "The Larkspur ferry made its last journey in May.",
        "The ferry is sold.",
    ]
    assert all(f"{c.quote} [{c.marker}]" in answer.text for c in answer.citations)
    assert {c.source for c in answer.citations} == {"ferry.txt", "bridge.txt"}
    assert not answer.abstained and answer.model == "extractive"


def test_overview_of_what_nothing_is_said_of_is_a_refusal(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={"ferry.txt": FERRY}) as engine:
        about = "What do the articles say about"
        assert engine.answer(f"{about} submarines?").text == "The articles do not mention “submarines”."
        assert engine.answer(f"{about} Grusch?").text == "The articles do not mention Grusch."


def test_overview_of_a_person_has_what_is_said_by_last_name(tmp_path: Path) -> None:
    text = "Captain Odile Brandt runs the ferry. It is old. Brandt wants to sell it."
    with make_engine(tmp_path, documents={"ferry.txt": text}) as engine:
        answer = engine.answer("Tell me about Odile Brandt.")
    assert [c.quote for c in answer.citations] == ["Captain Odile Brandt runs the ferry.", "Brandt wants to sell it."]


def test_what_a_paper_said_is_told_by_its_own_articles(tmp_path: Path) -> None:
    wire = "Crews strike\n\nTESSIN, 4 May (Norwire) - Some 90 crews of the Larkspur ferry are on strike."
    post = "Crews strike\n\nBy Ana Kovic, Tessin Post\n\nSome 120 crews of the Larkspur ferry are on strike."
    with make_engine(tmp_path, documents={"wire.txt": wire, "post.txt": post}) as engine:
        asked = "How many crews of the Larkspur ferry are on strike"
        assert engine.answer(f"According to Norwire, {asked.lower()}?").text.startswith("Some 90")
        assert engine.answer(f"{asked} according to the Tessin Post?").text.startswith("Some 120")
        assert {e.source for e in engine.retrieve(f"{asked} according to the board?", 5)} == {"wire.txt", "post.txt"}


def test_nothing_is_told_of_what_is_not_known(tmp_path: Path) -> None:
    """Which dock closes is not said, so how many work there is not either."""
    text = "One dock of the harbour closes. At the museum 28 people work."
    model = FakeLLM(replies={"How many people work there": "28 people"}, default="unknown")
    with make_engine(tmp_path, documents={"a.txt": text}, model=model, caution=0) as engine:
        assert engine.answer("Which dock closes and how many people work there?").abstained


def test_a_part_is_told_though_another_is_not_known(tmp_path: Path) -> None:
    text = "The harbour has a director. At the museum 28 people work."
    model = FakeLLM(replies={"How many people work": "28 people"}, default="unknown")
    with make_engine(tmp_path, documents={"a.txt": text}, model=model, caution=0) as engine:
        answer = engine.answer("Who is the director and how many people work at the museum?")
    assert answer.text == "The articles do not say: “Who is the director?”; 28 people [1]"


def test_a_kind_of_thing_is_no_answer_and_more_is_read(tmp_path: Path) -> None:
    text = "A ferry struck a concrete pier on Monday. The ferry is old. Pier 6 is shut."
    model = FakeLLM(replies={"Pier 6 is shut": "Pier 6"}, default="a concrete pier")
    with make_engine(tmp_path, documents={"a.txt": text}, model=model, caution=0, evidence=1) as engine:
        engine.answer("Which pier did the ferry strike?")
    assert len(model.prompts) == 2, "it was asked again, about more sentences"


MILLS = "Four of the mills on the Orr will not open again. Their owners are too old. The weir was mended in May."


@pytest.mark.parametrize("said", ["four of the mills on the Orr will not open again", "the mills on the Orr"])
def test_a_model_that_repeats_what_it_was_asked_gets_the_sentence_after_it(tmp_path: Path, said: str) -> None:
    with make_engine(tmp_path, documents={"a.txt": MILLS}, model=FakeLLM(default=said), caution=0) as engine:
        pieces = list(engine.stream("Why will four of the mills on the Orr not open again?"))
    answer = pieces[-1]
    assert isinstance(answer, Answer)
    assert answer.text == "Four of the mills on the Orr will not open again. [1] Their owners are too old. [2]"
    assert [c.quote for c in answer.citations] == [f"{s}." for s in MILLS.split(". ")[:2]]
    assert "".join(map(str, pieces[:-1])) == f"{said}. Their owners are too old."


def test_no_reason_is_given_for_what_is_refused(tmp_path: Path) -> None:
    model = FakeLLM(default="four of the mills on the Orr will not open again")
    with make_engine(tmp_path, documents={"a.txt": MILLS}, model=model, caution=1) as engine:
        assert engine.answer("Why will four of the mills on the Orr not open again?").abstained
