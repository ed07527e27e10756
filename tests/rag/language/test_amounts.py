"""Amounts and what they count."""

from __future__ import annotations

import pytest

from rag.language.amounts import amounts, disagree, with_limits, with_unit


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It costs 520 million crowns.", {"crown": {"520 million"}}),
        ("The strike of 1,200 nurses lasted 19 days.", {"nurs": {"1200"}, "day": {"19"}}),
        ("Rates rose to 4.25 percent, or 4.25 %.", {"percent": {"4.25"}}),
        ("It will open in 2032.", {"year": {"2032"}}),
        ("It cost $5 million and €3.", {"dollar": {"5 million"}, "euro": {"3"}}),
        ("Nine names were counted twice.", {"name": {"9"}}),
        ("15 were hurt.", {"": {"15"}}),
        ("Nobody came.", {}),
    ],
)
def test_amounts(text: str, found: dict[str, set[str]]) -> None:
    assert amounts(text) == found


@pytest.mark.parametrize(
    ("question", "one", "other", "differ"),
    [
        ("How many nurses went on strike?", "1,200 nurses went on strike.", "The strike lasted 19 days.", False),
        ("How many nurses went on strike?", "1,200 nurses went on strike.", "900 nurses went on strike.", True),
        ("How many nurses went on strike?", "1,200 nurses in 3 wards.", "1,200 nurses in 5 wards.", False),
        ("When will it open?", "It will open in 2030.", "It will open in 2032.", True),
        ("When will it open?", "It will open in 2030 with 5 lifts.", "It will open in 2030 with 6 lifts.", False),
        ("What does it cost?", "It costs 5 crowns.", "It costs 5 crowns.", False),
        ("What does it cost?", "It costs 5 crowns.", "It costs 5 million crowns.", True),
        ("Who led the 5 crews?", "Ann led 5 crews.", "Bo led 6 crews.", False),
        ("Why did it cost so much?", "It cost 5 crowns.", "It cost 6 crowns.", False),
    ],
)
def test_disagree(question: str, one: str, other: str, differ: bool) -> None:
    assert disagree(question, one, other) is differ


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("12 people were hurt.", "15 were hurt.", True),
        ("15 were hurt.", "12 people were hurt.", True),
        ("12 people were hurt.", "The road was closed for 19 days.", False),
        ("The debt is 412,000 euros.", "It owes €400,000.", True),
    ],
)
def test_disagree_loosely(one: str, other: str, differ: bool) -> None:
    assert disagree("How many people were hurt?", one, other, loosely=True) is differ


@pytest.mark.parametrize(
    ("words", "sentence", "found"),
    [
        ("9 million", "The plant needs 9 million litres a day.", "9 million litres"),
        ("9", "The plant needs 9 million litres a day.", "9 million litres"),
        ("about 40", "It loses about 40 kilograms of water.", "about 40 kilograms"),
        ("38 million", "The hall has cost 38 million so far.", "38 million"),
        ("12", "It rose by 12 percent.", "12 percent"),
        ("$3", "It costs $3 million.", "$3 million"),
        ("29", "In the end 29 of the 36 had to go.", "29"),
        ("19 May", "It opens on 19 May at noon.", "19 May"),
        ("Ann Roe", "Ann Roe won 3 races.", "Ann Roe"),
        ("gone", "It lost 3 of 4.", "gone"),
    ],
)
def test_with_unit(words: str, sentence: str, found: str) -> None:
    assert with_unit(words, sentence) == found


@pytest.mark.parametrize(
    ("question", "words", "sentence", "whole"),
    [
        ("How many came?", "9,000", "More than 9,000 people came.", "More than 9,000"),
        ("How many came?", "9,000", "At least 9,000 people came.", "At least 9,000"),
        ("How many came?", "9,000", "In June 9,000 people came.", "9,000"),
        ("Who came?", "Ann Roe", "Only Ann Roe came.", "Ann Roe"),
        ("When did it open?", "90 years", "It opened after 90 years.", "after 90 years"),
        ("When did it open?", "May", "It opened in late May.", "in late May"),
        ("When did it open?", "May", "It opened May 1.", "May"),
    ],
)
def test_with_limits(question: str, words: str, sentence: str, whole: str) -> None:
    assert with_limits(question, words, sentence) == whole
