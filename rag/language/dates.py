"""Convert the dates that file formats declare to ISO 8601; ambiguous dates are rejected."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from email.utils import parsedate_to_datetime

_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ]+(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.IGNORECASE,
)
_PDF = re.compile(r"D:(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(?:(Z)(?:00'?00'?)?|([+-]\d\d)'?(\d\d)'?)?")
_ORDERS = ("DMY", "MDY", "YMD")
_EARLIEST = 1000


def iso(value: str | date | datetime) -> str:
    """Return a date, or a date with its time, in ISO 8601; empty if reading it would take a guess.

    Args:
        value: ISO 8601, RFC 822 (mail and feeds), PDF's `D:…`, `12 July 2024`, `July 12, 2024`, `2024/07/12`, or
            seconds since 1970 of ten digits.
    """
    try:
        return _iso(value)
    except (ValueError, OverflowError, TypeError, IndexError):  # month 13, or input that email.utils fails on
        return ""


def _iso(value: str | date | datetime) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") if value.year >= _EARLIEST else ""
    if isinstance(value, date):
        return value.isoformat() if value.year >= _EARLIEST else ""
    text = " ".join(value.split())[:100]
    if re.fullmatch(r"1\d{9}", text):
        return _iso(datetime.fromtimestamp(int(text), timezone.utc))
    if match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, zone = match.groups()
        return _compose(year, month, day, hour, minute, second, zone or "")
    if match := _PDF.match(text):
        year, month, day, hour, minute, second, utc, hours, minutes = match.groups()
        return _compose(year, month, day, hour, minute, second, utc or (f"{hours}:{minutes}" if hours else ""))
    if re.fullmatch(r"(?:[A-Za-z]{3,9}, ?)?\d{1,2} [A-Za-z]{3} \d{2,4} \d{1,2}:\d\d(?::\d\d)?.*", text):
        return _iso(parsedate_to_datetime(text))
    return _in_words(text)


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


def _in_words(text: str) -> str:
    """Return a written-out date as ISO 8601 if every order of day, month and year gives the same day, else ""."""
    found = {_written(text, order) for order in _ORDERS}
    day = found.pop()
    return _iso(day) if day and not found else ""


def _written(text: str, order: str) -> date | None:
    import dateparser  # takes 65 ms, which every start would pay and few articles need

    # Only complete, absolute dates: missing parts must not be filled in from today.
    settings = {"DATE_ORDER": order, "PARSERS": ["absolute-time"], "REQUIRE_PARTS": ["day", "month", "year"]}
    found = dateparser.parse(text, languages=["en"], settings=settings)
    return found.date() if found else None
