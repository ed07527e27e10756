"""The time that a question asks about."""

from __future__ import annotations

import pytest

from rag.language.asked_time import AskedTime, asked_time, moved

NEWEST = "2025-09-30T10:00:00+02:00"  # a Tuesday


@pytest.mark.parametrize(
    ("question", "since", "until", "rest"),
    [
        ("What did it cost in February 2025?", "2025-02", "2025-02", "What did it cost?"),
        ("In 2023, who was mayor?", "2023", "2023", "Who was mayor?"),
        ("Who led the city on 5 March 2025?", "2025-03-05", "2025-03-05", "Who led the city?"),
        ("What has happened since 4 March 2025?", "2025-03-04", "", "What has happened?"),
        ("What happened after 2020?", "2021", "", "What happened?"),
        ("What was it before January 2024?", "", "2023-12", "What was it?"),
        ("What was it until March 2024?", "", "2024-03", "What was it?"),
        ("What was said between May and July 2024?", "2024-05", "2024-07", "What was said?"),
        ("What has happened since March?", "2025-03", "", "What has happened?"),
        ("Who resigned in December?", "2024-12", "2024-12", "Who resigned?"),
        ("Who resigned last week?", "2025-09-22", "2025-09-28", "Who resigned?"),
        ("Who resigned yesterday?", "2025-09-29", "2025-09-29", "Who resigned?"),
        ("How many died three days ago?", "2025-09-27", "2025-09-27", "How many died?"),
    ],
)
def test_dates(question: str, since: str, until: str, rest: str) -> None:
    found = asked_time(question, NEWEST)
    assert found is not None
    assert (found.since, found.until, found.rest) == (since, until, rest)


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("What is the latest cost of the tunnel?", "What is the cost of the tunnel?"),
        ("How far is the tunnel now?", "How far is the tunnel?"),
        ("Who is currently mayor?", "Who is mayor?"),
    ],
)
def test_the_newest(question: str, rest: str) -> None:
    found = asked_time(question, NEWEST)
    assert found is not None
    assert found.newest
    assert found.rest == rest


def test_an_event() -> None:
    found = asked_time("What did a ticket cost before the strike of the crews?", NEWEST)
    assert found == AskedTime(
        "What did a ticket cost?", "before the strike of the crews", event="the strike of the crews", before=True
    )


@pytest.mark.parametrize(
    "question",
    [
        "Who may sign it?",
        "What did Theresa May say?",
        "What cost 2000 crowns?",
        "What is known of the 2023 budget?",
        "When did the ferry sink?",
    ],
)
def test_no_time(question: str) -> None:
    assert asked_time(question, NEWEST) is None


@pytest.mark.parametrize(
    ("published", "met"),
    [("2025-02-28", True), ("2025-02", True), ("2025-03-01", False), ("2024-02-10", False), ("", False)],
)
def test_meets(published: str, met: bool) -> None:
    assert AskedTime("", "", "2025-02", "2025-02").meets(published) is met


def test_moved() -> None:
    assert [moved("2024-03-01", -1), moved("2024-01", -1), moved("2024", 1)] == ["2024-02-29", "2023-12", "2025"]


def test_relative_times_need_a_newest_article() -> None:
    assert asked_time("Who resigned last week?", "") is None
