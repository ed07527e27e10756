"""One question over a real store: what is missing, and what all articles say of a topic."""

from __future__ import annotations

from pathlib import Path

from fakes import make_engine

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
