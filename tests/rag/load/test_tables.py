"""Rows of tables with the names of their columns."""

from __future__ import annotations

import pytest

from rag.load.tables import lines_of


@pytest.mark.parametrize(
    ("rows", "header", "lines"),
    [
        ([["District", "Votes"], ["Old Town", "6,001"]], 1, ["District: Old Town; Votes: 6,001"]),
        ([["District", "Votes"], ["Old Town", "6,001"]], None, ["District: Old Town; Votes: 6,001"]),
        ([["", "2019", "2024"], ["Quist", "4,112", "3,906"]], None, ["Quist; 2019: 4,112; 2024: 3,906"]),
        ([["Team", "Points"], ["Brann", "61 %"], ["Viking", "€4.50"]], None, ["Team: Brann; Points: 61 %"]),
        ([["Cost", "4.2 million euros"], ["Duration", "eleven weeks"]], None, ["Cost | 4.2 million euros"]),
        ([["Turnout", "61 %"], ["Spoilt", "2 %"]], None, ["Turnout | 61 %", "Spoilt | 2 %"]),
        ([["Born", "1950"], ["Died", "2019"]], None, ["Born | 1950", "Died | 2019"]),
        ([["Ada Kern", "mayor"], ["Omar Saleh", "teacher"]], None, ["Ada Kern | mayor", "Omar Saleh | teacher"]),
        ([["Language:", "English"], ["Price:", "70 euros"]], None, ["Language: English", "Price: 70 euros"]),
        (
            [["", "Votes", "Votes"], ["District", "Quist", "Ibarra"], ["Old Town", "6,018", "6,001"]],
            2,
            ["District: Old Town; Votes, Quist: 6,018; Votes, Ibarra: 6,001"],
        ),
        (
            [["Day", "Price"], ["Second round", ""], ["Monday", "Price4 euros"]],
            1,
            ["Second round", "Day: Monday; Price: 4 euros"],
        ),
        ([["Day", "Price"], ["", ""], ["Monday"]], 1, ["Day: Monday"]),
        ([["Day", "Price"], ["Day 1", "Prices vary"]], 1, ["Day: Day 1; Price: Prices vary"]),
        ([["Day", "Price"]], 1, ["Day | Price"]),
        ([["a", "a", "b"]], None, ["a | b"]),
        ([["地区", "得票"], ["旧市街", "6,001"]], None, ["地区: 旧市街; 得票: 6,001"]),
        ([], None, []),
        ([[""], []], None, []),
    ],
)
def test_lines_of_a_table(rows: list[list[str]], header: int | None, lines: list[str]) -> None:
    assert lines_of(rows, header)[: len(lines)] == lines
