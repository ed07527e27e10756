"""Dates: what is declared is understood, what is not is left open."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.dates import iso


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2024-07-12", "2024-07-12"),
        ("20240712", "2024-07-12"),
        ("2024-07-12T10:00:00Z", "2024-07-12T10:00:00+00:00"),
        ("2024-07-12T10:00:00.123456+02:00", "2024-07-12T10:00:00+02:00"),
        ("2024-07-12 10:00", "2024-07-12T10:00:00"),
        ("2024-07-12 10:00:00 UTC", "2024-07-12T10:00:00+00:00"),
        ("2024-07-12T10:00:00-0530", "2024-07-12T10:00:00-05:30"),
        ("Fri, 12 Jul 2024 10:00:00 GMT", "2024-07-12T10:00:00+00:00"),
        ("Fri, 12 Jul 2024 10:00:00 +0200", "2024-07-12T10:00:00+02:00"),
        ("12 Jul 2024 10:00 +0200", "2024-07-12T10:00:00+02:00"),
        ("D:20240712100000+02'00'", "2024-07-12T10:00:00+02:00"),
        ("D:20240712100000Z", "2024-07-12T10:00:00+00:00"),
        ("D:20240712", "2024-07-12"),
        ("12 July 2024", "2024-07-12"),
        ("July 12, 2024", "2024-07-12"),
        ("Friday, July 12th, 2024", "2024-07-12"),
        ("Sept. 3, 2024", "2024-09-03"),
        ("2024/07/12", "2024-07-12"),
        ("1720778400", "2024-07-12T10:00:00+00:00"),
        # open to doubt, or no dates
        ("05/06/2024", ""),
        ("12.07.24", ""),
        ("2024", ""),
        ("07/2024", ""),
        ("yesterday", ""),
        ("2024-13-01", ""),
        ("2024-02-30", ""),
        ("0000-00-00", ""),
        ("Fri, 99 Jul 2024 10:00:00 GMT", ""),
        ("D:", ""),
        ("", ""),
    ],
)
def test_dates(said: str, meant: str) -> None:
    assert iso(said) == meant


def test_dates_that_are_dates_already() -> None:
    assert iso(date(2024, 7, 12)) == "2024-07-12"
    assert iso(datetime(2024, 7, 12, 10)) == "2024-07-12T10:00:00"
    assert iso(datetime(1, 1, 1, tzinfo=timezone.utc)) == ""  # what programs write for nothing


@given(st.text(st.sampled_from("0123456789-/:.TZ +,DJuly"), max_size=40) | st.text(max_size=40))
def test_any_text_is_a_date_or_none(said: str) -> None:
    meant = iso(said)
    assert meant == "" or datetime.fromisoformat(meant)


@given(st.datetimes(datetime(1000, 1, 1), timezones=st.just(timezone(timedelta(hours=-3)))))
def test_iso_dates_are_themselves(moment: datetime) -> None:
    assert iso(moment.isoformat()) == moment.isoformat(timespec="seconds")
