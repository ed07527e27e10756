"""Dates: what is declared is understood, what is not is left open."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.dates import is_open, iso, order_of


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
        ("29/06/2016 10:00", "2016-06-29T10:00:00"),
        ("Tue, 24 May 2016 2:17:57 PM CEST", "2016-05-24T14:17:57+02:00"),
        ("Wed, 29 Jun 2016 23:30:00 PDT", "2016-06-29T23:30:00-07:00"),
        ("Mi, 15 Jun 2016 11:41:36 +0200", "2016-06-15T11:41:36+02:00"),
        ("2022-01-10T22:06:08:684Z", "2022-01-10"),
        ("2024-07", "2024-07"),
        ("07/2024", "2024-07"),
        ("June 2016", "2016-06"),
        # open to doubt, or no dates
        ("05/06/2024", ""),
        ("12.07.24", ""),
        ("2024", ""),
        ("12 2024", ""),
        ("05-06 2024", ""),
        ("3 May", ""),
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


@pytest.mark.parametrize(
    ("said", "language", "meant"),
    [
        ("05/06/2024", "en", ""),
        ("05/06/2024", "en-GB", "2024-06-05"),
        ("05/06/2024", "en-US", "2024-05-06"),
        ("05.06.2024", "de", "2024-06-05"),
        ("05/06/2024", "ja", ""),  # there the year comes first, and this date is foreign
        ("24. Januar 2022", "de", "2022-01-24"),
        ("Freitag, 12. Juli 2024, 15:30 Uhr", "de", "2024-07-12T15:30:00"),
        ("12 juillet 2024", "fr", "2024-07-12"),
        ("12 июля 2024 г.", "ru", "2024-07-12"),
        ("2024年7月12日", "ja", "2024-07-12"),
        ("July 12, 2024", "de", "2024-07-12"),  # English is read in every language
        ("12 July 2024", "xx", "2024-07-12"),
    ],
)
def test_dates_in_a_language(said: str, language: str, meant: str) -> None:
    assert iso(said, language) == meant


def test_other_dates_settle_which_is_the_day() -> None:
    assert order_of(["05/06/2024", "on 29/06/2024 it"]) == "DMY"
    assert order_of(["05/06/2024, 06/29/2024"]) == "MDY"
    assert order_of(["06/29/2024", "29/06/2024"]) == order_of(["05/06/2024", "1.2.3"]) == ""
    assert iso("05/06/2024", "en", "DMY") == "2024-06-05"
    assert is_open("05/06/2024") and not is_open("06/06/2024") and not is_open("29/06/2024")


def test_dates_that_are_dates_already() -> None:
    assert iso(date(2024, 7, 12)) == "2024-07-12"
    assert iso(datetime(2024, 7, 12, 10)) == "2024-07-12T10:00:00"
    assert iso(datetime(1, 1, 1, tzinfo=timezone.utc)) == ""  # what programs write for nothing


@given(st.text(st.sampled_from("0123456789-/:.TZ +,DJuly"), max_size=40) | st.text(max_size=40))
def test_any_text_is_a_date_or_none(said: str) -> None:
    meant = iso(said)
    assert meant == "" or datetime.fromisoformat(meant if len(meant) > len("2024-07") else f"{meant}-01")


@given(st.datetimes(datetime(1000, 1, 1), timezones=st.just(timezone(timedelta(hours=-3)))))
def test_iso_dates_are_themselves(moment: datetime) -> None:
    assert iso(moment.isoformat()) == moment.isoformat(timespec="seconds")
