"""Encodings in mails: senders, subjects, attachments, and parts that are broken."""

from __future__ import annotations

import base64

import pytest

from rag import Document
from rag.load.files import read_bytes
from rag.types import Note

ENGLISH = "The council of Tessin voted on Monday to rebuild the old harbour bridge at a cost of 4 million euros."
CHINESE = "前总理朱镕基星期一在北京出席会议时表示，城市旧桥的重建工程将于五月开始，预计持续两年时间。"


def message(text: bytes, label: str, headers: bytes) -> bytes:
    declared = f"\nContent-Type: text/plain; charset={label}\nContent-Transfer-Encoding: 8bit\n\n"
    return headers + declared.encode() + text


@pytest.mark.parametrize(
    ("header", "author"),
    [
        (f"=?utf-8?B?{base64.b64encode('Kärn, Ada'.encode()).decode()}?= <a@x.example>", "Kärn, Ada"),
        ("=?iso-8859-1?Q?K=E4rn=2C_Ada?= <a@x.example>", "Kärn, Ada"),
        ("=?iso-8859-1?Q?K=E4rn,_Ada?= <a@x.example>", "Kärn, Ada"),  # with a comma that should be encoded
        (f'"=?utf-8?B?{base64.b64encode("Kärn, Ada".encode()).decode()}?=" <a@x.example>', "Kärn, Ada"),
        ('"Kern, Ada" <a@x.example>', "Kern, Ada"),
        ("Kern, Ada <a@x.example>", "Kern, Ada"),  # with a comma that should be in quotes
        ("Kärn, Ada <a@x.example>", "Kärn, Ada"),
        ("Ada Kärn <a@x.example>", "Ada Kärn"),
        ("Ada Kern <a@x.example>, Ben Ort <b@x.example>", "Ada Kern"),
        ("=?utf-8?Q?Ada?= =?utf-8?Q?_K=C3=A4rn?= <a@x.example>", "Ada Kärn"),
        ("Ada =?utf-8?Q?K=C3=A4rn?= <a@x.example>", "Ada Kärn"),
        ("=?gb2312?B?1uzpRrv5?= <a@x.example>", "朱镕基"),
        ("=?utf-8?B?1uzpRrv5?= <a@x.example>", "\ufffd\ufffd\ufffdF\ufffd\ufffd"),  # it is not what it says
        ("=?utf-8?B?!?= <a@x.example>", "a@x.example"),
        ("a@x.example (Ada Kern)", "Ada Kern"),
        ("a@x.example", "a@x.example"),
        ("", ""),
    ],
)
def test_senders(header: str, author: str) -> None:
    raw = message(ENGLISH.encode(), "utf-8", f"From: {header}\nSubject: Bridge".encode())
    (document,) = read_bytes(raw, "a.eml")
    assert isinstance(document, Document) and document.author == author


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        (b"=?gb2312?B?1uzpRrv5zLi+ycfF?=", "朱镕基谈旧桥"),
        (b"=?shift_jis?B?" + base64.b64encode("①の橋".encode("cp932")) + b"?=", "①の橋"),
        (b"=?ks_c_5601-1987?B?" + base64.b64encode("펲시맨".encode("cp949")) + b"?=", "펲시맨"),
        (b"=?gb2312?B?" + base64.b64encode("朱镕基谈旧桥".encode()) + b"?=", "朱镕基谈旧桥"),
        (b"=?iso-8859-1?Q?=80_5?=", "€ 5"),
        (b"=?us-ascii?Q?Caf=C3=A9?=", "Café"),
        ("Café — 5 €".encode(), "Café — 5 €"),
        ("朱镕基谈旧桥".encode("gbk"), "朱镕基谈旧桥"),
        (b"Re: =?utf-8?Q?Caf=C3=A9?= 5", "Re: Café 5"),
        (b"=?utf-8?B?w6k=?=\n =?utf-8?B?w6k=?=", "éé"),
        (b"=?klingon-8?Q?Caf=C3=A9?=", "Café"),
    ],
)
def test_subjects(subject: bytes, title: str) -> None:
    raw = message(CHINESE.encode("gbk"), "gb2312", b"Subject: " + subject)
    (document,) = read_bytes(raw, "a.eml")
    assert isinstance(document, Document) and (document.title, document.text) == (title, CHINESE)


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('filename="=?utf-8?B?QnLDvGNrZS50eHQ=?="', "Brücke.txt"),
        ("filename*=utf-8''Br%C3%BCcke.txt", "Brücke.txt"),
        ("filename*=iso-8859-1''Br%FCcke.txt", "Brücke.txt"),
    ],
)
def test_attachments_of_declared_encoding(disposition: str, name: str) -> None:
    raw = (
        "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee below.\n"
        f"--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Disposition: attachment; {disposition}\n"
        "Content-Transfer-Encoding: 8bit\n\nCafé.\n--b--\n"
    ).encode("latin-1")
    body, attached = read_bytes(raw, "a.eml")
    assert isinstance(body, Document) and isinstance(attached, Document)
    assert (attached.source, attached.text.strip()) == (f"a.eml!/{name}", "Café.")


def test_a_bad_part_of_a_mail_leaves_the_other() -> None:
    head = b"Subject: x\nContent-Type: multipart/alternative; boundary=b\n\n--b\n"
    plain = b"Content-Type: text/plain; charset=utf-8\n\n\xfe\xfe \xff\xfe \xff\xfe\n--b\n"
    html = b"Content-Type: text/html; charset=utf-8\n\n<p>It rained.</p>\n--b--\n"
    note, document = read_bytes(head + plain + html, "a.eml")
    assert isinstance(note, Note) and note.failed and "is not utf-8 text" in note.text
    assert isinstance(document, Document) and document.text == "It rained."
