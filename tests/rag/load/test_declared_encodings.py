"""Encodings that are declared: what they mean on the web, and what is read where the bytes say otherwise."""

from __future__ import annotations

from html import escape

import pytest
from broken import SAMPLES, zipped

from rag import Document, DocumentError
from rag.load.charset import meant
from rag.load.files import read, read_bytes
from rag.load.formats import epub
from rag.types import Note

CASES = SAMPLES.parent / "reading"
ENGLISH = "The council of Tessin voted on Monday to rebuild the old harbour bridge at a cost of 4 million euros."
MAYOR = "Mayor Ada {} said the work would begin in May and last for two years, because the piers are old."
CHINESE = "前总理朱镕基星期一在北京出席会议时表示，城市旧桥的重建工程将于五月开始，预计持续两年时间。"
JAPANESE = "市議会は月曜日、古い港の橋を建て替えることを決めた。①費用は四百万ユーロ、②工事は五月に始まる。"
KOREAN = "테신 시의회는 월요일에 오래된 항구 다리를 다시 짓기로 결정했다고 밝혔다. 펲시맨과 똠방각하가 참석했다."
TAIWAN = "市議會星期一決定重建舊港橋，費用為四百萬歐元，工程將於五月開始，預計持續兩年時間。市長說橋很舊。"
FRENCH = "Le président a déclaré que l’été serait très chaud à Paris, où la chaleur — 40 € la glace — a déjà tué."
RUSSIAN = "Премьер-министр заявил, что правительство не уступит и на следующей неделе внесёт проект закона."
TURKISH = "Başbakan, hükümetin geri adım atmayacağını ve önümüzdeki hafta tasarı sunacağını söyledi."
THAI = "สภาเทศบาลลงมติเมื่อวันจันทร์ให้สร้างสะพานท่าเรือเก่าขึ้นใหม่ด้วยงบประมาณสี่ล้านยูโร"


def articles(raw: bytes, name: str) -> tuple[list[str], list[str]]:
    """Return the texts of a file, and its notices; nothing may fail."""
    found = list(read_bytes(raw, name))
    assert all(isinstance(item, Document) or not item.failed for item in found), found
    return [d.text for d in found if isinstance(d, Document)], [n.text for n in found if isinstance(n, Note)]


def page(text: str, label: str = "", before: str = "", title: str = "Bridge") -> str:
    meta = f'<meta charset="{label}">' if label else ""
    return (
        f"<!DOCTYPE html><html><head>{before}{meta}<title>{title}</title></head><body><article><h1>{title}</h1>"
        f"<p>{ENGLISH}</p><p>{text}</p></article></body></html>"
    )


def mail(text: bytes, label: str, headers: bytes = b"Subject: Bridge", kind: str = "plain") -> bytes:
    declared = f"\nContent-Type: text/{kind}{label and '; charset='}{label}\nContent-Transfer-Encoding: 8bit\n\n"
    return headers + declared.encode() + text


def book(chapter: bytes) -> bytes:
    package = (
        "<package><manifest><item id='a' href='a.xhtml' media-type='application/xhtml+xml'/></manifest>"
        "<spine><itemref idref='a'/></spine></package>"
    )
    return zipped({epub.MEMBER: "<c><rootfile full-path='p.opf'/></c>", "p.opf": package, "a.xhtml": chapter})


def xml(label: str) -> str:
    return f'<?xml version="1.0" encoding="{label}"?>' if label else '<?xml version="1.0"?>'


FORMATS = ["a.html", "plain.eml", "html.eml", "meta.eml", "a.epub", "a.rss"]


def declaring(name: str, text: str, label: str, encoding: str) -> bytes:
    """Return a file of a format that declares its encoding; half of a surrogate pair in the text is a wrong byte."""
    body = f"<p>{ENGLISH}</p><p>{text}</p>"
    entry = f"<item><title>x</title><description>{escape(body)}</description></item>"
    said = {
        "a.html": page(text, label),
        "plain.eml": f"{ENGLISH}\n\n{text}",
        "html.eml": body,
        "meta.eml": f'<meta http-equiv="Content-Type" content="text/html; charset={label}">{body}',
        "a.epub": f"{xml(label)}<html><body>{body}</body></html>",
        "a.rss": f'{xml(label)}<rss version="2.0"><channel>{entry}</channel></rss>',
    }[name].encode(encoding, "surrogateescape")
    if name.endswith(".eml"):
        return mail(said, "" if name == "meta.eml" else label, kind="plain" if name == "plain.eml" else "html")
    return book(said) if name == "a.epub" else said


DECLARED = [
    ("gb2312", "gbk", CHINESE),
    ("GBK", "gb18030", CHINESE),
    ("shift_jis", "cp932", JAPANESE),
    ("x-sjis", "cp932", JAPANESE),
    ("euc-kr", "cp949", KOREAN),
    ("ks_c_5601-1987", "cp949", KOREAN),
    ("big5", "big5hkscs", TAIWAN),
    ("iso-8859-1", "cp1252", FRENCH),
    ("latin1", "cp1252", FRENCH),
    ("windows-1251", "cp1251", RUSSIAN),
    ("x-cp1251", "cp1251", RUSSIAN),
    ("iso-8859-9", "cp1254", TURKISH),
    ("tis-620", "cp874", THAI),
    ("utf8", "utf-8", CHINESE),
    # Declared wrongly: what is valid UTF-8 is UTF-8.
    ("gb2312", "utf-8", CHINESE),
    ("euc-kr", "utf-8", KOREAN),
    ("shift_jis", "utf-8", JAPANESE),
    ("iso-8859-1", "utf-8", FRENCH),
    ("windows-1251", "utf-8", RUSSIAN),
    ("iso-2022-jp", "utf-8", JAPANESE),
    ("utf-16", "utf-8", CHINESE),
    ("klingon-8", "utf-8", TAIWAN),
]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("label", "encoding", "text"), DECLARED)
def test_what_labels_mean_and_what_bytes_are(name: str, label: str, encoding: str, text: str) -> None:
    assert articles(declaring(name, text, label, encoding), name) == ([f"{ENGLISH}\n\n{text}"], [])


@pytest.mark.parametrize(
    ("label", "encoding", "text"), [("iso-2022-jp", "iso2022_jp", JAPANESE.replace("①", "").replace("②", ""))]
)
@pytest.mark.parametrize("name", ["a.html", "plain.eml", "html.eml"])
def test_an_encoding_whose_bytes_are_all_ascii(name: str, label: str, encoding: str, text: str) -> None:
    assert articles(declaring(name, text, label, encoding), name) == ([f"{ENGLISH}\n\n{text}"], [])


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("gb2312", "gb18030"),
        ("GB_2312-80", "gb18030"),
        ("  Shift_JIS ", "cp932"),
        ("ISO-8859-1", "cp1252"),
        ("us-ascii", "cp1252"),
        ("iso-8859-9", "cp1254"),
        ("windows-874", "cp874"),
        ("unicode-1-1-utf-8", "utf-8"),
        ("x-mac-cyrillic", "mac-cyrillic"),
        ("cp850", "cp850"),  # not of the web
        ("utf-7", "utf-7"),
        ("hex", ""),
        ("punycode", ""),
        ("unicode_escape", ""),
        ("klingon-8", ""),
        ("x\0", ""),
        ("", ""),
    ],
)
def test_labels(label: str, name: str) -> None:
    assert meant(label) == name


# --- the files that failed


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("valid-utf8-with-fffd.html", "The bridge was closed last winter after a ship had struck it."),
        ("late-meta.html", "The bridge was closed last winter after a ship had struck it."),
        ("bad-byte-outside.html", "“The work begins in May,” said the mayor, Ada Kern,"),
        ("declared-euckr-is-utf8.html", "테신 시의회는 월요일에 오래된 항구 다리를"),
        ("declared-gb2312-is-gbk.html", "前总理朱镕基星期一在北京出席会议时表示"),
        ("declared-shift_jis-is-cp932.html", "①費用は四百万ユーロ、②工事は五月に始まり"),
        ("last-first.eml", "The harbour bridge of Tessin opens on 9 May and tickets cost 12 euros."),
        ("declared-gb2312-is-utf8.eml", CHINESE),
        ("gbk-header.eml", CHINESE),
        ("meta-utf16.html", "Mayor Ada Kern said the work would begin in May"),
        ("nul.html", "Mayor Ada Kern said the work would begin in May"),
    ],
)
def test_files_that_were_refused(name: str, said: str) -> None:
    (document,) = read(CASES / name, name)
    assert isinstance(document, Document) and said in document.text and "\ufffd" not in document.text


def test_a_wrong_byte_in_a_page_that_declares_utf8() -> None:
    name = "bad-byte-in-declared-utf8.html"
    note, document = read(CASES / name, name)
    assert isinstance(document, Document) and "Mayor Ada Sánchez said the work" in document.text
    assert isinstance(note, Note) and not note.failed and note.text


# --- bytes that are not in the declared encoding


@pytest.mark.parametrize(
    ("before", "raw", "after"),
    [
        ("", b"S\xe1nchez", "Sánchez"),
        ("", b"Kern\x97", "Kern—"),
        ("", b"\x93Kern\x94", "“Kern”"),
        ("", b"O\x92Neil", "O’Neil"),
        ("é", b"S\xe1nchez", "Sánchez"),
        ("“é”", b"Nu\xf1ez", "Nuñez"),
        ("", "Kern 朱".encode()[:-1], "Kern \ufffd"),  # cut within a character
        ("”", "Kern €".encode()[:-1] + b"!", "Kern \ufffd!"),
        ("é", b"Kern \xff\xfe.", "Kern \ufffd\ufffd."),
        ("é", "Kern é".encode()[:-1] + "é".encode(), "Kern \ufffdé"),
    ],
)
@pytest.mark.parametrize("label", ["utf-8", ""])
@pytest.mark.parametrize("name", ["a.html", "plain.eml", "html.eml", "a.epub", "a.rss"])
def test_single_wrong_bytes_are_read_with_a_notice(name: str, label: str, before: str, raw: bytes, after: str) -> None:
    text = MAYOR.format("@") + f" {ENGLISH}" * 3 + before
    made = declaring(name, text.replace("@", raw.decode("utf-8", "surrogateescape")), label, "utf-8")
    texts, notices = articles(made, name)
    assert len(texts) == len(notices) == 1
    assert texts[0].endswith(text.replace("@", after)) or "(detected)" in notices[0]
    assert "are not" in notices[0] or "(detected)" in notices[0]


@pytest.mark.parametrize(
    "hidden",
    [
        b"<script>var x = '\xe9\xff';</script>",
        b"<style>p::before { content: '\xe9' }</style>",
        b"<!-- \xff\xfe\xe9 -->",
        b'<meta name="x" content="caf\xe9">',
        b"<script>var x = '\xef\xbf\xbd\xe9';</script>",
    ],
)
@pytest.mark.parametrize("label", ["utf-8", "", "gb2312"])
def test_wrong_bytes_outside_the_article_do_no_harm(hidden: bytes, label: str) -> None:
    text = CHINESE if label == "gb2312" else "“Café — très bien,” she said. " + ENGLISH
    raw = page(text, label, "@").encode("gbk" if label == "gb2312" else "utf-8").replace(b"@", hidden)
    assert articles(raw, "a.html") == ([f"{ENGLISH}\n\n{text}"], [])


def test_a_wrong_byte_in_an_attribute() -> None:
    raw = page("“Café,” she said.", "utf-8").encode().replace(b"<article>", b'<article class="caf\xe9">')
    assert articles(raw, "a.html") == ([f"{ENGLISH}\n\n“Café,” she said."], [])


def test_replacement_characters_that_the_publisher_wrote_are_text() -> None:
    assert articles(page("Ada S\ufffdnchez said so. " * 9).encode(), "a.html")[1] == []


@pytest.mark.parametrize(
    "raw",
    [
        page("é").encode().replace("é".encode(), bytes(range(128, 256))),
        page("@", "utf-8").encode().replace(b"@", b"\xff\xfe \xff\xfe \xff\xfe"),
    ],
)
def test_an_article_in_no_encoding_is_refused(raw: bytes) -> None:
    with pytest.raises(DocumentError, match=r"text \(byte \d+\); save it as UTF-8"):
        list(read_bytes(raw, "a.html"))


@pytest.mark.parametrize("label", ["utf-8", "us-ascii", "iso-2022-jp"])
def test_what_declares_wrongly_is_detected(label: str) -> None:
    texts, notices = articles(mail((RUSSIAN * 3).encode("cp1251"), label), "a.eml")
    assert (texts, notices) == ([RUSSIAN * 3], ["read as cp1251 (detected)"])


# --- text files and tables


@pytest.mark.parametrize(
    ("raw", "text", "notice"),
    [
        ("“Café” ".encode() * 9 + b"S\xe1nchez", "“Café” " * 9 + "Sánchez", "1 of its bytes are not UTF-8"),
        ("“Café” ".encode() * 9 + b"\x80 5", "“Café” " * 9 + "€ 5", "1 of its bytes are not UTF-8"),
        ("“Café” ".encode() * 90 + b"\xe2\x80 5", "“Café” " * 90 + "\ufffd 5", "1 of its bytes are not UTF-8"),
        (b"\xef\xbb\xbf" + ENGLISH.encode() * 3 + b"\x85", ENGLISH * 3 + "…", "1 of its bytes are not UTF-8"),
        (ENGLISH.encode() * 9 + b"\0", ENGLISH * 9, "1 NUL characters were left out"),
        (ENGLISH.encode()[:30] + b"\0" + ENGLISH.encode()[30:] * 9, ENGLISH[:30] + ENGLISH[30:] * 9, "1 NUL"),
    ],
)
def test_text_files_with_wrong_bytes(raw: bytes, text: str, notice: str) -> None:
    texts, notices = articles(raw, "a.txt")
    assert texts == [text] and len(notices) == 1
    assert notice in notices[0]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.md"])
def test_a_wrong_byte_in_one_row_is_read_with_a_notice(name: str) -> None:
    rows = [f"“Café” {n} {ENGLISH}" for n in range(3)]
    made = {
        "a.csv": "text\n" + "".join(f'"{row}"\n' for row in rows),
        "a.jsonl": "".join(f'{{"text": "{row}"}}\n' for row in rows),
        "a.json": "[" + ", ".join(f'{{"text": "{row}"}}' for row in rows) + "]",
        "a.md": "\n".join(rows),
    }[name]
    texts, notices = articles(made.encode().replace(b" 1 ", b" S\xe1nchez\0 "), name)
    wanted = [row.replace(" 1 ", " Sánchez ") for row in rows]
    assert "\n".join(texts) == "\n".join(wanted)
    assert len(notices) == 1 and "Windows-1252" in notices[0]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("label", ["utf-16", "utf-8"])
def test_xml_of_two_bytes_a_character_without_a_mark(encoding: str, label: str) -> None:
    told = "The ferry to Pellworth was cancelled on Monday: the wind had broken a mast."
    feed = f'<?xml version="1.0" encoding="{label}"?><rss version="2.0"><channel><item><description>{told}'
    raw = f"{feed}</description></item></channel></rss>".encode(encoding)
    [document] = [item for item in read_bytes(raw, "news.xml") if isinstance(item, Document)]
    assert document.text == told
