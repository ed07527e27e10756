"""How a sentence reads in an answer."""

from __future__ import annotations

import pytest

from rag.language.readable import readable


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("ORRIN — Dagny Pell won.", "Dagny Pell won."),
        ("PORT ALDOUS, Sept. 30 (Reuters) — The ferry sank.", "The ferry sank."),
        ("Tessin (AP) - The pier closed.", "The pier closed."),
        ("Tessin, 4 May 2024 – The pier closed.", "The pier closed."),
        ("TESSIN (Coast Wire) Jan. 22, 2024 - The pier closed.", "The pier closed."),
        ("Tessin (population 900) - where 3 of 4 work at the pier - closed it.",) * 2,
        ("The mayor — who resigned — left.", "The mayor — who resigned — left."),
        ("Pell - a former teacher - won.", "Pell - a former teacher - won."),
        ("The cod\r\n  left.", "The cod left."),
        ("The of\ufb01ce closed.", "The office closed."),
    ],
)
def test_one_line_without_a_dateline(sentence: str, shown: str) -> None:
    assert readable(sentence) == shown
