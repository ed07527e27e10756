"""An error of any library as part of a message of ours: one line, bounded, without keys."""

from __future__ import annotations

import pytest

from rag.errors import one_line


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("the disk\n  is\tfull\n"), "the disk is full"),
        (ValueError(" \n"), "ValueError"),
        (AssertionError(), "AssertionError"),
        (FileNotFoundError(2, "No such file", "a.txt"), "[Errno 2] No such file: 'a.txt'"),
        ({"code": 400, "message": "too\nlong"}, "too long"),
        ({"code": 400}, "{'code': 400}"),
        ("text of a runtime", "text of a runtime"),
    ],
)
def test_one_line(error: object, said: str) -> None:
    assert one_line(error) == said


def test_a_long_text_is_cut_where_one_sees_it() -> None:
    assert one_line(ValueError("x" * 200)) == "x" * 200
    assert one_line(ValueError("x" * 201)) == "x" * 199 + "…"


def test_the_first_line_alone() -> None:
    assert one_line(OSError("\nno config.json\nread our documentation"), first=True) == "no config.json"


def test_the_class_of_an_unexpected_error() -> None:
    assert one_line(KeyError("date"), named=True) == "KeyError: 'date'"
    assert one_line(RecursionError(), named=True) == "RecursionError"


def test_keys_are_hidden_where_asked_for() -> None:
    error = ValueError("the key hunter2 is wrong, sk-abcd1234 as well")
    assert one_line(error, keys=["hunter2", None]) == "the key *** is wrong, *** as well"
    assert one_line(error, keys=()) == "the key hunter2 is wrong, *** as well"
    assert one_line(error) == str(error)


def test_no_half_of_a_key_is_left_by_cutting() -> None:
    assert "secret" not in one_line(ValueError("x" * 190 + "secret-and-long"), keys=["secret-and-long"])
