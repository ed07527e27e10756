"""Files to documents: the text exactly as read, its title, and one-line errors for what is no article."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fakes import SEEDS
from hypothesis import given
from hypothesis import strategies as st

from rag import Document, DocumentError
from rag.load.files import MAX_BYTES, SUFFIXES, make_document, make_title, read, read_bytes
from rag.types import Note

BOM = b"\xef\xbb\xbf"


def load(path: Path) -> Document:
    (document,) = read(path, path.name)
    assert isinstance(document, Document)
    return document


def refused(path: Path) -> str:
    with pytest.raises(DocumentError) as caught:
        list(read(path, path.name))
    text = str(caught.value)
    assert path.name in text and "\n" not in text and ";" in text  # one line, with what to do next
    return text


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("000_b95b2d4529eda406.txt", "Biden to Work with Mexico's Lopez Obrador for 'New Approach' on Immigration"),
        ("001_ff74722ee32df878.txt", "Biden to work with Mexico's Obrador on new approach to migration issues"),
        ("004_d766dd8d898e2609.txt", "Biden and Lopez Obrador meet to reset US-Mexico relations"),
    ],
)
def test_seed_with_a_headline(name: str, title: str) -> None:
    assert load(SEEDS / name).title == title


@pytest.mark.parametrize("name", ["002_1d1490237fbc433b.txt", "003_ab779828a3a3face.txt"])
def test_seed_without_a_headline_is_cut_at_a_word(name: str) -> None:
    document = load(SEEDS / name)
    start = document.title.removesuffix("…")
    assert document.title.endswith("…") and len(start) <= 80
    assert document.text.startswith(start + " ")  # the cut stands at the end of a word


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.txt")), ids=lambda path: path.name[:3])
def test_seed_is_read_exactly(path: Path) -> None:
    document = load(path)
    raw = path.read_bytes()
    assert document.text.encode() == raw
    assert document.id == hashlib.sha256(raw).hexdigest()
    assert (document.source, document.language, document.date) == (path.name, "en", "")
    assert document.path == str(path.resolve())


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Storm hits coast\n\nIt rained.", "Storm hits coast"),
        ("\n\n  Storm   hits\tcoast \nIt rained.", "Storm hits coast"),
        ("# Storm hits coast\n\nIt rained.", "Storm hits coast"),
        ("It rained.", "It rained."),
        ("Will it rain?\n\nNobody knows.", "Will it rain?"),
        ("It rained on Monday.\nIt did not on Tuesday.", "It rained on Monday"),
        # 80 characters are kept at most: 16 words of five characters with their spaces, less the last space
        ("abcd " * 40 + "end.", "abcd " * 15 + "abcd…"),
        ("x" * 300, "x" * 80 + "…"),
        ("# \n\nIt rained.", "It rained."),
    ],
)
def test_title(text: str, title: str) -> None:
    assert make_title(text) == title


@pytest.mark.parametrize("text", ["#", "###\n##\n", ",", "…", "#" * 500, "- " * 100])
def test_no_title_is_empty(text: str) -> None:
    assert make_document(text, "a.txt").title.strip()


def test_what_the_file_says_is_kept() -> None:
    document = make_document(
        "It rained.", "a.txt", title="Storm", date="2024-07-12", author="A", url="https://x.example"
    )
    assert (document.title, document.date, document.author, document.url) == (
        "Storm",
        "2024-07-12",
        "A",
        "https://x.example",
    )
    assert document.id == make_document("It rained.", "b.txt").id  # the text alone makes the identity


def test_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(BOM + "Café opens.".encode())
    assert load(path).text == "Café opens."


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_with_a_mark(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(("\ufeff" + "Café opens.").encode(encoding))
    assert load(path).text == "Café opens."


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_line_endings_stay_so_offsets_hold(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "a.txt"
    text = f"Storm hits coast{ending}{ending}It rained.{ending}"
    path.write_bytes(text.encode())
    document = load(path)
    assert document.text == text
    # "Storm hits coast" has 16 characters, then two line endings
    assert document.text[16 + 2 * len(ending) :].startswith("It rained.")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"It rained.\xff", "not UTF-8 text (byte 10)"),
        (b"\xff\xfea\x00b", "not UTF-16 text"),  # half a character of UTF-16
        (b"It\x00rained.", "holds NUL characters"),
        (bytes(5000), "nothing but NUL bytes"),
        *((raw, "is empty") for raw in (b"", b" \r\n\t", BOM, b"\xff\xfe", BOM + b"\n")),
    ],
)
def test_what_is_no_text(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(raw)
    assert said in refused(path)


def test_missing_and_folders(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refused(tmp_path / "no.txt")
    assert "cannot be read" in refused(tmp_path)


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("It rained.", encoding="utf-8")
    path.chmod(0)
    if os.access(path, os.R_OK):  # permissions do not hold for root

        def denied(self: Path, *_: Any) -> None:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "open", denied)
    assert "Permission denied" in refused(path)


def test_a_file_that_breaks_off_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before stands, and the reader learns that there was more."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "It rained."}\n' * 2, encoding="utf-8")

    def broken(self: Any, *_: Any) -> Any:
        yield '{"text": "It rained."}', ""
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("rag.load.formats.rows.lines", broken)
    items = read(path, path.name)
    assert isinstance(next(items), Document)
    with pytest.raises(DocumentError, match="Input/output error"):
        next(items)


def test_a_reader_that_is_left_leaves_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name in ("a.txt", "b.txt"):
            packed.writestr(name, "It rained.")
    opened = []
    really_open = Path.open
    monkeypatch.setattr(Path, "open", lambda *a, **k: opened.append(really_open(*a, **k)) or opened[-1])
    items = read(path, path.name)
    next(items)
    assert [file.closed for file in opened] == [False]
    items.close()  # type: ignore[attr-defined]
    assert [file.closed for file in opened] == [True]


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.write(b"It rained.")
        file.truncate(MAX_BYTES + 1)  # sparse: takes no space
    assert "larger than 50 MB" in refused(path)


def test_a_file_that_is_named_may_have_any_suffix(tmp_path: Path) -> None:
    path = tmp_path / "article.text"
    path.write_text("It rained.", encoding="utf-8")
    assert load(path).text == "It rained."


@given(st.text(st.characters() | st.sampled_from("#.,;… \n\r\t\x85\u2028\x1c")).filter(str.strip))
def test_any_text_has_a_title_of_one_line(text: str) -> None:
    document = make_document(text, "a.txt")
    assert document.text == text
    assert len(document.title.splitlines()) == 1 and document.title.strip() == document.title
    assert len(document.title) <= 200
    assert make_document(text, "b.txt").id == document.id


STARTS = (
    b"",
    b"%PDF-1.7\n", b"PK\x03\x04", b"From a Tue Mar  5 11:00:00 2024\n", b"Subject: x\n\n", b"<html><p>", b"<rss><item>",
    b"---\ntitle: x\n---\n", b'{"text": "x"}\n', b"text,title\n", b"\xff\xfe", BOM, b"{\\rtf",
)  # fmt: skip


@given(st.sampled_from(STARTS), st.binary(max_size=300), st.sampled_from([*SUFFIXES, ".doc", ""]))
def test_any_bytes_are_articles_notes_or_an_error_of_one_line(start: bytes, rest: bytes, suffix: str) -> None:
    said = []
    try:
        for item in read_bytes(start + rest, f"a{suffix}", f"/x/a{suffix}"):
            assert isinstance(item, Document | Note)
            said.append(item)
            assert item.source == f"a{suffix}" or item.source.startswith(f"a{suffix}!/")
            if isinstance(item, Document):
                assert item.path == f"/x/{item.source}" and item.text.strip() and "\0" not in item.text
            else:
                assert "\n" not in item.text
    except DocumentError as error:
        assert "\n" not in str(error)
    else:
        assert any(isinstance(item, Document) or item.failed for item in said)


def test_a_stream_of_bytes_is_a_file_like_any_other() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr("day/a.txt", "It rained.")
    (document,) = read_bytes(target.getvalue(), "upload.zip")
    assert isinstance(document, Document)
    assert (document.source, document.path, document.text) == ("upload.zip!/day/a.txt", "", "It rained.")
