"""The words in which what the sentences support is given."""

from __future__ import annotations

import pytest

from rag.answering.phrasing import given, tidied
from rag.load.passages import sentences
from rag.types import Evidence, Span


def evidence_of(text: str) -> list[Evidence]:
    return [
        Evidence(n, "a.txt", "Title", text[s.start : s.end], s.start, s.end, 1, 1, 1, "a", Span(0, len(text)))
        for n, s in enumerate(sentences(text), 1)
    ]


def shown(statement: str, question: str, text: str, *, unsure: bool = False) -> tuple[str, bool] | None:
    return given(statement, question, evidence_of(text), unsure)


@pytest.mark.parametrize(
    ("question", "said", "wanted"),
    [
        ("Who voted against the bridge?", "Ana Kovic", "Ana Kovic, Brandt and Odile de la Cruz"),
        ("Which members voted against the bridge?", "Brandt", "Ana Kovic, Brandt and Odile de la Cruz"),
        ("Who voted against the bridge with Kovic?", "Brandt", "Brandt"),
        ("Who is the member?", "Brandt", "Brandt"),
        ("Who voted against the bridge?", "members", "members"),
    ],
)
def test_a_name_is_given_with_those_that_stand_beside_it(question: str, said: str, wanted: str) -> None:
    text = "Of the members, Ana Kovic, Brandt and Odile de la Cruz, voted against the bridge."
    assert shown(said, question, text) == (wanted, False)


def test_brackets_are_shown_in_pairs() -> None:
    text = "The city wants to widen Ny Vej (New Road) bypass."
    assert shown("New Road bypass", "Which bypass is to be wider?", text) == ("(New Road) bypass", False)


def test_the_words_of_the_sentence_are_given_with_what_limits_them() -> None:
    text = "Harris announced US $310 million in aid. More than 186,000 have died."
    assert shown("310 million", "How much aid did Harris announce?", text) == ("US $310 million", False)
    assert shown("186,000.", "How many have died?", text) == ("More than 186,000.", False)


def test_what_would_mislead_is_given_whole() -> None:
    text = "The mayor left a day after the vote."
    assert shown("a day after", "When did the mayor leave?", text) == (text, True)
    assert shown("The mayor", "Who left?", text, unsure=True) == (text, True)
    assert shown("The mayor", "Who left?", text) == ("The mayor", False)


def test_a_name_that_the_question_gives_is_given_with_its_sentence() -> None:
    text = "Grace Okafor won the race of Lindenau."
    assert shown("Grace Okafor", "Who is Grace Okafor?", text) == (text, True)
    assert shown("Grace Okafor", "Who won the race of Lindenau?", text) == ("Grace Okafor", False)
    assert shown("Okafor", "Who won, Okafor or Brandt?", text) == ("Okafor", False)


def test_yes_to_what_is_left_open_is_not_given() -> None:
    text = "The mayor plans to leave in May."
    assert shown("Yes, left in May", "Did the mayor leave in May?", text) == (text, True)
    assert shown("Yes, left in May", "Did the mayor leave Tessin for good in May?", text) is None
    # The article's own brackets must not pass for markers.
    assert shown("Yes, left in May", "Did the mayor leave in May?", "The mayor plans to leave in May [2].") is None


def test_remarks_of_the_model_are_taken_out() -> None:
    shown_to_it = evidence_of("Norkraft paid for it.")
    assert tidied("**Answer: Norrkraft** [3]", shown_to_it) == "Norkraft"
    assert tidied("Norkraft; unknown", shown_to_it) == "Norkraft"


@pytest.mark.parametrize(
    ("question", "said", "wanted"),
    [
        ("Had the captain been drinking?", "Yes, tested negative for alcohol", True),
        ("Was the captain not drinking?", "Yes, tested negative for alcohol", False),
        ("Was the captain tested?", "Yes, tested", False),
    ],
)
def test_yes_is_not_said_with_words_that_say_no(question: str, said: str, wanted: bool) -> None:
    text = "The captain tested negative for alcohol."
    assert shown(said, question, text) == ((text, True) if wanted else (said, False))
