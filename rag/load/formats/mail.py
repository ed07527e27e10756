"""Read e-mail: single messages, and mailboxes of many messages."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from email.utils import getaddresses

from rag.errors import DocumentError
from rag.load.article import MAX_BYTES, Article, Input, clean, one_line
from rag.load.charset import interpret, meant
from rag.load.contain import contained
from rag.load.formats.html import decode_page, decoded_prose
from rag.types import Note

# The line before each message of a mailbox, with an address and a time.
_FROM = re.compile(rb"From \S.*\d:\d\d.*")
_LINE = 1 << 20
_PARTS = 100  # parts that are read of one message
_HEADER = 10_000
# Each part and each header takes a hundred times its size in memory.
_SEPARATORS, _FIELDS = 10_000, 100_000
# A name with a comma that should be in quotes: `Kern, Ada <ada@example.org>`.
_UNQUOTED = re.compile(r'([^"<>@;:]*,[^"<>@;:]*)<[^<>]*>\s*\Z')
_HTML = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body|div|p|table)\b", re.IGNORECASE)
_BOUNDARY = re.compile(rb"\s*--([\w'()+,./:=?-]{1,70})[ \t]*\r?\n")
_FIELD = re.compile(rb"^[!-9;-~]+:", re.MULTILINE)


class _Bounded(Compat32):
    """Cuts headers to a maximum length: the time to parse one grows with the square of its length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_HEADER]


_POLICY = _Bounded()


def read_message(file: Input) -> Iterator[Article | Note | Input]:
    """Yield the article of one message, and its attachments."""
    yield from _message(file.read(), file, "")


def read_mailbox(file: Input) -> Iterator[Article | Note | Input]:
    """Yield the article and attachments of each message of a mailbox in mbox format."""
    for number, raw in enumerate(_split(file), 1):
        if raw is None:
            yield Note(file.source, f"message {number} is larger than {MAX_BYTES // 1_000_000} MB")
            continue
        yield from contained(file.source, f"message {number}", _message, raw, file, str(number))


def starts_mailbox(head: bytes, suffix: str) -> bool:
    """Return whether a file with a message's suffix holds a mailbox. Other files may just start with such a line."""
    return suffix == ".eml" and bool(_FROM.match(head))


def _split(file: Input) -> Iterator[bytes | None]:
    """Yield the messages of a mailbox, with None for one that is too large."""
    file.file.seek(0)
    message: list[bytes] = []
    size = 0
    after_blank, inside, line_start = True, False, True
    while line := file.file.readline(_LINE):
        if line_start and after_blank and _FROM.match(line):
            if inside:
                yield b"".join(message) if size <= MAX_BYTES else None
            message, size, inside = [], 0, True
        elif inside:
            size += len(line)
            if size > MAX_BYTES:
                message = []
            else:
                message.append(line[1:] if line_start and re.match(rb">+From ", line) else line)
        after_blank = line_start and not line.strip()
        line_start = line.endswith(b"\n")
    if not inside:
        raise DocumentError(f"{file.source} is no mailbox (no line starts with From); save a single message as .eml")
    yield b"".join(message) if size <= MAX_BYTES else None


def _message(raw: bytes, file: Input, member: str) -> Iterator[Article | Note | Input]:
    if raw.count(b"\n--") > _SEPARATORS or next(itertools.islice(_FIELD.finditer(raw), _FIELDS, None), None):
        raise DocumentError(f"{file.source} holds a message of very many parts or headers; save its text and add that")
    try:
        message = message_from_bytes(raw, policy=_POLICY)
        headers = {name: _decoded(_header(message, name)) for name in ("Subject", "Date", "Content-Language")}
        sender = _sender(_header(message, "From"))
        parts = list(itertools.islice(_leaves(message), _PARTS))
    except MemoryError:
        raise
    except Exception as error:  # hostile mail breaks the parser in ways that no list of exceptions covers
        raise DocumentError(f"{file.source} holds a broken message; save its text and add that") from error
    if not message.keys():
        raise DocumentError(f"{file.source} is no e-mail (it has no headers); save it as text")
    label = f"message {member}" if member else ""
    text, notes = _text(parts, file.source, label)
    text = text or _preamble(message)
    attached = [part for part in parts if _filename(part)]
    if not text and not attached:
        raise DocumentError(notes[0].text if notes else f"{file.source} holds a message without text; remove it")
    yield from notes
    if text:
        yield Article(
            text=text,
            title=headers["Subject"],
            date=headers["Date"],
            author=sender,
            language=headers["Content-Language"],
            member=member,
        )
    for part in attached:
        name = f"{member}/{_filename(part)}" if member else _filename(part)
        yield from contained(file.source, label, _attachment, part, file, name)


def _attachment(part: Message, file: Input, name: str) -> Iterator[Input]:
    yield file.part(name, io.BytesIO(_content(part)))


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts that hold content, also those between other boundaries than the header declares."""
    for part in itertools.islice(message.walk(), _PARTS):
        if part.is_multipart():
            continue
        bounded = _BOUNDARY.match(_payload(part)) if part.get_content_maintype() == "multipart" else None
        if bounded is None:
            yield part
            continue
        head = b'Content-Type: multipart/mixed; boundary="%b"\n\n' % bounded[1]
        inner = message_from_bytes(head + _payload(part), policy=_POLICY)
        yield from (each for each in inner.walk() if not each.is_multipart())


def _preamble(message: Message) -> str:
    """Return what stands before the parts of a message; it is the text if the parts hold none."""
    raw = str(message.preamble or "").encode("utf-8", "surrogateescape")
    return clean(interpret(raw, message.get_content_charset() or "").text)


def _header(message: Message, name: str) -> str:
    """Return a header as it was written, on one line; bytes that are not ASCII are decoded like the message's."""
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    if not raw.isascii():
        charset = message.get_content_charset() or ""
        raw = interpret(raw.encode("utf-8", "surrogateescape"), charset).text
    return " ".join(raw.split())


def _decoded(header: str) -> str:
    """Return a header with its encoded words decoded: `=?iso-8859-1?q?Caf=E9?=` gives `Café`."""
    try:
        return one_line("".join(_word(*part) for part in decode_header(header)))
    except (HeaderParseError, ValueError):  # wrongly encoded
        return one_line(header)


def _word(part: str | bytes, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    # `decode_header` returns what is not encoded in this form.
    return interpret(part, charset).text if charset else part.decode("raw-unicode-escape")


def _sender(header: str) -> str:
    """Return the first name in a header of addresses, or else its address.

    The header is taken apart before it is decoded: in an encoded word, a comma is part of the name.
    """
    if unquoted := _UNQUOTED.match(header):
        return _decoded(unquoted[1])
    names = getaddresses([header])
    return _decoded(names[0][0]) or one_line(names[0][1]) if names and any(names[0]) else _decoded(header)


def _text(parts: Sequence[Message], source: str, label: str) -> tuple[str, list[Note]]:
    """Return the message's text, from the plain version unless that is a stub, and notes on how it was read."""
    found: dict[str, str] = {}
    notes: list[Note] = []
    for part in parts:
        kind = part.get_content_type()
        if kind.startswith("multipart/"):  # whose parts are not marked or not there: it is all one text
            kind = "text/html" if _HTML.match(_payload(part)) else "text/plain"
        if kind not in ("text/plain", "text/html") or _filename(part):
            continue
        for item in contained(source, label, _part, part, kind, source, label):
            if isinstance(item, Note):
                notes.append(item)
            else:
                found[kind] = "\n\n".join(filter(None, (found.get(kind, ""), item)))
    plain, html = found.get("text/plain", ""), found.get("text/html", "")
    return (plain if 2 * len(plain) >= len(html) else html), notes


def _part(part: Message, kind: str, source: str, label: str) -> Iterator[str | Note]:
    """Yield a part's text, and a note if it was read in an unusual way."""
    raw, charset = _payload(part), _charset(part)
    if kind == "text/html":
        _, text, notice = decoded_prose(decode_page(raw, charset), source)
    else:
        decoded = interpret(raw, charset)
        text, notice = clean(decoded.text), decoded.notice(source)
    if notice:
        yield Note(source, f"{label} {notice}".strip(), failed=False)
    yield text


def _content(part: Message) -> bytes:
    """Return an attachment's bytes; as UTF-8 if it is a text that the mail declares to be in another encoding."""
    raw, charset = _payload(part), _charset(part)
    if not charset or part.get_content_maintype() != "text" or meant(charset) == "utf-8":
        return raw
    decoded = interpret(raw, charset)
    return raw if decoded.marked or decoded.detected else decoded.text.encode("utf-8", "replace")


def _charset(part: Message) -> str:
    """Return the encoding that a part declares; empty for ASCII, which is the default whatever the content is."""
    declared = str(part.get_content_charset() or "")
    return "" if declared in ("ascii", "us-ascii") else declared


def _payload(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except Exception:  # a broken transfer encoding; nothing can be read of this part
        return b""
    return payload if isinstance(payload, bytes) else b""


def _filename(part: Message) -> str:
    try:
        return _decoded(part.get_filename() or "")
    except Exception:  # may be wrongly encoded, like the headers
        return ""
