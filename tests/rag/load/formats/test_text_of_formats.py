"""Details of single formats: front matter, pages, mail, paragraphs of PDFs, books, feeds, Word files."""

from __future__ import annotations

import pytest
from broken import SAMPLES, book, pdf, word, zipped

from rag import Document, DocumentError
from rag.load.files import read_bytes
from rag.load.formats.html import prose
from rag.types import Note


def documents(raw: bytes | str, name: str) -> list[Document]:
    raw = raw.encode() if isinstance(raw, str) else raw
    found = list(read_bytes(raw, name))
    assert all(isinstance(item, Document) for item in found), found
    return [item for item in found if isinstance(item, Document)]


def document(raw: bytes | str, name: str) -> Document:
    (one,) = documents(raw, name)
    return one


def notes(raw: bytes | str, name: str) -> list[Note]:
    raw = raw.encode() if isinstance(raw, str) else raw
    return [item for item in read_bytes(raw, name) if isinstance(item, Note)]


def refused(raw: bytes | str, name: str) -> str:
    with pytest.raises(DocumentError) as caught:
        list(read_bytes(raw.encode() if isinstance(raw, str) else raw, name))
    assert "\n" not in str(caught.value) and ";" in str(caught.value)
    return str(caught.value)


# --- Markdown


def test_front_matter_of_several_authors() -> None:
    read = document(
        "---\r\ntitle: 'Storm: the day after'\r\nauthors: [A, B]\r\ndate: 2024-07-12 10:00:00\r\n---\r\nIt rained.\r\n",
        "a.md",
    )
    assert (read.title, read.author, read.date, read.text) == (
        "Storm: the day after",
        "A, B",
        "2024-07-12T10:00:00",
        "It rained.\r\n",
    )


@pytest.mark.parametrize(
    "text",
    [
        "---\nIt rained.\n---\nAnd then it stopped.",  # rules above and below a paragraph
        "---\ntitle: [never closed\n---\nIt rained.",
        "---\ntitle: nothing but this\n---\n",
        "--- \n- a\n- list\n---\nIt rained.",
    ],
)
def test_what_is_no_front_matter_is_text(text: str) -> None:
    assert document(text, "a.md").text == text


# --- HTML


def page(body: str, head: str = "") -> str:
    return f"<html><head>{head}</head><body>{body}</body></html>"


LONG = "It rained in Harborough all day, and the river rose above the lower bridge once more."


def test_a_large_page_is_parsed_in_the_other_process_alike() -> None:
    small = document(page(f"<h1>Rain</h1><p>{LONG}</p><p>{LONG[::-1]}</p>"), "a.html")
    large = document(page(f"<h1>Rain</h1><p>{LONG}</p><p>{LONG[::-1]}</p><!-- {'x' * 60_000} -->"), "a.html")
    assert (large.id, large.title) == (small.id, small.title)
    assert large.text == f"{LONG}\n\n{LONG[::-1]}"


def test_a_page_that_declares_its_encoding() -> None:
    said = page(f"<p>Café Zürich: {LONG}</p>", "<meta charset='iso-8859-1'>")
    assert "Café Zürich" in document(said.encode("latin-1"), "a.html").text


def test_a_page_that_does_not_declare_its_encoding_is_detected() -> None:
    said = page(f"<p>Le président a déclaré que l’été serait très chaud à Paris, où la chaleur a déjà tué. {LONG}</p>")
    note, read = read_bytes(said.encode("cp1252"), "a.html")
    assert note == Note("a.html", "read as cp1252 (detected)", failed=False)
    assert isinstance(read, Document) and "déclaré que l’été" in read.text


def test_a_page_without_an_article() -> None:
    assert "no article was found" in refused(page("<nav>Home Sport</nav>"), "a.html")
    assert "larger than 10 MB" in refused(page("<p>" + "a" * 10_000_000), "a.html")


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("It rained.", "It rained."),
        ("<p>It <b>rain</b>ed.</p><p>A  lot.</p>", "It rained.\n\nA lot."),
        ("<ul><li>One<li>Two</ul>three", "One\n\nTwo\n\nthree"),
        ("a<br>b<script>c</script>d", "a\n\nbd"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("Fish &amp; chips &lt;3", "Fish & chips <3"),
        ("<style>p{}</style>", ""),
        ("", ""),
    ],
)
def test_prose_of_markup(markup: str, text: str) -> None:
    assert prose(markup) == text


# --- e-mail


def test_mail_of_html_only() -> None:
    raw = (
        "From: x@y.example\nSubject: =?iso-8859-1?q?Caf=E9?=\nContent-Type: text/html; charset=iso-8859-1\n\n"
        "<p>One</p><p>Caf\xe9</p>"
    )
    read = document(raw.encode("latin-1"), "a.eml")
    assert (read.title, read.author, read.text, read.date) == ("Café", "x@y.example", "One\n\nCafé", "")


def test_mail_whose_plain_part_is_a_stub() -> None:
    raw = (
        "From: x@y.example\nContent-Type: multipart/alternative; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\nSee the web.\n--b\nContent-Type: text/html\n\n<p>{LONG}</p>\n--b--\n"
    )
    assert document(raw, "a.eml").text == LONG


def test_attachments_are_files_of_their_own() -> None:
    raw = (
        "From: x@y.example\nSubject: News\nContent-Type: multipart/mixed; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nSee the file.\n"
        "--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=note.txt\n\nIt rained.\n"
        "--b\nContent-Type: image/png\nContent-Disposition: attachment; filename=a.png\n\nxyz\n--b--\n"
    )
    assert [(d.source, d.title, d.text.strip()) for d in documents(raw, "a.eml")] == [
        ("a.eml", "News", "See the file."),
        ("a.eml!/note.txt", "It rained.", "It rained."),
    ]


def test_mail_of_undeclared_encoding() -> None:
    text = "Le président a déclaré que l’été serait très chaud à Paris, où la chaleur a déjà tué."
    found = list(read_bytes(b"Subject: x\n\n" + text.encode("cp1252"), "a.eml"))
    assert found[0] == Note("a.eml", "read as cp1252 (detected)", failed=False)
    assert isinstance(found[1], Document) and found[1].text == text


def test_what_is_no_mail() -> None:
    assert "has no headers" in refused("It rained.\n", "a.eml")
    assert "without text" in refused("Subject: x\n\n", "a.eml")
    assert "no line starts with From" in refused("Subject: x\n\nIt rained.", "a.mbox")


def test_a_bad_message_of_a_mailbox_leaves_the_others() -> None:
    start = "From a@b.example Tue Mar  5 11:00:00 2024\n"
    found = list(read_bytes(f"{start}Subject: a\n\n\n\n{start}Subject: b\n\nIt rained.\n".encode(), "a.mbox"))
    assert [item.source for item in found] == ["a.mbox", "a.mbox!/2"]
    assert isinstance(found[0], Note) and found[0].text.startswith("message 1: ")


def test_a_line_that_only_looks_like_a_separator() -> None:
    start = "From a@b.example Tue Mar  5 11:00:00 2024\n"
    (read,) = documents(
        f"{start}Subject: a\n\nIt rained.\nFrom 10:00 to 12:00 it did.\n\nFrom then on it stopped.\n", "a.mbox"
    )
    assert read.text == "It rained.\nFrom 10:00 to 12:00 it did.\n\nFrom then on it stopped."


# --- PDF


def lines(*texts: str, pitch: int = 12) -> bytes:
    shown = "".join(f"({text}) Tj 0 -{pitch} Td " if text else f"0 -{pitch} Td " for text in texts)
    return pdf(f"BT /F1 10 Tf 50 700 Td {shown}ET".encode())


def test_lines_of_a_paragraph_are_joined() -> None:
    raw = lines("It rained in Harborough all day, and", "the river rose.", "", "The bridge stayed closed.")
    assert (
        document(raw, "a.pdf").text
        == "It rained in Harborough all day, and the river rose.\n\nThe bridge stayed closed."
    )


@pytest.mark.parametrize(
    ("first", "second", "elsewhere", "joined"),
    [
        ("the govern-", "ment fell in spring", "", "the government fell"),
        ("the well-", "known mayor of it", "", "the well-known mayor"),
        ("the long-", "term plan of it", "a long-term view", "the long-term plan"),
        ("the re-", "form of the court", "a reform", "the reform of"),
        ("the north-", "south line of it", "north and south", "the north-south line"),
    ],
)
def test_words_that_a_line_divides(first: str, second: str, elsewhere: str, joined: str) -> None:
    raw = lines(f"Yesterday in Harborough, as was said, {first}", second, "", elsewhere or "It rained.")
    assert joined in document(raw, "a.pdf").text


def test_pdfs_without_text() -> None:
    assert "is encrypted" in refused((SAMPLES / "encrypted.pdf").read_bytes(), "a.pdf")
    assert "(a scan?)" in refused((SAMPLES / "scan.pdf").read_bytes(), "a.pdf")
    assert "broken or truncated" in refused(b"%PDF-1.7\nand nothing more", "a.pdf")


# --- Word, e-books, feeds


def test_word_file_without_its_main_part() -> None:
    assert "is a broken Word file" in refused(word("<x/>"), "a.docx")
    assert "holds no text" in refused(
        word(
            "<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body/></w:document>"
        ),
        "a.docx",
    )


def test_broken_books() -> None:
    assert "broken e-book" in refused(book("<p>x", "<package"), "a.epub")
    assert "holds no text" in refused(book("<p>x", "<package/>"), "a.epub")
    assert "lacks OEBPS/content.opf" in refused(
        zipped({"META-INF/container.xml": "<c><rootfile full-path='OEBPS/content.opf'/></c>"}), "a.epub"
    )


def test_a_book_of_one_chapter_is_one_article() -> None:
    package = (
        "<package><metadata><title>Rain</title></metadata><manifest><item id='a' href='text/bridge%20news.xhtml' "
        "media-type='application/xhtml+xml'/></manifest><spine><itemref idref='a'/></spine></package>"
    )
    read = document(book("<h1>Monday</h1><p>It rained.</p>", package), "a.epub")
    assert (read.source, read.title, read.text) == ("a.epub", "Rain: Monday", "Monday\n\nIt rained.")


def feed(items: str) -> str:
    return f"<rss version='2.0'><channel><title>The Paper</title>{items}</channel></rss>"


def test_entries_of_a_feed() -> None:
    items = "<item><title>Rain &amp;amp; wind</title><pubDate>yesterday</pubDate></item><item><link>x</link></item>"
    read, empty, undated = read_bytes(feed(items).encode(), "a.xml")
    assert isinstance(read, Document) and (read.title, read.text, read.date) == ("Rain & wind", "Rain & wind", "")
    assert empty == Note("a.xml", "entry 2 has no text")
    assert isinstance(undated, Note) and not undated.failed and "'yesterday'" in undated.text


def test_a_broken_feed_says_so() -> None:
    read = list(read_bytes(feed("<item><title>Rain</title></item>").encode()[:-10], "a.rss"))
    assert any(isinstance(item, Note) and item.failed and "entries may be missing" in item.text for item in read)
    assert any(isinstance(item, Document) and item.text == "Rain" for item in read)


def test_what_is_no_feed() -> None:
    assert "no RSS or Atom feed" in refused("<a><b>c</b></a>", "a.xml")
    assert "feed without entries" in refused(feed(""), "a.xml")
    assert "declares entities" in refused("<!DOCTYPE rss [<!ENTITY a 'b'>]>" + feed("&a;"), "a.xml")
    assert "declares entities" in refused(("<!DOCTYPE rss [<!ENTITY a 'b'>]>" + feed("&a;")).encode("utf-16"), "a.xml")
