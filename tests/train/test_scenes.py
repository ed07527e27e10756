"""Claims that are made together with their evidence."""

from __future__ import annotations

import random

from train import scenes

SENTENCES = (
    "The harbour of Tessin was closed for 40 days after the storm.",
    "Boats from Orrin brought the mail during the whole winter.",
    "A new pier opened last Monday beside the old customs house.",
)


def test_a_quotation_belongs_to_the_one_who_said_it() -> None:
    found = [scene for seed in range(80) for scene in scenes.spoken(SENTENCES, random.Random(seed))]
    assert {scene.label for scene in found} == {"e", "no"}
    for scene in found:
        assert (scene.wrong == "") == (scene.label == "e")
        assert scene.wrong in scene.claim
        assert any(sentence[1:-1] in scene.evidence for sentence in SENTENCES)


def test_nobody_speaks_in_a_passage_of_one_sentence() -> None:
    assert list(scenes.spoken(SENTENCES[:1], random.Random(1))) == []


def test_a_plan_is_no_fact() -> None:
    found = [scene for seed in range(80) for scene in scenes.planned(SENTENCES, random.Random(seed))]
    assert {scene.label for scene in found} == {"e", "no"}
    for scene in found:
        assert scene.claim not in scene.evidence
        assert (scene.wrong == "") == (scene.label == "e")
        assert scene.wrong in scene.claim
    wrong = {scene.wrong for scene in found if scene.label == "no"}
    assert "has already been closed" in wrong
    assert any(words.startswith(("will be", "is to be")) for words in wrong)


def test_two_things_change_places() -> None:
    text = "The inspectorate blamed the ministry for the delay."
    found = {scenes.things(text, SENTENCES, random.Random(seed)) for seed in range(40)}
    assert "The ministry blamed the inspectorate for the delay." not in found or len(found) > 1
    assert text not in found
    assert scenes.things("Boats left.", SENTENCES, random.Random(1)) is None
