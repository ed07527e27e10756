"""Columns and tables of PDFs whose lines run across the page."""

from __future__ import annotations

import pytest
from broken import pdf

from rag import Document
from rag.load.files import read_bytes

LEFT = [
    "The quarry at Ansel opened again on",
    "Monday after a closure of nine years,",
    "and its owner, Rita Falk, said that in",
    "the winter 230 people would work there",
    "and half of them would come from the",
    "valley itself.",
]
RIGHT = [
    "Neighbours fear the noise. A group led",
    "by the teacher Omar Saleh has gone to",
    "court to limit blasting to two hours a",
    "day, and the judge will hear the case",
    "on 14 November, the clerk of the court",
    "said last week.",
]
SHORT = [*LEFT[:4], "valley."]
WIDE = "A paper said so in a line that runs over all the columns of the page, from its left to its right edge."
Placed = tuple[int, int, str]  # x, y, text


def read(placed: list[Placed], size: int = 10) -> list[str]:
    shown = "".join(f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET " for x, y, text in placed)
    (found,) = read_bytes(pdf(shown.encode()), "a.pdf")
    assert isinstance(found, Document), found
    return found.text.split("\n\n")


def across(*columns: list[str], top: int = 700, xs: tuple[int, ...] = (50, 300, 420), pitch: int = 12) -> list[Placed]:
    """Return the lines of columns in the order of the page: the first of each column, then the second."""
    most = max(map(len, columns))
    return [
        (x, top - pitch * number, column[number])
        for number in range(most)
        for x, column in zip(xs, columns, strict=False)
        if number < len(column)
    ]


ONE, TWO = " ".join(LEFT), " ".join(RIGHT)


@pytest.mark.parametrize(
    ("placed", "blocks"),
    [
        (across(LEFT, RIGHT), [ONE, TWO]),
        (across(LEFT, RIGHT, xs=(50, 262)), [ONE, TWO]),
        (across(LEFT, RIGHT, pitch=14), [ONE, TWO]),
        (across(SHORT, RIGHT), [" ".join(SHORT), TWO]),
        (across(LEFT, [*RIGHT[:3], "day."]), [ONE, " ".join([*RIGHT[:3], "day."])]),
        ([(50, 760, WIDE), *across(LEFT, RIGHT)], [WIDE, ONE, TWO]),
        ([*across(LEFT, RIGHT), (50, 600, WIDE)], [ONE, TWO, WIDE]),
        (
            [*across(LEFT, RIGHT), (50, 600, WIDE), *across(RIGHT, LEFT, top=560)],
            [ONE, TWO, WIDE, TWO, ONE],
        ),
        (
            across(
                [*LEFT[:5], "valley, with its old peo-"],
                ["ple who fear the noise. A group led", *RIGHT[1:]],
            ),
            [
                " ".join(LEFT[:5])
                + " valley, with its old people who fear the noise. A group led "
                + " ".join(RIGHT[1:])
            ],
        ),
        (
            across(
                *([f"{name} is a column of news", "that has lines of letters", "and ends here."] for name in "ABC"),
                xs=(40, 220, 400),
            ),
            [f"{name} is a column of news that has lines of letters and ends here." for name in "ABC"],
        ),
        (
            [(50, 700 - 12 * n, line) for n, line in enumerate(LEFT)]
            + [(300, 700 - 12 * n, line) for n, line in enumerate(RIGHT)],
            [ONE, TWO],
        ),
        (
            across(["The committee read the annual", "report and"], ["approved the budget for the", "coming year."]),
            ["The committee read the annual report and approved the budget for the coming year."],
        ),
    ],
)
def test_columns_are_read_one_after_the_other(placed: list[Placed], blocks: list[str]) -> None:
    found = read(placed)
    assert " ".join(found) == " ".join(blocks)
    assert not any(LEFT[0] + " " + RIGHT[0] in block for block in found)


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (
            [["District", "Quist", "Ibarra"], ["Northgate", "4,112", "3,906"], ["Old Town", "6,018", "6,001"]],
            ["District: Northgate; Quist: 4,112; Ibarra: 3,906", "District: Old Town; Quist: 6,018; Ibarra: 6,001"],
        ),
        ([["District", "Votes"], ["Northgate", "4,112"]], ["District: Northgate; Votes: 4,112"]),
        ([["Turnout", "61 percent"], ["Spoilt", "2 percent"]], ["Turnout | 61 percent", "Spoilt | 2 percent"]),
        (
            [["Team", "Points"], ["Brann", "61"], ["Viking"], ["Bryne", "40"]],
            ["Team: Brann; Points: 61", "Viking", "Team: Bryne; Points: 40"],
        ),
        ([["Day", "Price"], ["Monday", "4 euros"], ["", "in advance"]], ["Day | Price", "Monday | 4 euros in advance"]),
    ],
)
def test_rows_of_a_table_carry_the_names_of_their_columns(rows: list[list[str]], lines: list[str]) -> None:
    placed = [(50 + 120 * at, 640 - 14 * n, cell) for n, row in enumerate(rows) for at, cell in enumerate(row) if cell]
    found = read([(50, 700, WIDE), *placed, (50, 500, WIDE)])
    assert found[0] == found[-1] == WIDE
    assert found[1:-1] == lines


@pytest.mark.parametrize("space", [2, 6, 9])
def test_wide_spaces_of_justified_lines_are_no_columns(space: int) -> None:
    words = [line.split() for line in LEFT[:5]]
    shown = "".join(
        f"BT /F1 10 Tf {space} Tw 50 {700 - 12 * n} Td ({' '.join(line)}) Tj ET " for n, line in enumerate(words)
    )
    (found,) = read_bytes(pdf(shown.encode()), "a.pdf")
    assert isinstance(found, Document)
    assert " ".join(found.text.split()) == " ".join(LEFT[:5])
