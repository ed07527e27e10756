"""The arithmetic of the scores, each worked out by hand."""

from __future__ import annotations

from math import log2

import pytest
from cases import NOT_SAID, REFUSABLE, answer, cited, question, shown

from eval.datasets.dataset import GoldPlace as Gold
from eval.datasets.dataset import Question
from eval.score.formulas import (
    citation_precision,
    citation_recall,
    citation_support,
    correct,
    exact_match,
    gold_recall,
    holds_keys,
    normalise,
    plain,
    retrieval,
    token_f1,
)
from rag import Evidence, Place


def ranking(asked: Question, *ranked: Evidence) -> list[float | None]:
    """Recall at 1, 3 and 5, reciprocal rank and nDCG at 10."""
    return list(retrieval(asked.evidence, ranked).values())


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The US $310 million.", "us 310 million"),
        ("£85,000 or €1.2m", "85000 or 12m"),
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
    asked = question([("a", 0, 10)], keys=[["yes"]])
    assert correct(asked, answer("Yes [1]"))
    assert not correct(asked, answer("No [1]"))
    assert not correct(asked, answer("The articles do not say yes.", abstained=True))
    assert correct(REFUSABLE, NOT_SAID)
    assert not correct(REFUSABLE, answer("Yes [1]"))


def test_sensible_reply_to_what_asks_for_no_fact() -> None:
    greeting = question(kind="talk", answers=(), keys=[["hello", "articles"]])
    assert not greeting.must_refuse
    assert correct(greeting, answer("Hello.", abstained=True)) and correct(greeting, answer("Hello."))
    assert not correct(greeting, answer("Bye.")), "no key"
    assert not correct(greeting, NOT_SAID), "no reply, although it has a key"
    assert not correct(greeting, answer("Hello [1]", citations=[cited(1, "a", 0, 10)])), "no fact, so no source"
    asked = question([("a", 0, 10)], [("b", 0, 10)], kind="talk", answers=(), keys=[["two"]])
    asked = asked.model_copy(update={"forbidden": ("ten",)})
    both = [cited(1, "a", 0, 10), cited(2, "b", 5, 20)]
    assert correct(asked, answer("Two [1] [2]", citations=both))
    assert not correct(asked, answer("Two [1]", citations=both[:1])), "half of the sources"
    assert not correct(asked, answer("Two and ten [1] [2]", citations=both)), "what is forbidden"


def test_without_keys_an_accepted_answer_in_whole_words_is_right() -> None:
    asked = question(answers=("two boats", "2 boats"))
    assert correct(asked, answer("They were 2 boats. [1]"))
    assert not correct(asked, answer("Twenty-two boatsmen [1]"))
    assert not correct(asked, answer("")) and not correct(asked, NOT_SAID)


def test_marker_is_no_key() -> None:
    assert not correct(question([("a", 0, 10)], keys=[["1"]]), answer("Two boats [1]"))


@pytest.mark.parametrize(
    ("text", "accepted", "share"),
    [
        ("about 310 million dollars", ["US $310 million"], 2 / 3),  # us, 310, million: two of them found
        ("about 310 million dollars", ["US $310 million", "310 million"], 2 / 2),  # the best of those accepted
        ("no", ["no no"], 1 / 2),  # a word counts as often as it stands on both sides
        ("", ["London"], 0 / 1),
        ("Paris", ["the"], 0.0),  # an accepted answer without words is found in the empty answer only
        ("", ["the"], 1.0),
    ],
)
def test_gold_recall(text: str, accepted: list[str], share: float) -> None:
    assert gold_recall(text, accepted) == pytest.approx(share)


def test_ranking() -> None:
    # Two facts, the first in two places. Ranked: a miss, the second fact, the first fact at its other place.
    asked = question([("a", 0, 10), ("b", 50, 60)], [("a", 20, 30)])
    found = ranking(asked, shown(1, "a", 90, 99), shown(2, "a", 20, 30), shown(3, "b", 40, 55))
    gained, ideal = 1 / log2(2 + 1) + 1 / log2(3 + 1), 1 / log2(1 + 1) + 1 / log2(2 + 1)
    assert found == pytest.approx([0 / 2, 2 / 2, 2 / 2, 1 / 2, gained / ideal])


def test_nothing_ranked_and_nothing_found() -> None:
    asked = question([("a", 0, 10)])
    assert ranking(asked) == [0, 0, 0, 0, 0]
    assert ranking(asked, shown(1, "b", 0, 10)) == [0, 0, 0, 0, 0], "the same span of another article"


def test_fact_found_twice_counts_once() -> None:
    # One fact in two places, both found, then the second fact: the repeat takes no rank, so the second fact is second.
    asked = question([("a", 0, 10), ("b", 0, 10)], [("c", 0, 10)])
    found = ranking(asked, shown(1, "a", 0, 10), shown(2, "b", 0, 10), shown(3, "c", 0, 10))
    assert found == pytest.approx([1 / 2, 2 / 2, 2 / 2, 1.0, 1.0])
    # Without the second fact one of two is found, and found at the first rank: 1 of 1 + 1 / log2(3).
    found = ranking(asked, shown(1, "a", 0, 10), shown(2, "b", 0, 10))
    assert found == pytest.approx([1 / 2, 1 / 2, 1 / 2, 1.0, 1 / (1 + 1 / log2(3))])


def test_item_that_finds_two_facts_takes_two_ranks() -> None:
    # A miss at rank 1, then a passage with both facts: they stand at ranks 2 and 3.
    asked = question([("a", 0, 10)], [("a", 20, 30)])
    found = ranking(asked, shown(1, "b", 0, 10), shown(2, "a", 0, 99))
    ndcg = (1 / log2(3) + 1 / log2(4)) / (1 + 1 / log2(3))
    assert found == pytest.approx([0 / 2, 2 / 2, 2 / 2, 1 / 2, ndcg])
    assert ranking(asked, shown(1, "a", 0, 99)) == pytest.approx([1, 1, 1, 1, 1])


def test_whole_document_is_one_item() -> None:
    # BEIR: both documents are relevant as a whole. Two sentences of the first, a miss, one of the second.
    asked = question([("a", 0, 1000)], [("b", 0, 1000)], answers=())
    ranked = shown(1, "a", 0, 10), shown(2, "a", 50, 90), shown(3, "c", 0, 9), shown(4, "b", 5, 9)
    ndcg = (1 + 1 / log2(3 + 1)) / (1 + 1 / log2(2 + 1))  # a, c, b: the second document is third
    assert ranking(asked, *ranked) == pytest.approx([1 / 2, 1 / 2, 2 / 2, 1.0, ndcg])


def test_relevance_is_the_gain() -> None:
    # BEIR's grades: the more relevant document (3) is found second, the less relevant one (1) first.
    places = [{"source": s, "start": 0, "end": 9, "quote": "x" * 9, "relevance": r} for s, r in (("a", 1), ("b", 3))]
    graded = question(answers=()).model_copy(
        update={"evidence": tuple((Gold.model_validate(place),) for place in places)}
    )
    gained, ideal = 1 + 3 / log2(2 + 1), 3 + 1 / log2(2 + 1)
    found = ranking(graded, shown(1, "a", 0, 9), shown(2, "b", 0, 9))
    assert found == pytest.approx([1 / 2, 1, 1, 1, gained / ideal])


def test_ndcg_ends_at_ten() -> None:
    misses = [shown(n, "b", 10 * n, 10 * n + 5) for n in range(1, 11)]
    asked = question([("a", 0, 10)])
    assert ranking(asked, *misses, shown(11, "a", 0, 10)) == pytest.approx([0, 0, 0, 1 / 11, 0])
    assert ranking(asked, *misses[:9], shown(10, "a", 0, 10)) == pytest.approx([0, 0, 0, 1 / 10, 1 / log2(11)])


def test_twin_counts_as_the_same_item() -> None:
    twin = Place("id", "a", "T", 0, 10)
    assert ranking(question([("a", 0, 10)]), shown(1, "b", 70, 80, twin)) == pytest.approx([1, 1, 1, 1, 1])


@pytest.mark.parametrize(
    ("start", "end", "hit"), [(9, 20, True), (10, 20, False), (-5, 0, False), (-5, 1, True), (3, 4, True)]
)
def test_one_shared_character_is_an_overlap(start: int, end: int, hit: bool) -> None:
    assert ranking(question([("a", 20, 30)]), shown(1, "a", 20 + start, 20 + end))[0] == float(hit)


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


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Two boats left [1]", 3 / 3),
        ("Two red boats left [1].", 3 / 4),
        # "Two boats" on quote 1: 2 of 2; ". They sank Friday" on quote 2: 2 of 3 ("they" is not there)
        ("Two boats [1]. They sank Friday [2]", (2 + 2) / (2 + 3)),
        ("Two sank [1][2]", 2 / 2),  # one quote has the one word, the other the other
        ("Two boats left", 0 / 3),  # nothing is cited
        ("Two boats [1] left", 2 / 3),  # what follows the last marker cites nothing
        ("Two boats [7]", 0 / 2),  # a marker without a citation
        ("Yes, two boats [1]", 2 / 2),  # no quote says yes
        ("No boats [1]", 1 / 2),  # a word of the statement here
        ("Yes [1]", None),
        ("", None),
        ("[1]", None),
    ],
)
def test_citation_support(text: str, share: float | None) -> None:
    quotes = [cited(1, "a", 0, 10, quote="Two boats left."), cited(2, "b", 0, 10, quote="All sank on Friday")]
    assert citation_support(answer(text, citations=quotes)) == (None if share is None else pytest.approx(share))


def test_endless_marker_is_text() -> None:
    endless = f"[{'1' * 5000}]"
    assert citation_support(answer(f"boats {endless}")) == 0 / 2
    assert plain(answer(f"boats {endless}")) == f"boats {endless}"
