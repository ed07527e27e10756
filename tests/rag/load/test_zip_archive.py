"""Zip files: what is inside, and archives that are made to do harm."""

from __future__ import annotations

import io
import zipfile

import pytest
from broken import book, locked, nested, word, zipped

from rag import Document, DocumentError
from rag.load import article, zip_archive
from rag.load.files import read_bytes
from rag.load.formats import word as word_file
from rag.types import Note

RAIN = "It rained in Harborough."


def refused(raw: bytes, name: str) -> str:
    with pytest.raises(DocumentError) as caught:
        list(read_bytes(raw, name))
    assert "\n" not in str(caught.value) and ";" in str(caught.value)
    return str(caught.value)


def sources(raw: bytes, name: str = "a.zip") -> list[str]:
    return [item.source for item in read_bytes(raw, name) if isinstance(item, Document)]


def test_names_that_lead_out_of_the_archive_are_only_names() -> None:
    raw = zipped({"../../etc/a.txt": RAIN, "/etc/b.txt": RAIN, "x/../c.txt": RAIN, "..\\d.txt": RAIN})
    assert sources(raw) == ["a.zip!/etc/a.txt", "a.zip!/etc/b.txt", "a.zip!/c.txt", "a.zip!/d.txt"]


def test_what_is_hidden_or_no_article_is_passed_over() -> None:
    raw = zipped(
        {"a/.b.txt": RAIN, ".c/d.txt": RAIN, "__MACOSX/e.txt": RAIN, "~$f.docx": RAIN, "g.png": "x", "h.txt": RAIN}
    )
    assert sources(raw) == ["a.zip!/h.txt"]
    assert "holds no article" in refused(zipped({"g.png": "x"}), "a.zip")
    assert "holds no article" in refused(zipped({}), "a.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr("a.txt", "It rained.")
        packed.writestr("a.txt", "It shone.")
    first, note = read_bytes(target.getvalue(), "a.zip")
    assert isinstance(first, Document) and first.text == "It rained."
    assert note == Note("a.zip!/a.txt", "stands in the archive twice; the first one was read")


def test_a_bad_member_leaves_the_others() -> None:
    raw = zipped({"a.pdf": "%PDF-1.7 broken", "b.txt": b"\xff\xfe\xfd", "c.txt": RAIN})
    found = list(read_bytes(raw, "a.zip"))
    assert [(item.source, isinstance(item, Document)) for item in found] == [
        ("a.zip!/a.pdf", False),
        ("a.zip!/b.txt", False),
        ("a.zip!/c.txt", True),
    ]


def test_members_that_cannot_be_unpacked() -> None:
    (note,) = read_bytes(locked(), "a.zip")
    assert isinstance(note, Note) and note.failed and "is encrypted" in note.text
    (note,) = read_bytes(zipped({"a.txt": RAIN}, zipfile.ZIP_LZMA), "a.zip")
    assert isinstance(note, Note) and "unusual way (method 14)" in note.text
    raw = bytearray(zipped({"a.txt": RAIN * 50}))
    raw[40] ^= 0xFF  # in the packed content
    (note,) = read_bytes(bytes(raw), "a.zip")
    assert isinstance(note, Note) and "is broken in the archive" in note.text


def test_archives_in_archives_end_after_three() -> None:
    assert sources(nested(2)) == ["a.zip!/again.zip!/again.zip!/deep.txt"]
    for depth in (3, 30):
        (note,) = read_bytes(nested(depth), "a.zip")
        assert isinstance(note, Note) and "more than 3 archives deep" in note.text


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else holds from 50 MB holds from 1 MB."""
    monkeypatch.setattr(article, "_FREE_UNPACKED", 1_000_000)
    monkeypatch.setattr(word_file, "MAX_XML", 400_000)


@pytest.mark.usefixtures("strict")
def test_a_bomb_ends_the_reading_of_the_file() -> None:
    blanks = " " * 600_000
    raw = zipped({"a.txt": RAIN, "b.txt": blanks, "c.txt": blanks, "d.txt": RAIN})
    found = []
    with pytest.raises(DocumentError, match="zip bomb"):
        found += read_bytes(raw, "a.zip")
    items = read_bytes(raw, "a.zip")
    first = next(items)
    assert isinstance(first, Document) and first.source == "a.zip!/a.txt"  # what comes before the bomb was read


@pytest.mark.usefixtures("strict")
def test_a_bomb_within_an_archive_counts_for_the_file() -> None:
    inner = zipped({f"{n}.csv": " " * 180_000 for n in range(3)})
    with pytest.raises(DocumentError, match="zip bomb"):
        list(read_bytes(zipped({"a.zip": inner, "b.zip": inner}), "a.zip"))


def test_sizes_that_an_archive_declares_are_not_believed() -> None:
    raw = bytearray(zipped({"a.txt": RAIN * 1000}))
    for start in (22, raw.index(b"PK\x01\x02") + 24):  # the unpacked size, in the local header and in the list
        raw[start : start + 4] = (10).to_bytes(4, "little")
    (note,) = read_bytes(bytes(raw), "a.zip")
    assert isinstance(note, Note) and "is broken in the archive" in note.text


def test_a_list_of_members_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_archive, "_MAX_DIRECTORY", 100_000)
    assert "list of members is too long" in refused(zipped({f"{n}.txt": "" for n in range(3000)}), "a.zip")


def test_large_members_wait_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_archive, "_MEMORY", 10)
    assert sources(zipped({"a.txt": RAIN, "b.csv": f"text\n{RAIN}\n"})) == ["a.zip!/a.txt", "a.zip!/b.csv!/2"]


def test_a_member_is_no_larger_than_an_article(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(article, "MAX_BYTES", 1_000_000)
    (note,) = read_bytes(zipped({"a.txt": b" " * 1_000_001}), "a.zip")
    assert isinstance(note, Note) and "larger than 1 MB" in note.text


@pytest.mark.parametrize("cut", [1, 30, 200])
@pytest.mark.parametrize("suffix", [".zip", ".docx", ".epub"])
def test_truncated(cut: int, suffix: str) -> None:
    raw = zipped({"a.txt": RAIN * 100, "b.txt": RAIN * 100})
    assert "is a broken or truncated archive" in refused(raw[:-cut], f"a{suffix}")


@pytest.mark.usefixtures("strict")
def test_bombs_in_word_files_and_books() -> None:
    bomb = zipped({"word/document.xml": "0" * 1_200_000})
    large = word("<x>" + "".join(map(str, range(100_000))))
    for raw, said in ((bomb, "zip bomb"), (large, "holds more than 0.4 MB")):
        with pytest.raises(DocumentError, match=said):
            list(word_file.parse(article.Input("a.docx", io.BytesIO(raw), article.Budget(len(raw)))))
    assert "zip bomb" in refused(book("<p>" + "0" * 1_200_000), "a.epub")


@pytest.mark.parametrize(
    ("stored", "is_marked", "shown"),
    [
        ("Müller.txt".encode(), False, "Müller.txt"),
        ("Müller.txt".encode(), True, "Müller.txt"),
        ("文件 报告.txt".encode(), False, "文件 报告.txt"),
        ("Mu\u0308ller.txt".encode(), False, "Müller.txt"),
        ("Müller.txt".encode("cp437"), False, "Müller.txt"),
        (b"plain.txt", False, "plain.txt"),
    ],
)
def test_names_of_members_in_both_encodings(stored: bytes, is_marked: bool, shown: str) -> None:
    plain = "x" * (len(stored) - 4) + ".txt"
    raw = bytearray(zipped({plain: "It rained in Harborough."}).replace(plain.encode(), stored))
    for mark, at in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        raw[raw.index(mark) + at] |= 8 * is_marked
    (read,) = read_bytes(bytes(raw), "a.zip")
    assert read.source == f"a.zip!/{shown}"


def test_a_book_that_writes_a_name_otherwise_than_its_archive() -> None:
    package = (
        "<package><manifest><item id='a' href='Bru%CC%88cke.xhtml' media-type='application/xhtml+xml'/></manifest>"
        "<spine><itemref idref='a'/></spine></package>"
    )
    container = "<c><rootfile full-path='p.opf'/></c>"
    raw = zipped({"META-INF/container.xml": container, "p.opf": package, "Brücke.xhtml": "<p>It rained.</p>"})
    (read,) = read_bytes(raw, "a.epub")
    assert isinstance(read, Document) and read.text == "It rained."
