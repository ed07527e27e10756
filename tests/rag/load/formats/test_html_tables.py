"""Tables of web pages: each row becomes a paragraph with the names of its columns; layout tables stay as they are."""

from __future__ import annotations

import pytest

from rag import Document
from rag.load.files import read_bytes
from rag.load.formats.html import prose

LONG = "Election officials in Pellworth published the count by district on Monday, and a recount narrowed the gap."
HEAD = "<tr><th>District</th><th>Quist</th><th>Ibarra</th></tr>"


def page(body: str, head: str = "") -> Document:
    (read,) = read_bytes(
        f"<html><head><title>Count</title>{head}</head><body><article><h1>Count</h1><p>{LONG}</p>{body}"
        f"<p>{LONG.replace('Pellworth', 'Tessin')}</p></article></body></html>".encode(),
        "a.html",
    )
    assert isinstance(read, Document)
    return read


TABLES = [
    (
        f"{HEAD}<tr><td>Northgate</td><td>4,112</td><td>3,906</td></tr>",
        "District: Northgate; Quist: 4,112; Ibarra: 3,906",
    ),
    (
        f"<thead>{HEAD}</thead><tbody><tr><th>Northgate</th><td>4,112</td><td>3,906</td></tr></tbody>",
        "District: Northgate; Quist: 4,112; Ibarra: 3,906",
    ),
    (
        f"{HEAD}<tr><td>Old Town</td><td>6,018</td><td><ul><li>5,994 on the night</li>"
        "<li>6,001 after</li></ul></td></tr>",
        "District: Old Town; Quist: 6,018; Ibarra: 5,994 on the night, 6,001 after",
    ),
    (
        "<tr><td><b>District</b></td><td><b>Winner</b></td></tr><tr><td>Northgate</td><td>Quist</td></tr>",
        "District: Northgate; Winner: Quist",
    ),
    (
        "<tr><td>District</td><td>Votes</td></tr><tr><td>Northgate</td><td>4,112</td></tr>",
        "District: Northgate; Votes: 4,112",
    ),
    (
        f"{HEAD}<tr><td rowspan=2>Old Town</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr>",
        "District: Old Town; Quist: 3; Ibarra: 4",
    ),
    (f"{HEAD}<tr><td>Saltmarsh</td><td colspan=2>not counted</td></tr>", "District: Saltmarsh; Quist: not counted"),
    (
        "<tr><th></th><th colspan=2>Votes</th></tr><tr><th>District</th><th>Quist</th><th>Ibarra</th></tr>"
        "<tr><td>Northgate</td><td>4,112</td><td>3,906</td></tr>",
        "District: Northgate; Votes, Quist: 4,112; Votes, Ibarra: 3,906",
    ),
    ("<tr><th>Turnout</th><td>61 percent</td></tr><tr><th>Spoilt</th><td>2 percent</td></tr>", "Turnout: 61 percent"),
    ("<tr><td>Turnout</td><td>61 percent</td></tr><tr><td>Spoilt</td><td>2 percent</td></tr>", "Turnout | 61 percent"),
    (f"<caption>Final count</caption>{HEAD}<tr><td>Northgate</td><td>4</td><td>3</td></tr>", "Final count"),
    (
        f"{HEAD}<tr><td><p>North<br>gate</p></td><td><a href='/x'>4,112</a></td><td>3<sup>*</sup></td></tr>",
        "District: North gate; Quist: 4,112; Ibarra: 3*",
    ),
    (
        f"{HEAD}<!-- x --><tr><td>North<!-- y -->gate<script>z</script></td><td>4</td><td>3</td></tr>",
        "District: Northgate; Quist: 4; Ibarra: 3",
    ),
]


@pytest.mark.parametrize(("rows", "line"), TABLES)
def test_rows_carry_the_names_of_their_columns(rows: str, line: str) -> None:
    table = f"<table>{rows}</table>"
    assert line in page(table).text.split("\n\n")
    assert line in prose(f"<p>{LONG}</p>{table}").split("\n\n")
    assert "|---" not in page(table).text


def test_every_row_is_read() -> None:
    rows = "".join(f"<tr><td>District {n}</td><td>{n},112</td><td>{n},906</td></tr>" for n in range(1, 200))
    text = page(f"<table>{HEAD}{rows}</table>").text
    assert all(f"District: District {n}; Quist: {n},112; Ibarra: {n},906" in text for n in range(1, 200))


@pytest.mark.parametrize(
    "rows",
    [
        f"<tr><td>Menu</td><td><h1>Count</h1><p>{LONG}</p></td></tr><tr><td>x</td><td>y</td></tr>",
        f"<tr><td><p>{LONG * 5}</p></td><td>Menu</td></tr><tr><td>x</td><td>y</td></tr>",
        f"<tr><td><table><tr><td>a</td></tr></table></td><td>{LONG}</td></tr><tr><td>x</td><td>y</td></tr>",
        f"<tr><td>{LONG}</td></tr><tr><td>One column.</td></tr>",
        f"<tr><td>{LONG}</td><td>One row.</td></tr>",
    ],
)
def test_tables_for_layout_stay(rows: str) -> None:
    text = prose(f"<table>{rows}</table>")
    assert LONG in text and " | " not in text and "; " not in text


@pytest.mark.parametrize("span", ["0", "-1", "99999999999", "x", "2.5", "", "1000"])
def test_spans_that_lie(span: str) -> None:
    first = f"<tr><td rowspan='{span}' colspan='{span}'>Northgate</td><td>4,112</td></tr>"
    text = prose(f"<table>{HEAD}{first}<tr><td>b</td><td>1</td></tr></table>")
    assert "Northgate" in text and len(text) < 10_000


def test_an_article_that_is_short_keeps_its_paragraphs() -> None:
    raw = (
        "<html lang='en'><head><title>Bridge | Tessin Post</title><meta property='og:site_name' content='Tessin Post'>"
        "</head><body><article><h1>Bridge rebuilt</h1>"
        "<div class='byline'>By Ada Kern | Monday, February 3, 2025</div>"
        "<p>The council of Tessin voted on Monday to rebuild the bridge.</p><ul><li>It costs 4 million euros.</li>"
        "<li>Work begins in May.</li></ul><p>Mayor Ada Kern said it would last for two years.</p></article></body>"
    )
    (read,) = read_bytes(raw.encode(), "a.html")
    assert isinstance(read, Document)
    assert (read.title, read.author) == ("Bridge rebuilt", "Ada Kern")
    assert read.text.split("\n\n") == [
        "By Ada Kern | Monday, February 3, 2025",
        "The council of Tessin voted on Monday to rebuild the bridge.",
        "It costs 4 million euros.",
        "Work begins in May.",
        "Mayor Ada Kern said it would last for two years.",
    ]


@pytest.mark.parametrize(
    "markup", ["<o:p></o:p>", "<o:p>&nbsp;</o:p>", "<st1:place>Tessin</st1:place>", "<v:a.b>x</v:a.b>"]
)
def test_markup_pasted_from_word(markup: str) -> None:
    assert "Tickets cost 12 euros." in prose(f"<p class=MsoNormal>Tickets cost 12 euros.{markup}</p>")
