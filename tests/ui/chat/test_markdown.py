"""Markdown in the article and in quotes: a few elements, every word in its place, and no HTML of the article."""

from __future__ import annotations

import re
import string

import pytest
from parsed import Parsed
from samples import citation, make_answer

from rag import Document
from rag.load.files import make_document
from ui.chat import render
from ui.chat.article import article
from ui.chat.conversations import Turn
from ui.chat.export import exported, markdown_answer
from ui.chat.reading import as_read

TEXT = """\
# Harbour **report** 2024

The *council* of [Harborough](https://example.org/a_(b) "Its page") voted to reopen the **swing bridge**,
which has been closed. "Great," said Ann &amp; Bob \\*today\\*.

Costs
-----

- Repairs cost **4.2 million** euros
  in all.
- Half is paid by `the county`.

3. Third
4. Fourth

> We waited
> for *years*.

| What | Cost |
|------|------|
| Bridge | 4 |
| Pier a\\|b | 4 |

```
a = 1
b = 2
```
Ends ~~never~~ in [June][1].\\
See <https://example.org/c>.

***

[1]: https://example.org/june
"""


def shown(text: str, quote: str = "", source: str = "a.md") -> Parsed:
    document = make_document(text, source)
    start = document.text.index(quote)
    return Parsed(article(document, start, start + len(quote)))


def test_structure_is_shown() -> None:
    html = shown(TEXT)
    assert html.find("h2") == ["Harbour report 2024"] and html.find("h3") == ["Costs"]
    assert html.find("strong") == ["report", "swing bridge", "4.2 million"] and html.find("em") == ["council", "years"]
    assert [text.strip() for text in html.find("li")] == [
        "Repairs cost 4.2 million euros in all.",
        "Half is paid by the county.",
        "Third",
        "Fourth",
    ]
    assert (
        html.elements("ol")[0]["start"] == "3" and html.find("code") == ["the county"] and html.find("s") == ["never"]
    )
    assert html.find("td") == ["Bridge", "4", "Pier a|b", "4"] and html.find("pre") == ["a = 1\nb = 2\n"]
    assert [a["href"] for a in html.elements("a")] == [
        "https://example.org/a_(b)",
        "https://example.org/june",
        "https://example.org/c",
    ]
    assert all(a["rel"] == "noopener noreferrer nofollow" and a["target"] == "_blank" for a in html.elements("a"))


def test_text_files_are_shown_as_they_are() -> None:
    html = shown(TEXT, source="a.txt")
    assert not html.tags.keys() & {"strong", "em", "h3", "a", "code"} and "**swing bridge**" in html.text


@pytest.mark.parametrize(
    ("quote", "marks"),
    [
        ('"Great," said Ann &amp; Bob \\*today\\*.', ['"Great," said Ann & Bob *today*.']),
        (
            'The *council* of [Harborough](https://example.org/a_(b) "Its page") voted to reopen the **swing '
            "bridge**,\nwhich has been closed.",
            [
                "The ",
                "council",
                " of ",
                "Harborough",
                " voted to reopen the ",
                "swing bridge",
                ", which has been closed.",
            ],
        ),
        ("Half is paid by `the county`.", ["Half is paid by ", "the county", "."]),
        ("We waited\n> for *years*.", ["We waited for ", "years", "."]),
        ("Pier a\\|b", ["Pier a|b"]),
        ("b = 2", ["b = 2"]),
        ("**report** 2024", ["report", " 2024"]),
        ("in [June][1].", ["in ", "June", "."]),
        ("See <https://example.org/c>.", ["See ", "https://example.org/c", "."]),
    ],
)
def test_sentence_is_marked_where_it_stands(quote: str, marks: list[str]) -> None:
    assert shown(TEXT, quote).find("mark") == marks


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_marks_of_every_place_are_its_words(line_end: str) -> None:
    text = TEXT.replace("\n", line_end)
    document = make_document(text, "a.md")
    for word in re.finditer("[A-Za-z]{3,}", text):
        html = Parsed(article(document, word.start(), word.end()))
        around = text[: word.start()].rsplit(line_end, 1)[-1]
        if "](" in around or "https:" in around or around.startswith("[1]") or word[0] == "amp":
            continue  # the address of a link
        assert html.find("mark") == [word[0]], (word[0], word.start())


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)> <b>x</b>",
        "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,x) [d](vbscript:x)",
        "[e](/admin) [f](//h.example) [g](ftp://h.example) [h](#here)",
        "![x](https://example.org/spy.png) ![y](javascript:alert(1))",
        '[a](https://example.org/"onmouseover="alert(1)) <javascript:alert(1)>',
        "```html\n<script>alert(1)</script>\n```",
        "# <img src=x onerror=alert(1)>\n\n| <b>x</b> |\n|---|\n| <i>y</i> |",
        "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62;",
        "[x]: javascript:alert(1)\n\n[x]",
    ],
)
def test_nothing_of_an_article_becomes_html_that_acts(text: str) -> None:
    html = shown(f"Title\n\n{text}")
    assert not html.tags.keys() & {"script", "img", "b", "i", "iframe", "style"}
    assert not [name for name, _ in html.attributes if name.startswith("on") or name in ("style", "src")]
    for link in html.elements("a"):
        assert link["href"].startswith(("https://", "http://", "mailto:"))


@pytest.mark.parametrize(
    "text", ["*" * 3000, "[" * 3000, "> " * 3000 + "x", "- " * 3000, "`" * 3001, "|" * 3000 + "\n|-"]
)
def test_nesting_and_nonsense_stay_text(text: str) -> None:
    assert "dl-text" in article(make_document(f"Title\n\n{text} end {string.ascii_letters}", "a.md"), 5, 40)


def test_very_long_article_is_shown_as_plain_text() -> None:
    html = shown("# Title\n\n" + "A *word* or two. " * 20_000)
    assert "*word*" in html.text and not html.tags["em"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            "The **swing bridge**,\nwhich [opens](https://example.org) &amp; closes.",
            "The swing bridge, which opens & closes.",
        ),
        ("## Costs\n\n- Repairs cost `4`", "Costs Repairs cost 4"),
        ("1986. That was long ago.", "1986. That was long ago."),
        ("> We waited\n> for *years*.", "We waited for years."),
        ("5 * 3 * 2 and snake_case_name", "5 * 3 * 2 and snake_case_name"),
        ("<b>x</b> ![a picture](https://example.org/x.png)", "<b>x</b> a picture"),
    ],
)
def test_quote_is_read_without_markup(text: str, read: str) -> None:
    assert as_read(text, "notes/a.MD") == read
    assert as_read("**x**", "a.txt") == "**x**"


def cited(text: str, quote: str, said: str) -> tuple[Document, Turn]:
    document = make_document(text, "wire.zip!/a.md")
    return document, Turn("How much?", make_answer("How much?", said, [citation(1, document, quote, 0.9)]))


def test_cards_and_answers_show_words_and_the_citation_stays_verbatim() -> None:
    document, turn = cited(
        TEXT, "Repairs cost **4.2 million** euros\n  in all.", "Repairs cost **4.2 million** euros in all. [1]"
    )
    html = Parsed(render.turn(turn))
    assert html.find("dl-quote") == ["Repairs cost 4.2 million euros in all."]
    assert html.find("dl-answer") == ["Repairs cost 4.2 million euros in all. [1]"]
    assert html.find("dl-title") == ["Harbour report 2024"] and "**" not in html.find("dl-tip")[0]
    assert turn.answer
    (c,) = turn.answer.citations
    assert document.text[c.start : c.end] == c.quote and "**" in c.quote
    assert (html.elements("dl-marker")[0]["data-start"], html.elements("dl-marker")[0]["data-end"]) == (
        str(c.start),
        str(c.end),
    )


def test_copies_and_exports_have_the_words_and_json_the_quote() -> None:
    from ui.chat.conversations import Conversation

    _, turn = cited(TEXT, "Repairs cost **4.2 million** euros\n  in all.", "**4.2 million** [1]")
    assert "Repairs cost 4.2 million euros in all." in markdown_answer(turn) and "\\*" not in markdown_answer(turn)
    for kind in ("markdown", "html"):
        assert (file := exported(Conversation([turn]), kind)) and "Repairs cost 4.2 million euros" in file["text"]
        assert "**" not in file["text"].replace("\\*", "*")
    assert (file := exported(Conversation([turn]), "json")) and "**4.2 million** euros\\n" in file["text"]
