"""Build damaged, mislabelled and malicious files from a seed, for tests and bench/fuzz.py."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent / "data" / "formats"
WHOLE = (
    "bridge.txt bridge.md bridge.html bridge.pdf bridge.docx bridge.pptx bridge.odt bridge.rtf week.epub bridge.eml "
    "week.mbox week.csv week.jsonl week.json week.rss week.atom week.zip"
).split()


@dataclass(frozen=True)
class Case:
    """A broken or malicious file: what is wrong with it, its name and its bytes."""

    what: str
    name: str
    raw: bytes = field(repr=False)


def cases(sample: str, count: int, seed: int = 1, without: Collection[str] = ()) -> Iterator[Case]:
    """Yield `count` truncated and `count` damaged copies of a sample, copies with wrong names, and malicious files."""
    raw = (SAMPLES / sample).read_bytes()
    suffix = Path(sample).suffix
    draw = random.Random(f"{seed} {sample}")
    for number in range(count):
        yield Case("truncated", f"cut{number}{suffix}", raw[: draw.randrange(1, len(raw))])
        damaged = bytearray(raw)
        for _ in range(draw.choice((1, 3, 20))):
            damaged[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
        yield Case("bits flipped", f"flip{number}{suffix}", bytes(damaged))
    for other in WHOLE:
        if (wrong := Path(other).suffix) != suffix:
            yield Case("wrong extension", f"wrong{wrong}", raw)
    yield Case("empty", f"empty{suffix}", b"")
    yield Case("NUL bytes", f"nul{suffix}", bytes(100_000))
    yield Case("noise", f"noise{suffix}", draw.randbytes(20_000))
    yield from (Case(what, f"made{suffix}", make()) for what, make in _made(suffix).items() if what not in without)


def zipped(members: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return target.getvalue()


def nested(depth: int) -> bytes:
    """Return archives nested `depth` levels deep, with the article in the innermost."""
    inner = zipped({"deep.txt": "It rained in Harborough."})
    for _ in range(depth):
        inner = zipped({"again.zip": inner})
    return inner


def locked() -> bytes:
    """Return an archive whose member says that it is encrypted."""
    raw = bytearray(zipped({"secret.txt": "It rained in Harborough."}))
    raw[6] |= 1  # flags, in the local header
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # flags, in the list of members
    return bytes(raw)


def word(document: str, **parts: str) -> bytes:
    """Return a Word file with the given main part."""
    with zipfile.ZipFile(SAMPLES / "bridge.docx") as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    return zipped(members | {"word/document.xml": document.encode()} | {k: v.encode() for k, v in parts.items()})


def book(chapter: bytes | str, package: str | None = None) -> bytes:
    """Return an e-book with the given first chapter (and list of contents)."""
    with zipfile.ZipFile(SAMPLES / "week.epub") as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    chapter = chapter.encode() if isinstance(chapter, str) else chapter
    members["OEBPS/text/bridge news.xhtml"] = chapter
    if package is not None:
        members["OEBPS/content.opf"] = package.encode()
    return zipped(members)


def pdf(content: bytes, pages: int = 1, packed: bool = True) -> bytes:
    """Return a PDF that shows the same content on each page."""
    stream = zlib.compress(content, 9) if packed else content
    kids = " ".join(f"{5 + number} 0 R" for number in range(pages))
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Length {len(stream)} {'/Filter /FlateDecode ' if packed else ''}>>\nstream\n".encode()
        + stream
        + b"\nendstream",
    ]
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 3 0 R >> >> >>"
    )
    bodies += [page] * pages
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return bytes(out)


def laughs(root: str, inside: str) -> str:
    """Return XML whose entities grow tenfold nine times (the billion laughs)."""
    entities = "".join(
        f"<!ENTITY {name} '{('&' + chr(ord(name) - 1) + ';') * 10 if name > 'a' else 'ha' * 5}'>"
        for name in "abcdefghij"
    )
    return f"<?xml version='1.0'?><!DOCTYPE {root} [{entities}]>{inside.replace('LAUGH', '&j;')}"


def lengthy(suffix: str, size: int) -> tuple[bytes, bytes]:
    """Return the bytes before and after one line of `size` bytes that make it look like a file of this format."""
    if suffix in (".docx", ".epub", ".zip"):
        name = {".docx": "word/document.xml", ".epub": "META-INF/container.xml", ".zip": "long.csv"}[suffix]
        # Stored without compression. Sizes and checksum are wrong, but reading stops before they are checked.
        info = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, 0, size, size, len(name), 0)
        head = b"PK\x03\x04" + info + name.encode()
        entry = b"PK\x01\x02" + struct.pack("<H", 20) + info + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name.encode()
        end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(head) + size, 0)
        return head, entry + end
    heads = {
        ".html": "<html><body><p>",
        ".pdf": "%PDF-1.7\n",
        ".eml": "From: dana@paper.example\nSubject: ",
        ".mbox": "From dana@paper.example Tue Mar  5 11:00:00 2024\nFrom: dana@paper.example\n\n",
        ".csv": 'title,text\nBridge,"',
        ".jsonl": '{"title": "Bridge", "text": "',
        ".json": '{"title": "Bridge", "text": "',
        ".rss": "<rss version='2.0'><channel><item><description>",
        ".atom": "<feed xmlns='http://www.w3.org/2005/Atom'><entry><summary>",
    }
    return heads.get(suffix, "").encode(), b"\n"


def _made(suffix: str) -> dict[str, Callable[[], bytes]]:
    """Return functions that make malicious files of a format, by the name of the attack."""
    w = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'"
    made: dict[str, dict[str, Callable[[], bytes]]] = {
        ".md": {
            "aliases": lambda: b"---\na: &a [x, x]\n" + b"".join(_alias(n) for n in range(30)) + b"---\nIt rained.\n"
        },
        ".html": {
            "deep": lambda: b"<div>" * 200_000 + b"<p>It rained.",
            "tags": lambda: b"<p><b><i>" * 300_000,
            "attributes": lambda: b"<p " + b" ".join(b"a%d" % n for n in range(300_000)) + b">It rained.",
        },
        ".pdf": {
            "encrypted": lambda: (SAMPLES / "encrypted.pdf").read_bytes(),
            "scan": lambda: (SAMPLES / "scan.pdf").read_bytes(),
            "bomb": lambda: pdf(b" " * 200_000_000),
            "many pages": lambda: pdf(b"BT /F1 9 Tf 9 9 Td (" + b"It rained. " * 5000 + b") Tj ET", pages=2000),
        },
        ".docx": {
            "bomb": lambda: word("<x>" + "0" * 60_000_000 + "</x>"),
            "laughs": lambda: word(
                laughs(
                    "w:document",
                    f"<w:document {w}><w:body><w:p><w:r><w:t>LAUGH</w:t></w:r></w:p></w:body></w:document>",
                )
            ),
            "deep": lambda: word(f"<w:document {w}><w:body>" + "<w:p>" * 100_000),
            "paragraphs": lambda: word(f"<w:document {w}><w:body>{'<w:p/>' * 3_000_000}</w:body></w:document>"),
        },
        ".epub": {
            "bomb": lambda: book(b"<p>" + b"0" * 60_000_000),
            "laughs": lambda: book(
                "<p>x", laughs("package", "<package><metadata><title>LAUGH</title></metadata></package>")
            ),
            "laughing chapter": lambda: book(laughs("html", "<html><body><p>LAUGH</p></body></html>")),
        },
        ".eml": {
            "header": lambda: b"Subject: " + b"a b" * 3_000_000 + b"\n\nIt rained.",
            "parts": lambda: b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 200_000,
            "fields": lambda: b"a:b\n" * 5_000_000,
            "matryoshka": lambda: b"Content-Type: message/rfc822\n\n" * 5000,
        },
        ".mbox": {"separators": lambda: b"From a Tue Mar  5 11:00:00 2024\n\n" * 50_000},
        ".txt": {"blanks": lambda: b" " * 40_000_000 + b".", "one odd letter": lambda: b"a" * 40_000_000 + b"\xe9"},
        ".csv": {
            "quote left open": lambda: b'title,text\nBridge,"' + b"It rained.\n" * 2_000_000,
            "no text column": lambda: b"a,b\n1,2\n",
            "bad rows": lambda: b"title,text\n" + b"a,b,c,d\n" * 100_000,
        },
        ".jsonl": {
            "deep": lambda: b"[" * 1_000_000 + b"\n" + b'{"a":' * 1_000_000,
            "objects": lambda: b'{"a": 1}\n' * 100_000,
        },
        ".json": {"deep": lambda: b"[" * 1_000_000, "lists": lambda: b"[" + b"[],[]," * 2_000_000 + b"[]]"},
        ".rss": {
            "laughs": lambda: laughs(
                "rss", "<rss version='2.0'><channel><item><title>LAUGH</title></item></channel></rss>"
            ).encode(),
            "deep": lambda: b"<rss version='2.0'><channel><item><description>" + b"<b>" * 100_000,
            "entries": lambda: b"<rss version='2.0'><channel>" + b"<item/>" * 2_500_000,
        },
        ".zip": {
            "bomb": lambda: zipped({"a.txt": b"0" * 60_000_000, "b.txt": b"0" * 60_000_000}),
            "recursive": lambda: nested(20),
            "locked": lambda: locked(),
            "unusual method": lambda: zipped({"a.txt": "It rained."}, zipfile.ZIP_LZMA),
            "paths": lambda: zipped(
                {"../../etc/passwd.txt": "It rained.", "/etc/shadow.txt": "It rained.", "C:\\x.txt": "It."}
            ),
            "many members": lambda: zipped({f"{n}.txt": "" for n in range(20_000)}),
        },
    }
    return made.get(suffix, {})


def _alias(number: int) -> bytes:
    before = chr(ord("a") + number) if number < 26 else f"a{number}"
    after = chr(ord("b") + number) if number < 25 else f"a{number + 1}"
    return f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n".encode()
