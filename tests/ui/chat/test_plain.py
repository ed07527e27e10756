"""Plain text as paragraphs: what was broken to a width flows, and nothing else does."""

from __future__ import annotations

import pytest
from parsed import Parsed

from rag.load.files import make_document
from ui.chat.article import article
from ui.chat.marked import joined
from ui.chat.plain import flowing, paragraphs

MAIL = """\
The ferry to Eidsund stopped on Monday, because its engine had to be taken
out. The company said that repairs would take nine weeks, and that a bus
would run instead. Tickets stay valid.

Nobody was hurt.
"""
POEM = "The ferry goes\nacross the sound,\nand nobody knows\nif it is sound.\n"
LIST = """\
What the council decided on Monday evening, after a debate of four long hours:
- the bridge is repaired before the winter, at a cost of four million euros, and
  the county pays half of it
- the ferry stays
"""


def shown(text: str) -> Parsed:
    return Parsed(joined(paragraphs(text)))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "  \n"])
def test_broken_lines_flow(line_end: str) -> None:
    first, second = shown(MAIL.replace("\n", line_end)).find("p")
    assert first.startswith(
        "The ferry to Eidsund stopped on Monday, because its engine had to be taken out. The company"
    )
    assert "\n" not in first and "\r" not in first and second == "Nobody was hurt."


@pytest.mark.parametrize("width", [55, 65, 72, 78, 98])
def test_any_usual_width_is_seen(width: int) -> None:
    words, lines = MAIL.split() * 3, [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    assert shown("\n".join(lines)).find("p") == [" ".join(words)]


@pytest.mark.parametrize(
    "text", [POEM, "Name: Ada Kern\nDate: 2024\n", "One line only, of some length, and that is all.\n"]
)
def test_lines_that_end_where_the_author_wanted_stay(text: str) -> None:
    assert shown(text).find("p") == [text.strip()]


def test_items_of_a_list_stay_and_flow_inside() -> None:
    lines = shown(LIST).find("p")[0].split("\n")
    assert [line[:10] for line in lines] == ["What the c", "- the brid", "- the ferr"]
    assert "euros, and the county" in lines[1]


def test_long_address_does_not_hide_the_width() -> None:
    address = "https://example.org/" + "x" * 90
    assert shown(f"{MAIL}\n{address}\n").find("p")[2] == address
    assert "\n" not in shown(f"{MAIL}\n{address}\n").find("p")[0]


def test_quoted_mail_is_a_quotation() -> None:
    quoted = "".join(f"> {line}\n" for line in MAIL.splitlines()[:3])
    html = shown(f"Ada wrote:\n{quoted}\nI agree.\n")
    assert html.find("p")[0] == "Ada wrote:" and html.find("p")[2] == "I agree."
    (said,) = html.find("blockquote")
    assert ">" not in said and "taken out. The company" in said


def test_scripts_without_spaces_are_joined_without_one() -> None:
    line = "渡" * 36
    assert shown(f"{line}\n{line}\n{line}\n船。\n").find("p") == [f"{line * 3}船。"]


def test_sentence_over_broken_lines_is_marked_where_it_stands() -> None:
    quote = "The company said that repairs would take nine weeks, and that a bus\nwould run instead."
    document = make_document(f"A ferry stops\n\n{MAIL}", "a.txt")
    start = document.text.index(quote)
    html = Parsed(article(document, start, start + len(quote)))
    assert html.find("mark") == [quote.replace("\n", " ")]
    assert html.find("p")[1].endswith("Tickets stay valid.")


@pytest.mark.parametrize("start", range(0, len(MAIL), 7))
def test_every_place_is_marked(start: int) -> None:
    quote = MAIL[start : start + 90]
    html = Parsed(joined(paragraphs(MAIL), start, start + len(quote)))
    assert "".join(" ".join(html.find("mark")).split()) == "".join(quote.split())


def test_words_of_hostile_lines_are_text() -> None:
    html = shown("> <script>alert(1)</script>\n> <b>x</b>\n")
    assert html.find("blockquote") == ["<script>alert(1)</script>\n<b>x</b>"] and not html.tags.keys() & {"script", "b"}


def test_quote_is_one_line() -> None:
    assert flowing("a bus\n  would\r\nrun") == "a bus would run"
    assert flowing("It was\n> cold and\n> wet.") == "It was cold and wet."
    assert flowing("渡船\n停驶") == "渡船停驶"
    assert flowing("5 > 4") == "5 > 4" and flowing("") == ""


def test_long_lines_are_paragraphs() -> None:
    line = (
        "The ferry to Eidsund stopped on Monday, because its engine had to be taken out, said the company that runs it."
    )
    assert shown(f"{line}\n{line}\nShort.\n").find("p") == [line, line, "Short."]


def test_columns_keep_their_blanks() -> None:
    assert [one.get("class") for one in shown("Rovers   3\nTown     1\n\nThey met.  Twice.\n").elements("p")] == [
        "dl-columns",
        None,
    ]
