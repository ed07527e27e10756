"""CSV, JSON lines and JSON: which column is what, and bad rows among good ones."""

from __future__ import annotations

import json

import pytest

from rag import Document, DocumentError
from rag.load import charset
from rag.load.files import read_bytes
from rag.types import Note


def items(raw: bytes | str, name: str, **columns: str) -> list[Document | Note]:
    return list(read_bytes(raw.encode() if isinstance(raw, str) else raw, name, columns=columns or None))


def texts(found: list[Document | Note]) -> list[str]:
    return [item.text for item in found if isinstance(item, Document)]


def failures(found: list[Document | Note]) -> list[str]:
    return [item.text for item in found if isinstance(item, Note) and item.failed]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter: str) -> None:
    (read,) = items(f'Title{delimiter}Text\nRain{delimiter}"It rained, a lot; really.\nYes."\n', "a.csv")
    assert isinstance(read, Document) and (read.title, read.text) == ("Rain", "It rained, a lot; really.\nYes.")


@pytest.mark.parametrize(
    "header", ["headline,BODY", "Title,full text", "\ufefftitle,content", "heading,articleBody", " Title , article "]
)
def test_usual_names_of_columns(header: str) -> None:
    (read,) = items(f"{header}\nRain,It rained.\n", "a.csv")
    assert isinstance(read, Document) and (read.title, read.text) == ("Rain", "It rained.")


def test_columns_that_are_named() -> None:
    raw = "text,Überschrift,Inhalt,when\nno,Regen,Es regnete.,2024-07-12\n"
    (read,) = items(raw, "a.csv", text="inhalt", title="Überschrift", date="when")
    assert isinstance(read, Document)
    assert (read.title, read.text, read.date) == ("Regen", "Es regnete.", "2024-07-12")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_without_a_text_column_the_error_lists_what_there_is(name: str) -> None:
    raw = "id,kopf\n1,Regen\n" if name == "a.csv" else '{"id": "1", "kopf": "Regen"}\n'
    with pytest.raises(DocumentError, match=r"there are: id, kopf\); name it: --columns text=NAME"):
        items(raw, name)
    with pytest.raises(DocumentError, match="text=NAME"):
        items(raw, name, text="Inhalt")
    with pytest.raises(DocumentError, match="no column 'body' to map; map some of text, title, date"):
        items(raw, name, body="kopf")


def test_a_column_without_a_name_is_none_of_them() -> None:
    (read,) = items(",text\n1,It rained.\n", "a.csv")
    assert isinstance(read, Document) and (read.text, read.author, read.title) == ("It rained.", "", "It rained.")


def test_bad_rows_are_told_by_their_line_and_the_others_go_on() -> None:
    raw = b'title,text\nA,"Two\nlines."\nB,too,many\nC,\xff\xfe caf\xc3\xa9\nD,\nE,\x00\nF,It rained.\n'
    found = items(raw, "a.csv")
    assert texts(found) == ["Two\nlines.", "It rained."]
    assert [d.source for d in found if isinstance(d, Document)] == ["a.csv!/2", "a.csv!/8"]
    assert [text.split(" (")[0] for text in failures(found)] == [
        "line 4: has 3 cells, but there are 2 columns",
        "line 5 is no UTF-8 text",
        "line 6 has no text",
        "line 7 has no text",
    ]


def test_a_quote_that_is_left_open_ends_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    import csv

    before = csv.field_size_limit(1000)
    monkeypatch.setattr("rag.load.formats.rows.MAX_LINE", 1000)
    try:
        found = items('title,text\nA,"' + "It rained.\n" * 200 + "B,It shone.\n", "a.csv")
    finally:
        csv.field_size_limit(before)
    assert texts(found) == ["It shone."]
    assert failures(found)[0] == "line 2: the row that starts here is too long or broken (a quote that is not closed?)"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_line_that_is_too_long_is_passed_over(name: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charset, "MAX_LINE", 1000)
    if name == "a.csv":
        raw = f"title,text\nA,It rained.\nB,{'x' * 200_000}\nC,It shone.\n"
    else:
        raw = f'{{"text": "It rained."}}\n{{"text": "{"x" * 200_000}"}}\n{{"text": "It shone."}}\n'
    found = items(raw.encode(encoding), name)
    assert texts(found) == ["It rained.", "It shone."]
    assert len(failures(found)) == 1 and "is longer than" in failures(found)[0]


def test_failures_are_counted_after_twenty() -> None:
    found = items("title,text\n" + "A,\n" * 30 + "B,It rained.\n", "a.csv")
    assert texts(found) == ["It rained."]
    told = failures(found)
    assert len(told) == 21 and told[0] == "line 2 has no text" and told[-1] == "and 10 more that failed"


def test_dates_that_are_not_understood_are_told_once() -> None:
    found = items("text,date\nA.,05/06/2024\nB.,2024-07-12\nC.,soon\n", "a.csv")
    assert [d.date for d in found if isinstance(d, Document)] == ["", "2024-07-12", ""]
    assert found[-1] == Note("a.csv", "the date '05/06/2024' (and 1 more) is not understood and left out", failed=False)
    assert len(found) == 4


def test_values_of_json() -> None:
    entry = {
        "headline": "Rain",
        "content": "<p>It <b>rained</b>.</p><p>A lot.</p>",
        "publishedAt": 1720778400,  # 2024-07-12 10:00 UTC
        "source": {"id": None, "name": "The Paper"},
        "authors": ["A", {"name": "B"}, None, 3],
        "lang": "en-GB",
        "url": None,
    }
    (read,) = items(json.dumps(entry), "a.jsonl")
    assert isinstance(read, Document)
    assert (read.title, read.text, read.date) == ("Rain", "It rained.\n\nA lot.", "2024-07-12T10:00:00+00:00")
    assert (read.publisher, read.author, read.language, read.url) == ("The Paper", "A, B", "en", "")


def test_characters_that_json_can_say_but_text_cannot_hold() -> None:
    (read,) = items(r'{"text": "It \u0000rained \ud800 here\r\nand there."}', "a.jsonl")
    assert texts([read]) == ["It rained \ufffd here\nand there."]


def test_lines_that_are_no_articles() -> None:
    found = items('{"text": "It rained."}\n{broken\n[1]\n\n{"id": 1}\n' + "[" * 100_000 + "\n", "a.jsonl")
    assert texts(found) == ["It rained."]
    assert sorted(text.split(" (")[0] for text in failures(found)) == [
        "line 2 is no JSON",
        "line 3 is no JSON object",
        "line 5 has no text",
        "line 6 is no JSON",
    ]


@pytest.mark.parametrize(
    ("raw", "sources"),
    [
        ('{"text": "It rained."}', ["a.json"]),
        ('[{"text": "It rained."}, {"text": "It shone."}]', ["a.json!/1", "a.json!/2"]),
        ('{"n": 1, "articles": [{"text": "It rained."}]}', ["a.json!/1"]),
    ],
)
def test_shapes_of_json(raw: str, sources: list[str]) -> None:
    assert [item.source for item in items(raw, "a.json")] == sources


def test_json_lines_under_the_name_of_json() -> None:
    note, first, second = items('{"text": "It rained."}\n{"text": "It shone."}\n', "a.json")
    assert note == Note("a.json", "read as JSON lines, which it is", failed=False)
    assert [first.source, second.source] == ["a.json!/1", "a.json!/2"]


@pytest.mark.parametrize("raw", ["[1, 2]", "[]", "3", '"text"'])
def test_json_without_articles(raw: str) -> None:
    try:
        found = items(raw, "a.json")
    except DocumentError as error:
        assert "holds no article" in str(error)
    else:
        assert failures(found) and not texts(found)


def test_a_table_of_another_encoding() -> None:
    rows = "".join(f"Été {n};Le président a déclaré que l’été serait très chaud à Paris, dit-il.\n" for n in range(3))
    note, *found = items(f"titre;text\n{rows}".encode("cp1252"), "a.csv")
    assert note == Note("a.csv", "read as cp1252 (detected)", failed=False)
    assert texts(found) == ["Le président a déclaré que l’été serait très chaud à Paris, dit-il."] * 3
