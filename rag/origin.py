"""Say who published an article and when, as a reader writes it."""

from __future__ import annotations

import re

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_DATE = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-([0-3][0-9]))?)?(?:T.*)?")


def origin(publisher: str | None, date: str | None) -> str:
    """Return who published an article and when, as far as that is known: `Valley Courier, 14 Mar 2024`."""
    return ", ".join(filter(None, (publisher, readable_date(date or ""))))


def readable_date(iso: str) -> str:
    """Write a date in ISO 8601 as `14 Mar 2024`, `Mar 2024`, `2024`, `1 Jul 2024 to 7 Jul 2024`."""
    first, _, last = iso.partition("/")
    if last:
        return f"{readable_date(first)} to {readable_date(last)}"
    match = _DATE.fullmatch(iso)
    if not match:
        return iso
    year, month, day = match.groups()
    return " ".join(filter(None, (str(int(day)) if day else "", _MONTHS[int(month) - 1] if month else "", year)))
