"""Say who published an article and when, as a reader writes it."""

from __future__ import annotations

import re

_MONTHS = "January February March April May June July August September October November December".split()
_DATE = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-([0-3][0-9]))?)?(?:T.*)?")


def origin(publisher: str | None, date: str | None, *, in_full: bool = False) -> str:
    """Return who published an article and when, as far as that is known: `Valley Courier, 14 Mar 2024`.

    Args:
        publisher: Its name.
        date: ISO 8601.
        in_full: Whether the month is written in full, as articles write it.
    """
    return ", ".join(filter(None, (publisher, readable_date(date or "", in_full=in_full))))


def readable_date(iso: str, *, in_full: bool = False) -> str:
    """Write a date in ISO 8601 as `14 Mar 2024`, `Mar 2024`, `2024`, `1 Jul 2024 to 7 Jul 2024`.

    Args:
        iso: The date; what is none is returned as it is.
        in_full: Whether the month is written in full.
    """
    first, _, last = iso.partition("/")
    if last:
        return f"{readable_date(first, in_full=in_full)} to {readable_date(last, in_full=in_full)}"
    match = _DATE.fullmatch(iso)
    if not match:
        return iso
    year, month, day = match.groups()
    name = _MONTHS[int(month) - 1][: None if in_full else 3] if month else ""
    return " ".join(filter(None, (str(int(day)) if day else "", name, year)))
