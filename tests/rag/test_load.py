"""Files to documents: the text exactly as read, its title, and one-line errors for what is no article."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from fakes import SEEDS
from hypothesis import given
from hypothesis import strategies as st

from rag import DocumentError
from rag.load import MAX_BYTES, decode, find_files, load, make_document, make_title

BOM = b"\xef\xbb\xbf"


def refused(path: Path) -> str:
    with pytest.raises(DocumentError) as caught:
        load(path)
    text = str(caught.value)
    assert str(path) in text and "\n" not in text
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
    assert document.source == path.name
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


def test_invalid_utf8_names_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"It rained.\xff")
    assert "byte 10" in refused(path) and "UTF-8" in refused(path)


def test_half_a_character_of_utf16(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff\xfea\x00b")
    refused(path)


def test_nul_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"It\x00rained.")
    assert "NUL" in refused(path)


@pytest.mark.parametrize("raw", [b"", b" \r\n\t", BOM, b"\xff\xfe", BOM + b"\n"])
def test_empty(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(raw)
    assert "is empty" in refused(path)


def test_missing(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "no.txt")


def test_folder_is_no_file(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path)


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("It rained.", encoding="utf-8")
    path.chmod(0)
    if os.access(path, os.R_OK):  # permissions do not hold for root

        def denied(self: Path) -> bytes:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "read_bytes", denied)
    assert "Permission denied" in refused(path)


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # sparse: takes no space
    assert "larger than 50 MB" in refused(path)


def test_find_files_below_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("z.txt", "b/a.md", "b/c/D.TXT", "picture.png", "b/notes.txt.bak"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert [source for _, source in find_files(tmp_path)] == ["b/a.md", "b/c/D.TXT", "z.txt"]
    assert all(path == tmp_path / source for path, source in find_files(tmp_path))


def test_a_file_that_is_named_may_have_any_suffix(tmp_path: Path) -> None:
    path = tmp_path / "article.text"
    path.write_text("It rained.", encoding="utf-8")
    assert find_files(path) == [(path, "article.text")]


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="does not exist"):
        find_files(tmp_path / "no")


def test_folder_without_articles(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(DocumentError, match=r"holds no \.txt"):
        find_files(tmp_path)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_text_or_one_line(raw: bytes) -> None:
    try:
        text = decode(raw, "a.txt")
    except DocumentError as error:
        assert "\n" not in str(error)
    else:
        assert text.strip() and "\0" not in text


@given(st.text(st.characters() | st.sampled_from("#.,;… \n\r\t\x85\u2028\x1c")).filter(str.strip))
def test_any_text_has_a_title_of_one_line(text: str) -> None:
    document = make_document(text, "a.txt")
    assert document.text == text
    assert len(document.title.splitlines()) == 1 and document.title.strip() == document.title
    assert len(document.title) <= 200
    assert make_document(text, "b.txt").id == document.id
