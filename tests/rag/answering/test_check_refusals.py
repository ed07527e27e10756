"""Statements that are no answer: refusals of the model, and what no sentence supports."""

from __future__ import annotations

import pytest
from verdicts import AID, HOW_MUCH, MINISTER, checked, evidence_of, quotes

from rag.answering.verify import NOT_SAID, finds_nothing, is_refusal, refusal


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (MINISTER, "Jane Smith"),
        (HOW_MUCH, "US $500 million"),
        (HOW_MUCH, "US $3.10 million"),
        ("What is the capital of Australia?", "Canberra"),
        ("How many Mexicans have died?", "186"),
        (MINISTER, "🎣"),
        (MINISTER, "..."),
        (MINISTER, " \n"),
        (MINISTER, "[1]"),
        (
            "Will Ebrard turn out to be a good minister for the phone call?",
            "No, will Ebrard turn out to be a good minister",
        ),
    ],
)
def test_nothing_supported_is_an_abstention(question: str, said: str) -> None:
    verdict = checked(question, said)
    assert verdict == refusal()
    assert verdict.text == NOT_SAID and verdict.citations == ()


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How much of the US $999 million in additional aid did Harris announce?", "US $310 million"),
        ("Why did 12 leaders say that the call was cordial?", "cordial"),
        ("Who is Canada's foreign minister?", "Marcelo Ebrard"),
        ("How much additional aid did Zuckerberg announce?", "US $310 million"),
    ],
)
def test_wrong_number_or_name_in_the_question(question: str, said: str) -> None:
    assert checked(question, said).abstained


@pytest.mark.parametrize(
    "question",
    [
        "How much of the US $310 million did Harris announce?",
        "How much additional aid did KAMALA HARRIS announce?",
        "How much additional aid did Hárris announce for the “Northern Triangle”?",
    ],
)
def test_right_number_and_name_in_the_question(question: str) -> None:
    assert quotes(checked(question, "US $310 million in additional aid")) == [AID]


@pytest.mark.parametrize(
    "said",
    [
        "unknown",
        "Unknown.",
        '"unknown"',
        "UNKNOWN",
        "",
        "The articles do not say.",
        "The sentences do not mention Harris's aid.",
        "The text doesn't say how much aid was announced.",
        "The passage does not provide that information.",
        "I don't know.",
        "I cannot answer the question.",
        "It is not mentioned.",
        "There is no information about that.",
        "No information.",
        "Not specified",
        "Not stated in the articles.",
        "This is not mentioned in the sentences.",
    ],
)
def test_refusal_of_the_model(said: str) -> None:
    assert is_refusal(said)
    assert checked(HOW_MUCH, said) == refusal()


@pytest.mark.parametrize(
    "said",
    [
        "US $310 million",
        "Marcelo Ebrard",
        "Yes",
        "No",
        "Unknown gunmen",
        "It is a strategic partnership",
        "The text of the law",
    ],
)
def test_no_refusal(said: str) -> None:
    assert not is_refusal(said)


def test_answer_that_begins_with_the_word_unknown() -> None:
    text = "Unknown gunmen attacked the convoy near Tessin on Monday."
    verdict = checked("Who attacked the convoy?", "Unknown gunmen", evidence_of(text), text)
    assert quotes(verdict) == [text]


def test_no_evidence_is_an_abstention() -> None:
    assert checked(MINISTER, "Marcelo Ebrard", []) == refusal()


def test_refusal_names_what_is_missing() -> None:
    assert "Wonderland" in refusal(["Wonderland"]).text
    text = refusal(["Alice", "Wonderland", "Hatter"]).text
    assert all(word in text for word in ("Alice", "Wonderland", "Hatter"))


@pytest.mark.parametrize(
    ("question", "said", "nothing"),
    [
        ("Will the board appeal?", "Yes, will the board appeal", True),
        ("Will the board appeal?", "Yes, the board will appeal", False),
        ("Which pier did the boat hit?", "a concrete pier", True),
        ("Which pier did the boat hit?", "Pier 6", False),
        ("Which pier did the boat hit?", "a pier in Tessin", False),
        ("What did the boat hit?", "a concrete pier", False),
    ],
)
def test_words_that_hold_no_answer(question: str, said: str, nothing: bool) -> None:
    assert finds_nothing(question, said) is nothing
