"""Read e-mail: single messages, and mailboxes of many messages."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32
from email.utils import getaddresses

from rag.errors import DocumentError
from rag.load.article import MAX_BYTES, Article, Input, clean, one_line
from rag.load.charset import decode
from rag.load.contain import contained
from rag.load.formats.html import meant, prose
from rag.types import Note

# The line before each message of a mailbox, with an address and a time.
_FROM = re.compile(rb"From \S.*\d:\d\d.*")
_LINE = 1 << 20
_PARTS = 100  # parts that are read of one message
_HEADER = 10_000
# Each part and each header takes a hundred times its size in memory.
_SEPARATORS, _FIELDS = 10_000, 100_000
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
        headers = {name: _header(message, name) for name in ("Subject", "Date", "Content-Language", "From")}
        parts = [part for part in itertools.islice(message.walk(), _PARTS) if not part.is_multipart()]
    except MemoryError:
        raise
    except Exception as error:  # hostile mail breaks the parser in ways that no list of exceptions covers
        raise DocumentError(f"{file.source} holds a broken message; save its text and add that") from error
    if not message.keys():
        raise DocumentError(f"{file.source} is no e-mail (it has no headers); save it as text")
    text, detected = _text(parts, file.source)
    if detected:
        yield Note(file.source, f"{f'message {member} ' if member else ''}read as {detected} (detected)", failed=False)
    names = getaddresses([headers["From"]])
    if text:
        yield Article(
            text=text,
            title=headers["Subject"],
            date=headers["Date"],
            author=one_line(names[0][0] or names[0][1]) if names else "",
            language=headers["Content-Language"],
            member=member,
        )
    attached = [part for part in parts if _filename(part)]
    for part in attached:
        name = f"{member}/{_filename(part)}" if member else _filename(part)
        yield file.part(name, io.BytesIO(_payload(part)))
    if not text and not attached:
        raise DocumentError(f"{file.source} holds a message without text; remove it")


def _header(message: Message, name: str) -> str:
    raw = str(message.get(name, ""))
    try:
        return one_line(str(make_header(decode_header(raw))))
    except (HeaderParseError, LookupError, ValueError):  # wrongly encoded, or in an unknown encoding
        return one_line(raw)


def _text(parts: Sequence[Message], source: str) -> tuple[str, str]:
    """Return the message's text, from the plain version unless that is a stub, and the encoding if it was detected."""
    found: dict[str, str] = {}
    encoding = ""
    for part in parts:
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and not _filename(part):
            content, detected = _decode(part, source)
            text = prose(content) if kind == "text/html" else clean(content)
            found[kind] = "\n\n".join(filter(None, (found.get(kind, ""), text)))
            encoding = encoding or detected
    plain, html = found.get("text/plain", ""), found.get("text/html", "")
    return (plain if 2 * len(plain) >= len(html) else html), encoding


def _decode(part: Message, source: str) -> tuple[str, str]:
    raw = _payload(part)
    declared = str(part.get_content_charset() or "us-ascii")
    if declared != "us-ascii":  # us-ascii is the default, whatever the content is
        try:
            return raw.decode(meant(declared), "replace"), ""
        except (LookupError, ValueError):  # an unknown encoding
            pass
    return decode(raw, source) if raw.strip() else ("", "")


def _payload(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except Exception:  # a broken transfer encoding; nothing can be read of this part
        return b""
    return payload if isinstance(payload, bytes) else b""


def _filename(part: Message) -> str:
    try:
        return one_line(part.get_filename() or "")
    except Exception:  # may be wrongly encoded, like the headers
        return ""
