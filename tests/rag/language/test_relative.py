"""Relative dates are resolved by the article's date, and left out where that would take a guess."""

from __future__ import annotations

import pytest

from rag.language.relative import relative, weekday

FRIDAY = "2024-07-12"


@pytest.mark.parametrize(
    ("said", "language", "meant"),
    [
        ("The sluice gate at Wendle failed yesterday.", "en", {"yesterday": "2024-07-11"}),
        ("The board will meet tomorrow.", "en", {"tomorrow": "2024-07-13"}),
        ("It burned down last night.", "en", {"last night": "2024-07-11"}),
        ("It closed last week.", "en", {"last week": "2024-07-01/2024-07-07"}),
        ("It opens next month.", "en", {"next month": "2024-08"}),
        ("This year it rained, last year it did not.", "en", {"This year": "2024", "last year": "2023"}),
        ("Last Tuesday it fell.", "en", {"Last Tuesday": "2024-07-09"}),
        ("It fell three days ago.", "en", {"three days ago": "2024-07-09"}),
        ("It was built 10 years ago.", "en", {"10 years ago": "2014"}),
        ("Sie wurde gestern gesperrt.", "de", {"gestern": "2024-07-11"}),
        ("Letzte Woche war sie offen.", "de", {"Letzte Woche": "2024-07-01/2024-07-07"}),
        ("L'année dernière, il pleuvait.", "fr", {"L'année dernière": "2023"}),
        ("Ayer cerró la presa.", "es", {"Ayer": "2024-07-11"}),
        ("市長は昨日、発表した。", "ja", {"昨日": "2024-07-11"}),
        ("It failed yesterday.", "", {"yesterday": "2024-07-11"}),
        # not sure, or no dates
        ("On Tuesday the mayor spoke.", "en", {}),
        ("He said: “It broke yesterday.”", "en", {}),
        ("A yesterday-like song is heard now.", "en", {}),
        ("Am Morgen regnete es.", "de", {}),
        ("Llegó por la mañana.", "es", {}),
        ("It failed on 11 July 2024.", "en", {}),
    ],
)  # fmt: skip
def test_relative_dates(said: str, language: str, meant: dict[str, str]) -> None:
    assert dict(relative(said, FRIDAY, language)) == meant


def test_the_hour_and_the_zone_do_not_change_the_day() -> None:
    assert relative("It failed yesterday.", "2024-07-12T23:30:00-07:00") == (("yesterday", "2024-07-11"),)


def test_a_month_alone_resolves_months_and_years() -> None:
    said = "It failed yesterday, last month and last year."
    assert dict(relative(said, "2024-07")) == {"last month": "2024-06", "last year": "2023"}


def test_without_a_date_nothing_is_resolved() -> None:
    assert relative("It failed yesterday.", "") == ()


@pytest.mark.parametrize(
    ("said", "past", "meant"),
    [
        ("The sluice gate failed on Tuesday.", True, ("Tuesday", "2024-07-09")),
        ("The gate failed on Friday.", True, ("Friday", "2024-07-12")),
        ("The board will meet on Tuesday.", False, ("Tuesday", "2024-07-16")),
        ("The board will meet on Tuesday.", True, None),
        ("The board said on Tuesday that it will meet soon.", False, None),
        ("The gate was due to open on Tuesday.", True, None),
        ("The gate is tested every Tuesday.", True, None),
        ("The gate failed on Tuesday and again on Wednesday.", True, None),
        ("The gate failed on Tuesday, July 2.", True, None),
        ("The gate failed on Tuesday, 2 July.", True, None),
        ("He said: “It broke on Tuesday.”", True, None),
        ("It fell.", True, None),
    ],
)
def test_a_weekday_alone(said: str, past: bool, meant: tuple[str, str] | None) -> None:
    assert weekday(said, FRIDAY, past) == meant


def test_a_weekday_needs_a_day() -> None:
    assert weekday("The gate failed on Tuesday.", "2024-07", True) is None
