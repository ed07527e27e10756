"""What a file is: by its first bytes, else by its name."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from broken import SAMPLES, nested, zipped
from fakes import ROOT

from rag import Document, DocumentError
from rag.load.article import Article, Budget, Input
from rag.load.files import read_bytes
from rag.load.formats import kinds
from rag.load.zip_archive import Archive
from rag.types import Note


@pytest.mark.parametrize(
    ("sample", "name", "kind"),
    [
        ("bridge.pdf", "a.txt", "PDF"),
        ("bridge.docx", "a.pdf", "Word"),
        ("week.epub", "a.zip", "EPUB"),
        ("week.zip", "a.docx", "zip"),
        ("bridge.html", "a.pdf", "HTML"),
        ("bridge.html", "a.json", "HTML"),
        ("week.rss", "a.html", "feed"),
        ("week.atom", "a.csv", "feed"),
        ("week.mbox", "a.eml", "mailbox"),
    ],
)
def test_a_wrong_name(sample: str, name: str, kind: str) -> None:
    raw = (SAMPLES / sample).read_bytes()
    note, *found = read_bytes(raw, name)
    assert note == Note(name, f"read as {kind}, which it is, and not as its name says", failed=False)
    right = [item for item in read_bytes(raw, sample) if isinstance(item, Document)]
    assert [d.id for d in found if isinstance(d, Document)] == [d.id for d in right]


@pytest.mark.parametrize("sample", ["bridge.pdf", "bridge.docx", "week.zip"])
def test_a_name_without_a_suffix_says_nothing(sample: str) -> None:
    raw = (SAMPLES / sample).read_bytes()
    assert all(isinstance(item, Document) for item in read_bytes(raw, "upload"))


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Office file (.doc, .xls), a mail of Outlook (.msg) or locked"),
        (b"\x89PNG\r\n\x1a\n", "is a picture"),
        (b"\xff\xd8\xff\xe0", "is a picture"),
        (b"\x1f\x8b\x08", "is packed with gzip; unpack it"),
        (b"7z\xbc\xaf\x27\x1c", "is packed with 7-Zip"),
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".pdf", ".docx", ".csv"])
def test_what_is_not_read_is_named(start: bytes, said: str, suffix: str) -> None:
    with pytest.raises(DocumentError) as caught:
        list(read_bytes(start + bytes(100), f"a{suffix}"))
    assert said in str(caught.value)


@pytest.mark.parametrize(("suffix", "kind"), [(".pdf", "PDF"), (".docx", "Word"), (".epub", "EPUB"), (".zip", "zip")])
def test_text_under_the_name_of_another_format(suffix: str, kind: str) -> None:
    with pytest.raises(DocumentError, match=f"is no {kind} file, or its start is missing"):
        list(read_bytes(b"It rained in Harborough.", f"a{suffix}"))


def test_a_text_about_markup_stays_a_text() -> None:
    raw = (SAMPLES / "bridge.html").read_bytes()
    (read,) = read_bytes(raw, "a.txt")
    assert read.text.encode() == raw


@pytest.mark.parametrize(
    "start",
    [b"", b" \n" * 50, b"<?xml version='1.0'?>\n<!-- a > b -->\n<?style x?>", b"<!-- <rss> -->" * 100, b"\xef\xbb\xbf"],
)
def test_what_may_stand_before_the_first_element(start: bytes) -> None:
    raw = start + b"<rss version='2.0'><channel><item><title>Rain</title></item></channel></rss>"
    note, *_ = read_bytes(raw, "a.csv")
    assert isinstance(note, Note) and note.text.startswith("read as feed")


@pytest.mark.parametrize(
    "start", [b" " * 5000, b"<!--" * 1200, b"<?" * 2000, b"<!-- -->" * 500 + b"x", b"<!---->\n" * 900]
)
def test_starts_that_take_a_careless_pattern_for_ever(start: bytes) -> None:
    try:
        assert not any(isinstance(item, Document) for item in read_bytes(start, "a.csv"))
    except DocumentError as error:
        assert "a.csv" in str(error)


def test_suffixes_are_read_in_capitals() -> None:
    (read, *_) = read_bytes(nested(0), "A.ZIP")
    assert read.source == "A.ZIP!/deep.txt"


@pytest.mark.parametrize("suffix", ["", *sorted({Path(p.name).suffix for p in SAMPLES.iterdir()})])
def test_nothing_and_nul_bytes(suffix: str) -> None:
    for raw, said in ((b"", "is empty"), (bytes(10), "NUL bytes"), (bytes(100_000), "NUL bytes")):
        with pytest.raises(DocumentError, match=said):
            list(read_bytes(raw, f"a{suffix}"))


def test_no_library_is_loaded_before_a_file_needs_it() -> None:
    heavy = ("trafilatura", "lxml", "pypdfium2", "docx", "feedparser", "yaml", "charset_normalizer", "py3langid")
    code = f"import sys, rag.load.files; print(*(m for m in {heavy} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "\n"


def test_a_zip_based_format_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(file: Input) -> Iterator[Article]:
        yield Article(Archive(file).read("content.xml", 100).decode())

    row = kinds.Kind("ODT", (".odt",), read, binary=True, member="content.xml")
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, row))
    raw = zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "It rained in Harborough."})
    note, found = read_bytes(raw, "a.docx")
    assert note.text == "read as ODT, which it is, and not as its name says"
    assert found.text == "It rained in Harborough."


def test_of_two_formats_that_fit_the_first_counts() -> None:
    raw = zipped({"META-INF/container.xml": "<c/>", "word/document.xml": "<w/>"})
    kind, _ = kinds.find_kind(Input("a.zip", io.BytesIO(raw), Budget(len(raw))))
    assert kind.name == "Word"


@pytest.mark.parametrize(("name", "kind"), [("a.docx", "Word"), ("a.epub", "EPUB"), ("a.zip", "zip"), ("a.txt", "zip")])
def test_a_broken_archive_is_left_to_the_reader_of_its_name(name: str, kind: str) -> None:
    raw = zipped({"a.txt": "It rained."})[:40]
    assert kinds.find_kind(Input(name, io.BytesIO(raw), Budget(len(raw))))[0].name == kind
