"""The metrics of an answer, each figure worked out by hand, and all scores of an answer together."""

from __future__ import annotations

import pytest
from graded import NOT_SAID, REFUSABLE, answer, cited, question, reader, shown

from eval.score.metrics import correct, exact_match, gold_recall, holds_keys, normalise, plain, score, token_f1


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


RETRIEVAL = ("evidence_recall@1", "evidence_recall@3", "evidence_recall@5", "reciprocal_rank", "ndcg@10")
CITATION = ("citation_precision", "citation_recall", "citation_support", "offset_validity")


def test_every_score_of_an_answer() -> None:
    asked = question([("a", 0, 9)], keys=[["two"]], answers=("Two boats",))
    found = answer("Two boats [1]", citations=[cited(1, "a", 0, 9, quote="Two boats")])
    scores, valid = score(asked, found, [shown(1, "a", 0, 15)], reader)
    assert valid == (True,)
    ones = ("correct", "exact_match", "token_f1", "gold_recall", *RETRIEVAL, *CITATION)
    assert scores == pytest.approx(dict.fromkeys(ones, 1.0) | {"refused": 0.0})


def test_scores_of_a_refusal_that_was_not_due() -> None:
    asked = question([("a", 0, 9)], keys=[["two"]], answers=("Two boats",))
    scores, valid = score(asked, NOT_SAID, [shown(1, "a", 0, 15)], reader)
    assert valid == () and scores["refused"] == 1.0
    assert [scores[n] for n in ("correct", "exact_match", "token_f1", "gold_recall")] == [0, 0, 0, 0]
    assert [scores[n] for n in RETRIEVAL] == pytest.approx([1, 1, 1, 1, 1])
    assert [scores[n] for n in CITATION] == [None, None, None, None]


def test_scores_of_a_refusal_that_was_due() -> None:
    scores, _ = score(REFUSABLE, NOT_SAID, [shown(1, "a", 0, 15)], reader)
    # SQuAD 2.0: the empty answer is the accepted one
    known = {"correct": 1.0, "exact_match": 1.0, "token_f1": 1.0, "refused": 1.0}
    assert {name: value for name, value in scores.items() if value is not None} == known


def test_scores_of_an_answer_where_a_refusal_was_due() -> None:
    found = answer("Two boats [1]", citations=[cited(1, "a", 0, 9, quote="Two boats")])
    scores, _ = score(REFUSABLE, found, (), reader)
    known = {"correct": 0, "exact_match": 0, "token_f1": 0, "refused": 0, "citation_support": 1, "offset_validity": 1}
    assert {name: value for name, value in scores.items() if value is not None} == known


def test_scores_of_an_empty_answer() -> None:
    asked = question([("a", 0, 9)], keys=[["two"]], answers=("Two boats",))
    scores, valid = score(asked, answer(""), (), reader)
    assert valid == ()
    zeros = ("correct", "exact_match", "token_f1", "gold_recall", *RETRIEVAL, "citation_recall", "refused")
    assert scores == dict.fromkeys(zeros, 0.0) | dict.fromkeys(
        ("citation_precision", "citation_support", "offset_validity")
    )


def test_question_for_retrieval_alone_has_nothing_else() -> None:
    scores, _ = score(question([("a", 0, 9)], answers=()), answer(), [shown(1, "a", 0, 5)], reader)
    known = {name for name, value in scores.items() if value is not None}
    assert known == set(RETRIEVAL)


def test_question_without_gold_evidence_has_neither_retrieval_nor_citation_scores() -> None:
    found = answer("boats [1]", citations=[cited(1, "a", 4, 9, quote="boats")])
    scores, _ = score(question(answers=("boats",)), found, [shown(1, "a", 0, 5)], reader)
    missing = {name for name, value in scores.items() if value is None}
    assert missing == {*RETRIEVAL, "citation_precision", "citation_recall"}
    assert scores["correct"] == 1.0
