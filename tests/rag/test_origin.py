"""Where an article appeared, as a reader writes it."""

from __future__ import annotations

import pytest

from rag.origin import origin, readable_date


@pytest.mark.parametrize(
    ("iso", "shown"),
    [
        ("2024-03-14", "14 Mar 2024"),
        ("2024-03-05T10:00:00+00:00", "5 Mar 2024"),
        ("2024-03", "Mar 2024"),
        ("2024", "2024"),
        ("2024-07-01/2024-07-07", "1 Jul 2024 to 7 Jul 2024"),
        ("", ""),
        ("soon", "soon"),
        ("2024-13", "2024-13"),
    ],
)
def test_dates(iso: str, shown: str) -> None:
    assert readable_date(iso) == shown


def test_origin() -> None:
    assert origin("Valley Courier", "2024-03-14") == "Valley Courier, 14 Mar 2024"
    assert origin(None, "2024-03-14") == "14 Mar 2024"
    assert origin("Valley Courier", None) == "Valley Courier"
    assert origin(None, None) == ""


def test_the_month_in_full() -> None:
    assert origin("Valley Courier", "2024-09-09", in_full=True) == "Valley Courier, 9 September 2024"
    assert readable_date("2024-07-01/2024-07-07", in_full=True) == "1 July 2024 to 7 July 2024"
