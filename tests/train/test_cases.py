"""The changes that make claims false, or keep them true."""

from __future__ import annotations

import random

import pytest

from train import cases

AROUND = (
    "Kovic Marine sold 19 boats to Orrin in 1987.",
    "The mayor, Ana Brandt, resigned on Monday.",
    "The harbour of Tessin was closed for 40 days, which angered the crews.",
)


@pytest.mark.parametrize(
    ("change", "text", "expected"),
    [
        (cases.unit, "It lasted nineteen days.", {f"It lasted nineteen {u}." for u in cases._UNITS[0]}),
        (cases.opposite, "Profit rose in May.", {"Profit fell in May."}),
        (cases.negation, "It was sold.", {"It was not sold.", "It was never sold."}),
        (cases.negation, "It was not sold.", {"It was sold."}),
        (cases.negation, "He didn't pay.", {"He did pay."}),
        (cases.modality, "They may close it.", {"They will close it."}),
        (cases.scope, "It lost more than 40 boats.", {"It lost less than 40 boats."}),
        (cases.roles, "The firm of Ana Brandt paid Orrin.", {"The firm of Orrin paid Ana Brandt."}),
        (
            cases.speaker,
            "Odile Lund said that it was late.",
            {"Kovic Marine said that it was late.", "Ana Brandt said that it was late."},
        ),
    ],
)
def test_what_makes_a_claim_false(change: cases.Change, text: str, expected: set[str]) -> None:
    found = {change(text, AROUND, random.Random(seed)) for seed in range(40)} - {None}
    assert found and found <= expected - {text}


@pytest.mark.parametrize(
    ("change", "text", "expected"),
    [
        (cases.shorter, "Brandt, who runs it, left.", None),
        (cases.shorter, "The mayor (a lawyer) left on Monday.", "The mayor left on Monday."),
        (cases.otherwise, "It cost 3,000 crowns.", "It cost 3000 crowns."),
        (cases.otherwise, "Twelve and five percent.", "Twelve and 5 percent."),
        (cases.reported, "It was late, Odile Lund said.", "Odile Lund said that it was late."),
        (cases.same, "It was late.", "It was late."),
    ],
)
def test_what_keeps_a_claim_true(change: cases.Change, text: str, expected: str | None) -> None:
    found = {change(text, AROUND, random.Random(seed)) for seed in range(40)}
    assert expected in found


def test_a_number_gets_another_number() -> None:
    text = "It sold 1,450 boats in 12 years."
    for seed in range(60):
        changed = cases.number(text, AROUND, random.Random(seed))
        assert changed != text
        assert changed is None or cases.NUMBER.sub("#", changed) == cases.NUMBER.sub("#", text)


def test_what_does_not_apply_gives_nothing() -> None:
    for change, _ in cases.FALSE.values():
        assert change("Nobody.", (), random.Random(1)) is None
    assert cases.shorter("Nobody.", (), random.Random(1)) is None
