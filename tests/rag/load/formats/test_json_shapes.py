"""JSON and CSV as other programs write them: wrapped lists, bodies of paragraphs, character references, `sep=;`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rag import Document
from rag.load.files import read_bytes
from rag.types import Note

PARAGRAPHS = [f"Paragraph {n} tells of the fair at Lund, where stall {n} sold {3 * n} pies." for n in range(1, 61)]
RAIN = {"title": "Rain", "text": "It rained."}
SUN = {"title": "Sun", "text": "It shone."}


def read(raw: bytes | str, name: str) -> list[Document]:
    raw = raw.encode() if isinstance(raw, str) else raw
    found = list(read_bytes(raw, name))
    assert not [item for item in found if isinstance(item, Note) and item.failed], found
    return [item for item in found if isinstance(item, Document)]


@pytest.mark.parametrize(
    "body",
    [
        PARAGRAPHS,
        [{"type": "paragraph", "text": text} for text in PARAGRAPHS],
        [{"text": text} for text in PARAGRAPHS],
        [{"type": "p", "content": [{"type": "text", "text": text}]} for text in PARAGRAPHS],
        {"type": "doc", "content": [{"type": "p", "content": [{"text": text}]} for text in PARAGRAPHS]},
        {"paragraphs": PARAGRAPHS},
        {"rendered": "".join(f"<p>{text}</p>" for text in PARAGRAPHS), "protected": False},
        "".join(f"<p>{text}</p>" for text in PARAGRAPHS),
        [f"<p>{text}</p>" for text in PARAGRAPHS],
        "\n\n".join(PARAGRAPHS),
        [[text] for text in PARAGRAPHS],
        [None, *PARAGRAPHS, "", {"type": "image", "src": "a.jpg"}],
    ],
)
@pytest.mark.parametrize("column", ["body", "text", "content", "article_body"])
def test_a_body_of_paragraphs_keeps_them_apart(body: Any, column: str) -> None:
    (one,) = read(json.dumps([{"title": "Fair at Lund", column: body}]), "a.json")
    assert (one.title, one.text.split("\n\n")) == ("Fair at Lund", PARAGRAPHS)


@pytest.mark.parametrize(
    ("value", "titles"),
    [
        ({"status": "ok", "tags": [{"name": "sport"}], "articles": [RAIN]}, ["Rain"]),
        ({"tags": [{"name": "sport"}], "meta": {"page": 1}, "items": [RAIN, SUN]}, ["Rain", "Sun"]),
        ({"response": {"docs": [RAIN, SUN], "facets": [{"name": "x"}]}}, ["Rain", "Sun"]),
        ({"response": {"results": {"items": [RAIN]}}}, ["Rain"]),
        ({"content": [RAIN, SUN], "total": 2}, ["Rain", "Sun"]),
        ({"article": RAIN}, ["Rain"]),
        ({"data": {"article": RAIN, "related": [{"name": "x"}]}}, ["Rain"]),
        ({"17": RAIN, "18": SUN}, ["Rain", "Sun"]),
        ([RAIN, SUN], ["Rain", "Sun"]),
        (RAIN, ["Rain"]),
        ({"authors": [{"name": "Ada Kern"}], **RAIN}, ["Rain"]),
        ({"posts": [{"title": {"rendered": "Rain"}, "content": {"rendered": "<p>It rained.</p>"}}]}, ["Rain"]),
        ({"articles": [{"text": "It rained."}]}, ["It rained."]),
    ],
)
def test_articles_in_wrappers(value: Any, titles: list[str]) -> None:
    found = read(json.dumps(value), "a.json")
    assert [one.title for one in found] == titles
    assert [one.text for one in found] == ["It rained.", "It shone."][: len(titles)]


PRETTY = json.dumps(RAIN, indent=2)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson"])
@pytest.mark.parametrize(
    "raw",
    [
        f"{json.dumps(RAIN)}\n{json.dumps(SUN)}\n",
        f"\n\n{json.dumps(RAIN)}\n{json.dumps(SUN)}",
        f"\ufeff{json.dumps(RAIN)}\r\n{json.dumps(SUN)}\r\n",
        json.dumps([RAIN, SUN]),
        json.dumps([RAIN, SUN], indent=2),
        f"[{json.dumps(RAIN)},\n{json.dumps(SUN)}]",
        json.dumps({"articles": [RAIN, SUN]}, indent=1),
    ],
)
def test_lines_and_lists_under_either_name(raw: str, name: str) -> None:
    assert [one.text for one in read(raw, name)] == ["It rained.", "It shone."]


@pytest.mark.parametrize("between", ["\n", "", ",\n", "\n\n", "\x1e"])
def test_objects_over_several_lines_one_after_another(between: str) -> None:
    raw = between.join([PRETTY, json.dumps(SUN, indent=2)])
    assert [one.text for one in read(raw, "a.json")] == ["It rained.", "It shone."]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Caf&eacute; owner Ren&eacute;e O&#8217;Hara", "Café owner Renée O’Hara"),
        ("a &quot;new tax&quot; of 5&nbsp;%", 'a "new tax" of 5\u00a0%'),
        ("&lsquo;too much&rsquo;", "‘too much’"),
        ("AT&amp;T paid &#163;4 &#x2013; or &pound;5", "AT&T paid £4 – or £5"),
        ("Fish & chips; R&D; AT&T", "Fish & chips; R&D; AT&T"),
        ("a < b &lt; c", "a < b < c"),
        ("&hellip;and so on", "…and so on"),
        ("Z&uuml;rich&shy;berg", "Zürichberg"),
        ("<p>Caf&eacute;</p>", "Café"),
        ("It costs 5&euro;", "It costs 5€"),
        ("&unknown; stays", "&unknown; stays"),
    ],
)
def test_character_references_without_markup(said: str, text: str) -> None:
    for raw, name in (
        (json.dumps([{"title": said, "text": said}]), "a.json"),
        (json.dumps({"title": said, "text": said}), "a.jsonl"),
        (f'title|text\n"{said.replace(chr(34), chr(34) * 2)}"|"{said}"\n', "a.csv"),
    ):
        (one,) = read(raw, name)
        assert one.text == text and one.title == " ".join(text.split())


ROWS = [
    ("Brücke gesperrt", "The bridge was closed, after divers found cracks; 9,200 drivers go round."),
    ("Bad", "Open, at 3,50; yes."),
]


@pytest.mark.parametrize(
    ("said", "delimiter"),
    [
        ("sep=;", ";"),
        ("sep=,", ","),
        ("sep=\t", "\t"),
        ("sep=|", "|"),
        ('"sep=;"', ";"),
        ("SEP=;", ";"),
        ("sep=:", ":"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_first_line_that_excel_writes(said: str, delimiter: str, end: str, encoding: str) -> None:
    lines = [said, f"Title{delimiter}Date{delimiter}Text"]
    lines += [f'"{title}"{delimiter}2024-03-04{delimiter}"{text}"' for title, text in ROWS]
    found = read((end.join(lines) + end).encode(encoding), "a.csv")
    assert [(one.title, one.text, one.date) for one in found] == [(*row, "2024-03-04") for row in ROWS]
    assert [one.source for one in found] == ["a.csv!/3", "a.csv!/4"]


def test_names_of_a_list_once_and_titles_without_the_site() -> None:
    entry = {
        "title": "Rain | Harbour Post",
        "text": "It rained.",
        "source": {"name": "Harbour Post"},
        "authors": ["Ada Kern", {"name": "ADA KERN"}, "Omar Saleh"],
    }
    (one,) = read(json.dumps(entry), "a.json")
    assert (one.title, one.publisher, one.author) == ("Rain", "Harbour Post", "Ada Kern, Omar Saleh")
