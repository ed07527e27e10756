"""One bad item of a file never costs the others: it is read all the same, or is one note."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from html import escape
from typing import Any

import pytest
from broken import SAMPLES, zipped

from rag import Document, DocumentError
from rag.load import contain, worker_process
from rag.load.article import BombError, Budget, Input
from rag.load.files import read, read_bytes
from rag.load.formats import epub, feed, html
from rag.load.formats.html import prose
from rag.types import Note

CASES = SAMPLES.parent / "reading"
OPENS, TICKETS, FERRY = "The bridge opens on 9 May.", "Tickets cost 12 euros.", "The ferry stops on 8 May."


def texts(items: Iterator[Document | Note]) -> list[str]:
    found = list(items)
    assert all(isinstance(item, Document) or not item.failed for item in found), found
    return [item.text for item in found if isinstance(item, Document)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("outlook.eml", ["The harbour bridge of Tessin opens on 9 May.\n\nTickets cost 12 euros."]),
        (
            "outlook.mbox",
            [
                "The first message says that the bridge opens on 9 May.",
                "The harbour bridge of Tessin opens on 9 May.\n\nTickets cost 12 euros.",
                "The third message says that tickets cost 12 euros.",
            ],
        ),
        (
            "word-pasted.rss",
            [
                "The bridge opens on 9 May, said the mayor.",
                "Tickets cost 12 euros.",
                "The ferry stops on 8 May after ninety years.",
            ],
        ),
        (
            "rows.csv",
            [
                "The harbour bridge of Tessin opens on 9 May, said the mayor.",
                "Tickets cost 12 euros, said the mayor of Tessin.",
                "The ferry of Tessin stops on 8 May after ninety years.",
            ],
        ),
        (
            "lines.json",
            [
                "The harbour bridge of Tessin opens on 9 May and tickets cost 12 euros.",
                "The ferry of Tessin stops on 8 May after ninety years on the lake.",
            ],
        ),
    ],
)
def test_files_that_failed(name: str, expected: list[str]) -> None:
    assert texts(read(CASES / name, name)) == expected


def message(text: str, kind: str = "text/html") -> str:
    return f"From a@b.example Tue Mar  5 11:00:00 2024\nSubject: x\nContent-Type: {kind}\n\n{text}\n\n"


def entry(text: str) -> str:
    return f"<item><title>x</title><description>{escape(text)}</description></item>"


def book(*chapters: str) -> bytes:
    items = [f"<item id='c{n}' href='c{n}.xhtml' media-type='application/xhtml+xml'/>" for n in range(len(chapters))]
    order = "".join(f"<itemref idref='c{n}'/>" for n in range(len(chapters)))
    pages = {f"c{n}.xhtml": f"<html><body>{chapter}</body></html>" for n, chapter in enumerate(chapters)}
    package = f"<package><manifest>{''.join(items)}</manifest><spine>{order}</spine></package>"
    return zipped({epub.MEMBER: "<c><rootfile full-path='p.opf'/></c>", "p.opf": package} | pages)


# Containers of three items each, made from three pieces of markup.
CONTAINERS: dict[str, Any] = {
    "box.mbox": lambda *said: "".join(map(message, said)).encode(),
    "rows.csv": lambda *said: ("text\n" + "".join('"' + s.replace('"', '""') + '"\n' for s in said)).encode(),
    "rows.jsonl": lambda *said: "\n".join(json.dumps({"text": s}) for s in said).encode(),
    "rows.json": lambda *said: json.dumps([{"text": s} for s in said]).encode(),
    "feed.rss": lambda *said: f"<rss version='2.0'><channel>{''.join(map(entry, said))}</channel></rss>".encode(),
    "book.epub": book,
    "mails.zip": lambda *said: zipped({f"{n}.eml": message(s).split("\n", 1)[1] for n, s in enumerate(said)}),
}
MARKUP = [
    "<p>Tickets cost 12 euros.<o:p></o:p></p>",
    '<p class="MsoNormal">Tickets <st1:metricconverter w:st="on">cost 12 euros</st1:metricconverter>.</p>',
    "<p>Tickets cost <m:math><m:mn>12</m:mn></m:math> euros.</p>",
    "<p>Tickets cost <math><mn>12</mn><annotation encoding='tex'>\\mathrm{x}</annotation></math> euros.</p>",
    "<p>Tickets cost 12 euros.</p><svg:svg><svg:style>p {}</svg:style></svg:svg>",
    "<div><x:p>Tickets cost 12 euros.</x:p></div>",
    "<p>Tickets <a,b>cost</a,b> 12 euros.</p>",
    "<p @click='x' v-on:click.prevent='y' :class='z' [hidden]>Tickets cost 12 euros.</p>",
    "<p>Tickets cost 12 euros.<x:></x:></p>",
    "<p>Tickets <a:b:c>cost</a:b:c> 12 euros.</p>",
    "<p>Tickets cost 12 euros.</p><!-- <o:p> --><?xml:namespace prefix = o ns = 'urn:x' /?>",
    "<fb:like></fb:like><p>Tickets cost 12 <g-emoji>euros</g-emoji>.</p>",
]


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("markup", MARKUP)
def test_odd_tags_in_every_container(name: str, markup: str) -> None:
    raw = CONTAINERS[name](f"<p>{OPENS}</p>", markup, f"<p>{FERRY}</p>")
    assert texts(read_bytes(raw, name)) == [OPENS, TICKETS, FERRY]


@pytest.mark.parametrize("markup", [*MARKUP, "<html:p>Tickets cost 12 euros.</html:p><html:style>p</html:style>"])
def test_odd_tags_in_a_piece_of_markup(markup: str) -> None:
    assert prose(markup) == TICKETS


@pytest.mark.parametrize("name", [name for name in CONTAINERS if name != "feed.rss"])  # feeds: in the other process
@pytest.mark.parametrize(
    "error", [ValueError("odd"), RecursionError("deep"), KeyError("lost"), OSError(28, "no space")]
)
def test_any_error_of_one_item_is_one_note(name: str, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    headed = html.headed_prose_here

    def failing(raw: bytes) -> tuple[str, str]:
        if b"Tickets" in raw:
            raise error
        return headed(raw)

    monkeypatch.setattr(html, "headed_prose_here", failing)
    found = list(read_bytes(CONTAINERS[name](f"<p>{OPENS}</p>", f"<p>{TICKETS}</p>", f"<p>{FERRY}</p>"), name))
    assert [item.text for item in found if isinstance(item, Document)] == [OPENS, FERRY]
    (note,) = [item for item in found if isinstance(item, Note)]
    assert note.failed and "cannot be read" in note.text and "\n" not in note.text


def test_an_error_of_one_entry_is_one_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(markup: str) -> str:
        if "Tickets" in markup:
            raise ValueError("odd")
        return prose(markup)

    monkeypatch.setattr(feed, "prose", failing)
    raw = CONTAINERS["feed.rss"](OPENS, TICKETS, FERRY)
    first, note, last = feed.parse(Input("feed.rss", io.BytesIO(raw), Budget(len(raw))))
    assert (first.text, last.text) == (OPENS, FERRY)
    assert isinstance(note, Note) and "entry 2 cannot be read" in note.text


def test_an_unexpected_error_of_a_file_in_an_archive_is_one_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise ValueError("odd")

    monkeypatch.setattr(html, "extract_here", failing)
    raw = zipped({"a.txt": OPENS, "b.html": "<html>", "c.txt": FERRY})
    assert [item.source for item in read_bytes(raw, "a.zip") if isinstance(item, Document)] == [
        "a.zip!/a.txt",
        "a.zip!/c.txt",
    ]
    with pytest.raises(DocumentError, match=r"b.html cannot be read|b.html cannot be understood"):
        list(read_bytes(b"<html>", "b.html"))


def test_a_bomb_and_a_lack_of_memory_end_the_file() -> None:
    def raising(error: Exception) -> Iterator[str]:
        raise error
        yield

    for error in (BombError("x"), MemoryError()):
        with pytest.raises(type(error)):
            list(contain.contained("a", "", raising, error))


def test_the_process_of_the_parsers_survives_an_unexpected_error() -> None:
    said = worker_process._answer("page", b"\xff", {"source": "a.html", "url": None})
    assert said["problem"].startswith("a.html cannot be read (UnicodeDecodeError: ")
