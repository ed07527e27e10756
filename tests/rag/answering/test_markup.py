"""The lines of a reply without its markup."""

from __future__ import annotations

from rag.answering.markup import plain_lines


def test_a_number_that_counts_nothing_stays() -> None:
    assert plain_lines("12. März 1968") == ["12. März 1968"]
    assert plain_lines("1968. It was old.") == ["1968. It was old."]
    assert plain_lines("1. It burst.\n2) It was old.") == ["It burst.", "It was old."]


def test_a_list_in_a_list_is_read_in_order() -> None:
    assert plain_lines("- It burst.\n  - It was old.\n  - It rained.\n- It ended.") == [
        "It burst.",
        "It was old.",
        "It rained.",
        "It ended.",
    ]


def test_a_table_without_a_row_has_no_line() -> None:
    assert plain_lines("| dam | built |\n|---|---|\n\nIt burst.") == ["It burst."]


def test_markup_alone_is_nothing() -> None:
    assert plain_lines("---\n\n<br>\n\n```\n```\n") == []
