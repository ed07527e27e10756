"""The two named things that a question compares."""

from __future__ import annotations

import pytest

from rag.language.sides import compares, sides


def test_each_side_is_asked_about_alone() -> None:
    found = sides("How does Brotland's result compare with that of Kornhaus?")
    assert found is not None
    assert [side.question for side in found] == [
        "How does Brotland's result compare with that of ?",
        "How does result compare with that of Kornhaus?",
    ]
    assert [side.terms for side in found] == [{"brotland"}, {"kornhaus"}]


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("How do the views of Mira Castell and Jon Berg differ?", [{"mira", "castel"}, {"jon", "berg"}]),
        ("Contrast the plans of Voss and Lorenz for the shops of Brotland.", [{"voss"}, {"lorenz"}]),
        ("How do the accounts of Reuters and the Dunmore Herald differ?", [{"reuter"}, {"dunmor", "herald"}]),
        ("How does debt in Germany compare with debt in Italy?", [{"germani"}, {"itali"}]),
    ],
)
def test_names_that_stand_side_by_side_are_compared(question: str, names: list[set[str]]) -> None:
    found = sides(question)
    assert found is not None and [set(side.terms) for side in found] == names
    assert compares(question)


@pytest.mark.parametrize(
    "question",
    [
        "Compare the errors of nurses with and without naps.",
        "How does Lund's boat differ from others?",
        "How do Voss, Lorenz and Teller differ?",
        "What is the difference in Harl between shops in Leyden that belong to Milvia?",
        "",
    ],
)
def test_a_question_that_does_not_name_two_has_no_sides(question: str) -> None:
    assert sides(question) is None and not compares(question)


@pytest.mark.parametrize(
    "question", ["Did Voss meet Lorenz?", "What did Quill say to Vale about the indifferent crowd?"]
)
def test_two_names_alone_are_no_comparison(question: str) -> None:
    assert sides(question) is not None and not compares(question)
