"""Convert the dates that articles and their files state to ISO 8601; ambiguous dates are rejected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timezone
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ]+(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.IGNORECASE,
)
_BROKEN_TIME = re.compile(r"\d{4}-\d\d-\d\d(?=T\d\d:)")
_PDF = re.compile(r"D:(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(?:(Z)(?:00'?00'?)?|([+-]\d\d)'?(\d\d)'?)?")
# Mail and feeds. The name of the weekday is not read, so it may be in any language.
_RFC_822 = re.compile(
    r"(?:[^\W\d]{2,9}\.?, ?)?\d{1,2} [A-Za-z]{3} \d{2,4} \d{1,2}:\d\d(?::\d\d)?(?: (?:[+-]\d{4}|[A-Z]{1,3}T?))?"
    r"(?: \(.*\))?"
)
_NUMERIC = re.compile(r"(?<![\d./-])(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?!\d)")
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")
_CLOCK = re.compile(r"\d[:h]\d\d|\d ?[ap]\.?m\b", re.IGNORECASE)
_MONTH = re.compile(r"[^\W\d]|\d[./-]\d")
_ORDERS = ("DMY", "MDY", "YMD")
_EARLIEST = 1000
_LONGEST = 100


def iso(value: str | date | datetime, language: str = "", order: str = "") -> str:
    """Return a date, a date with its time, or a month in ISO 8601; empty if reading it would take a guess.

    Args:
        value: ISO 8601, RFC 822 (mail and feeds), PDF's `D:…`, `12 July 2024`, `July 12, 2024`, `2024/07/12`,
            `July 2024`, or seconds since 1970 of ten digits.
        language: The language of what it stands in, such as `de` or `en-GB`: how it names the months, and whether the
            day or the month comes first. Plain `en` does not say which comes first.
        order: `DMY`, `MDY` or `YMD` if that is known from elsewhere (see `order_of`).
    """
    try:
        return _iso(value, language, order)
    except (ValueError, OverflowError, TypeError, IndexError):  # month 13, or input that email.utils fails on
        return ""


def order_of(texts: Iterable[str]) -> str:
    """Return whether numeric dates in these texts put the day (`DMY`) or the month (`MDY`) first.

    Dates such as 29/06/2016 have only one reading. Empty if there are none of them, or some of each kind.
    """
    found = set()
    for text in texts:
        for match in _NUMERIC.finditer(text):
            first, second = int(match[1]), int(match[3])
            if 12 < first <= 31 and 1 <= second <= 12:
                found.add("DMY")
            elif 12 < second <= 31 and 1 <= first <= 12:
                found.add("MDY")
    return found.pop() if len(found) == 1 else ""


def is_open(value: str | date | datetime) -> bool:
    """Return whether a date has two readings, such as 05/06/2024, of which `order_of` other dates may settle one."""
    match = _NUMERIC.search(value) if isinstance(value, str) else None
    return match is not None and match[1] != match[3] and max(int(match[1]), int(match[3])) <= 12


def _iso(value: str | date | datetime, language: str = "", order: str = "") -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") if value.year >= _EARLIEST else ""
    if isinstance(value, date):
        return value.isoformat() if value.year >= _EARLIEST else ""
    text = " ".join(value.split())[:_LONGEST]
    if re.fullmatch(r"1\d{9}", text):
        return _iso(datetime.fromtimestamp(int(text), timezone.utc))
    if match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, zone = match.groups()
        return _compose(year, month, day, hour, minute, second, zone or "")
    if match := _PDF.match(text):
        year, month, day, hour, minute, second, utc, hours, minutes = match.groups()
        return _compose(year, month, day, hour, minute, second, utc or (f"{hours}:{minutes}" if hours else ""))
    if _RFC_822.fullmatch(text):
        return _iso(parsedate_to_datetime(text))
    if match := _BROKEN_TIME.match(text):
        return _iso(match[0])
    return _in_words(text, language, order) if re.search(r"\d", text) else ""


def _compose(
    year: str, month: str, day: str, hour: str | None, minute: str | None, second: str | None, zone: str
) -> str:
    if hour is None:
        return _iso(date(int(year), int(month), int(day)))
    if zone.upper() in ("Z", "UTC", "GMT"):
        offset = "+00:00"
    else:
        digits = zone.replace(":", "")
        offset = f"{digits[:3]}:{digits[3:] or '00'}" if digits else ""
    return _iso(datetime.fromisoformat(f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}{offset}"))


def _in_words(text: str, language: str, order: str) -> str:
    """Return a written-out date as ISO 8601 if every order of day, month and year that is possible gives the same."""
    known = order or _usual_order(language)
    # Where the year comes first, a date that begins with another number is foreign, and has no usual order.
    orders = [known] if known in ("DMY", "MDY") else _ORDERS
    found = {_written(text, language, each) for each in orders}
    return found.pop() if len(found) == 1 else ""


def _written(text: str, language: str, order: str) -> str:
    names = readable(language)
    # Only complete, absolute dates: missing parts must not be filled in from today.
    settings: dict[str, Any] = {"DATE_ORDER": order, "PARSERS": ["absolute-time"]}
    if moment := _parse(text, names, {**settings, "REQUIRE_PARTS": ["day", "month", "year"]}):
        return _iso(moment if _CLOCK.search(text) else moment.date())
    if not (_YEAR.search(text) and _MONTH.search(text)):
        return ""
    settings["REQUIRE_PARTS"] = ["month", "year"]
    first, last = (_parse(text, names, {**settings, "PREFER_DAY_OF_MONTH": each}) for each in ("first", "last"))
    # Where the two differ, the day was filled in.
    return _iso(first)[:7] if first and last and first.day != last.day else ""


def _parse(text: str, names: list[str], settings: dict[str, Any]) -> datetime | None:
    import dateparser  # takes 65 ms, which every start would pay and few articles need

    found: datetime | None = dateparser.parse(text, languages=names, settings=settings)
    return found


@cache
def readable(language: str) -> list[str]:
    """Return the languages in which to read dates of an article in this one: its own, if it is known, and English."""
    from dateparser.data.languages_info import language_order

    own = language.replace("_", "-").split("-")[0].lower()
    return list(dict.fromkeys([own, "en"])) if own in language_order else ["en"]


@cache
def _usual_order(language: str) -> str:
    """Return the order of day, month and year in a language; empty for English without a region, which has two."""
    from dateparser.languages.loader import default_loader

    own, _, region = language.replace("_", "-").partition("-")
    if not own or (own.lower() == "en" and len(region) != 2):
        return ""
    for name in (f"{own.lower()}-{region.upper()}", own.lower()):
        try:
            return str(default_loader.get_locale(name).info.get("date_order") or "")
        except (ValueError, KeyError, AttributeError):  # an unknown language or region
            continue
    return ""
