"""The metrics, each figure worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from eval.dataset import Question
from eval.metrics import (
    citation_precision,
    citation_recall,
    correct,
    evidence_recall,
    exact_match,
    holds_keys,
    normalise,
    plain,
    token_f1,
)
from rag import Answer, Citation, Evidence, Place, Span

WHERE = Span(0, 100)


def question(*facts: list[tuple[str, int, int]], kind: str = "fact", keys: list[list[str]] | None = None) -> Question:
    places = [[{"source": s, "start": a, "end": b, "quote": "x" * (b - a)} for s, a, b in fact] for fact in facts]
    values: dict[str, Any] = {"id": "q", "kind": kind, "split": "dev", "turns": ["?"], "evidence": places}
    return Question.model_validate(values | {"answers": ["yes"] if places else [], "keys": keys or []})


def cited(marker: int, source: str, start: int, end: int, *also: Place) -> Citation:
    return Citation(marker, source, "T", "q", start, end, 1.0, "id", WHERE, also)


def shown(rank: int, source: str, start: int, end: int, *also: Place) -> Evidence:
    return Evidence(rank, source, "T", "q", start, end, 1, 1, 1, "id", WHERE, also=also)


def answer(text: str = "yes [1]", *, citations: Any = (), evidence: Any = (), abstained: bool = False) -> Answer:
    return Answer("?", text, abstained, tuple(citations), tuple(evidence), "fake", {"total": 1.0}, "0" * 16)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The US $310 million.", "us 310 million"),
        ("A “cordial” call", "cordial call"),
        ("López-Obrador", "lopez obrador"),
        ("3,000 km", "3000 km"),
        ("an apple, the pear", "apple pear"),
        ("", ""),
        ("The", ""),
    ],
)
def test_normalise(text: str, normal: str) -> None:
    assert normalise(text) == normal


def test_markers_are_no_part_of_the_answer() -> None:
    assert plain(answer("Ebrard [1][2] said so [3].")) == "Ebrard said so."
    assert plain(answer("The articles do not say.", abstained=True)) == ""


@pytest.mark.parametrize(
    ("text", "accepted", "score"),
    [
        ("US $310 million", ["$310 million", "US $310 million"], 1.0),
        ("the $310 Million!", ["$310 million"], 1.0),
        ("US $310 million", ["$310 million"], 0.0),
        ("", ["$310 million"], 0.0),
        ("", [], 1.0),  # refused what must be refused
        ("Paris", [], 0.0),
    ],
)
def test_exact_match(text: str, accepted: list[str], score: float) -> None:
    assert exact_match(text, accepted) == score


@pytest.mark.parametrize(
    ("text", "accepted", "score"),
    [
        # found: us 310 million; accepted: 310 million; shared 2: precision 2/3, recall 2/2
        ("US $310 million", ["$310 million"], 2 * (2 / 3) * 1 / (2 / 3 + 1)),
        # found: it was 310; accepted: 310 million; shared 1: precision 1/3, recall 1/2
        ("It was 310", ["310 million"], 2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2)),
        ("It was 310", ["nothing", "310 million"], 0.4),  # the best of those accepted
        # a word counts as often as it stands on both sides: shared 1 of 3 found and 1 accepted
        ("no no no", ["no"], 2 * 1 / (3 + 1)),
        ("Paris", ["London"], 0.0),
        ("", ["London"], 0.0),
        ("Paris", [], 0.0),
        ("", [], 1.0),
        ("the", ["a"], 1.0),  # both are empty once articles are gone
    ],
)
def test_token_f1(text: str, accepted: list[str], score: float) -> None:
    assert token_f1(text, accepted) == pytest.approx(score)


@pytest.mark.parametrize(
    ("text", "keys", "held"),
    [
        ("US $310 million", [["310 million", "310m"]], True),
        ("about 310m", [["310 million", "310m"]], True),
        ("1310 million", [["310 million"]], False),  # whole words only
        ("Ebrard and Harris", [["ebrard"], ["harris"]], True),
        ("Ebrard", [["ebrard"], ["harris"]], False),
        ("U.S.-Mexico border", [["us mexico"]], True),
        ("vice-president", [["vice president"]], True),
        ("the López plan", [["lopez"]], True),
        ("", [["ebrard"]], False),
        ("anything", [], True),
    ],
)
def test_keys(text: str, keys: list[list[str]], held: bool) -> None:
    assert holds_keys(text, keys) is held


def test_correct() -> None:
    asked, refusable = question([("a", 0, 10)], keys=[["yes"]]), question(kind="off_topic")
    assert correct(asked, answer("Yes [1]"))
    assert not correct(asked, answer("No [1]"))
    assert not correct(asked, answer("The articles do not say yes.", abstained=True))
    assert correct(refusable, answer("The articles do not say.", abstained=True))
    assert not correct(refusable, answer("Yes [1]"))


def test_marker_is_no_key() -> None:
    assert not correct(question([("a", 0, 10)], keys=[["1"]]), answer("Two boats [1]"))


def test_evidence_recall() -> None:
    # two facts; the first stands in two places. Ranked: a miss, the second fact, the first fact at its other place.
    asked = question([("a", 0, 10), ("b", 50, 60)], [("a", 20, 30)])
    found = answer(evidence=[shown(1, "a", 90, 99), shown(2, "a", 20, 30), shown(3, "b", 40, 55)])
    assert [evidence_recall(asked, found, k) for k in (1, 2, 3, 5)] == [0 / 2, 1 / 2, 2 / 2, 2 / 2]


def test_twins_count_as_evidence() -> None:
    asked = question([("a", 0, 10)])
    twin = Place("id", "a", "T", 0, 10)
    assert evidence_recall(asked, answer(evidence=[shown(1, "b", 70, 80, twin)]), 1) == 1 / 1
    assert (
        evidence_recall(asked, answer(evidence=[shown(1, "b", 0, 10)]), 1) == 0 / 1
    )  # the same span of another article


@pytest.mark.parametrize(
    ("start", "end", "hit"), [(9, 20, True), (10, 20, False), (-5, 0, False), (-5, 1, True), (3, 4, True)]
)
def test_one_shared_character_is_an_overlap(start: int, end: int, hit: bool) -> None:
    found = answer(evidence=[shown(1, "a", 20 + start, 20 + end)])
    assert evidence_recall(question([("a", 20, 30)]), found, 1) == float(hit)


def test_citation_recall_and_precision() -> None:
    asked = question([("a", 0, 10)], [("a", 20, 30)], [("b", 0, 10)])
    # three citations: the first fact, the third fact, and one that states nothing that is needed
    found = answer(citations=[cited(1, "a", 0, 10), cited(2, "b", 5, 9), cited(3, "c", 0, 10)])
    assert citation_recall(asked, found) == 2 / 3
    assert citation_precision(asked, found) == 2 / 3
    twin = Place("id", "a", "T", 25, 26)
    found = answer(citations=[cited(1, "a", 0, 10), cited(2, "c", 0, 10, twin)])
    assert citation_recall(asked, found) == 2 / 3
    assert citation_precision(asked, found) == 2 / 2


def test_no_citation() -> None:
    asked = question([("a", 0, 10)])
    assert citation_precision(asked, answer()) is None
    assert citation_recall(asked, answer()) == 0 / 1
