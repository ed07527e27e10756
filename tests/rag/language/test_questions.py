"""What is read off a question's words."""

from __future__ import annotations

import pytest

from rag.language.questions import (
    Form,
    asks_reason,
    form,
    holds_kind,
    in_past,
    leans_on,
    looked_up,
    main_clause,
    own_words,
    parts,
    told_by,
    topic,
)


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Did the ferry sink?", Form.YES_NO),
        ("And would that be soon, according to her deputy?", Form.YES_NO),
        ("According to the board, has the ferry been sold?", Form.YES_NO),
        ("Isn't the ferry old?", Form.YES_NO),
        ("Was it by ferry or by train that she came?", Form.SHORT),
        ("Why did the ferry sink?", Form.OPEN),
        ("What did Brandt say about the guests?", Form.OPEN),
        ("How did the crews take the news?", Form.OPEN),
        ("What did the board need the money for?", Form.OPEN),
        ("What was the letter about?", Form.OPEN),
        ("Who is the captain?", Form.SHORT),
        ("How many passengers came?", Form.SHORT),
        ("how old is the ferry", Form.SHORT),
        ("Which paper asked for the list?", Form.SHORT),
        ("", Form.SHORT),
    ],
)
def test_form(question: str, wanted: Form) -> None:
    assert form(question) is wanted


def test_parts() -> None:
    assert parts("Who runs the ferry, and what does a ticket cost?") == [
        "Who runs the ferry?",
        "What does a ticket cost?",
    ]
    assert parts("Who runs the ferry; since when?") == ["Who runs the ferry; since when?"]
    assert parts("What do Brandt and Kovic want?") == ["What do Brandt and Kovic want?"]
    assert parts("When the ferry sank, what did the board say?") == ["When the ferry sank, what did the board say?"]
    assert parts("The ferry and who runs it?") == ["The ferry and who runs it?"]


def test_the_question_before_is_no_part_of_a_follow_ups_own_words() -> None:
    assert own_words("Who else? (Who won the cup?)") == "Who else?"
    assert own_words("Who won the cup (2024)") == "Who won the cup (2024)"
    assert own_words("Who won the cup (in 2024)?") == "Who won the cup (in 2024)?"


def test_a_part_that_leans_on_others_is_looked_up_with_them() -> None:
    asked = parts("Which dock closes, and how many people work there?")
    assert looked_up(asked) == ["Which dock closes?", "Which dock closes? How many people work there?"]
    assert looked_up(["Who runs the ferry?", "What does a ticket cost?"]) == [
        "Who runs the ferry?",
        "What does a ticket cost?",
    ]
    assert leans_on(asked[1], asked[0])
    assert not leans_on("What does she want?", "Who is Ana Kovic?"), "her name is known"
    assert not leans_on("What does a ticket cost?", asked[0])


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Did the boat stay afloat after it hit the pier?", "Did the boat stay afloat?"),
        ("When was the pier built?", "When was the pier built?"),
        ("Was it after the strike?", "Was it after the strike?"),
    ],
)
def test_main_clause(question: str, wanted: str) -> None:
    assert main_clause(question) == wanted


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("According to the Tessin Post, who runs the ferry?", "Tessin Post"),
        ("How many crews did the Post say there were?", "Post"),
        ("How many crews are there in the Post's report?", "Post"),
        ("How many crews are there?", None),
    ],
)
def test_told_by(question: str, wanted: str | None) -> None:
    assert told_by(question) == wanted


@pytest.mark.parametrize(
    ("question", "sentence", "held"),
    [
        ("How many passengers came?", "The ferry carried 4,210 passengers.", True),
        ("How many of the 12 boats left?", "Of the 12 boats some left.", False),
        ("When did it sink?", "It sank on Tuesday.", True),
        ("When did it sink?", "It sank quickly.", False),
        ("Who runs the ferry?", "The ferry is run by Odile Brandt.", True),
        ("Who runs the ferry?", "The ferry is run well.", False),
        ("Who is Brandt?", "All like Brandt.", False),
        ("Why did it sink?", "It sank because of the storm.", True),
        ("Why did it sink?", "It sank in May.", False),
        ("What sank?", "The ferry sank in May.", False),
    ],
)
def test_kind_of_thing(question: str, sentence: str, held: bool) -> None:
    assert holds_kind(question, sentence) is held


def test_reasons() -> None:
    assert asks_reason("Why did it sink?") and asks_reason("What did they need it for?")
    assert not asks_reason("What did they need?")


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("What do the articles say about the night line?", "the night line"),
        ("What is known about Odile Brandt?", "Odile Brandt"),
        ("Tell me about the Larkspur ferry.", "the Larkspur ferry"),
        ("Can you tell me more about Kovic?", "Kovic"),
        ("What do we know about López?", "López"),
        ("What did Brandt say about the guests?", None),
        ("What is known about why it sank?", None),
        ("What do the articles say?", None),
    ],
)
def test_topic(question: str, wanted: str | None) -> None:
    assert topic(question) == wanted


@pytest.mark.parametrize(
    ("question", "past"),
    [
        ("When did the dam break?", True),
        ("When was it built?", True),
        ("When will it open?", False),
        ("When is the vote?", None),
    ],
)
def test_in_past(question: str, past: bool | None) -> None:
    assert in_past(question) is past
