"""Decode bytes as the web does (WHATWG Encoding), whatever they declare, and read lines of bounded length.

What is valid UTF-8 is UTF-8. A few bytes that fit no encoding are no reason to refuse a text: they are replaced, and a
notice says so.
"""

from __future__ import annotations

import codecs
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import webencodings

from rag.errors import DocumentError
from rag.load.detection import detect, is_damaged_utf8

BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
MAX_LINE = 10_000_000
_HEAD = 1_000_000
_HIGH = bytes(range(0x80, 0x100))
_ASCII = bytes(range(0x80))
_TOO_LONG = f"is longer than {MAX_LINE // 1_000_000} MB"
_LOST = "\ufffd"
_FEW = 200  # one wrong byte in so many characters is few; more, and the encoding is another
# How XML without a byte order mark begins in two bytes a character; the standard of the web knows it as well.
_XML_STARTS = ((b"<\0?\0x\0", "utf-16-le"), (b"\0<\0?\0x", "utf-16-be"))
_FEW_SURE = 2  # so many are few in any text of twenty characters whose encoding is certain
_MOST_GUESSES = 10_000  # each takes a call
_NULS = 100  # one NUL in so many characters is damage; more, and it is no text
# Short texts of two bytes a character may be valid UTF-8 by chance.
_DOUBLE = frozenset(("gb18030", "big5hkscs", "cp932", "cp949", "euc_jp"))
_CHANCE = 10
# Encodings that the standard of the web leaves out, but mails and old files are in.
_OTHERS = ("cp", "mac-", "utf-", "iso", "koi8", "hz", "johab")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Decoded bytes.

    Args:
        text: The text. Bytes that are not valid in its encoding are read as Windows-1252 where they stand alone between
            ASCII, as those that were pasted from there do, and are U+FFFD elsewhere.
        encoding: The encoding that it was read with.
        label: The encoding that was declared, as it was written; empty if none was.
        is_sure: Whether the encoding is certain, so that a few wrong bytes do not put it in doubt.
        detected: Whether the encoding is neither UTF-8 nor what was declared.
        marked: The text with U+FFFD for every wrong byte, or an empty string if there is none.
        lost: How many characters U+FFFD the text itself has, written in its encoding.
        nuls: How many NUL characters were left out.
    """

    text: str = field(repr=False)
    encoding: str
    label: str = ""
    is_sure: bool = True
    detected: bool = False
    marked: str = field(default="", repr=False)
    lost: int = 0
    nuls: int = 0

    def notice(self, name: str, shown: str | None = None) -> str:
        """Return how the text was read, for a notice; empty if there is nothing to say.

        Args:
            name: What the text is called in messages.
            shown: The part of `marked` that is kept; all of it if left out. Wrong bytes elsewhere, such as in a script,
                do no harm.

        Raises:
            DocumentError: It is no text, or too much of what is kept is not in its encoding.
        """
        if self.nuls > (len(self.text) + self.nuls) // _NULS:
            raise DocumentError(f"{name} holds NUL characters, so it is no text; convert it to UTF-8 text")
        kept = self.marked if shown is None else shown
        wrong = max(0, kept.count(_LOST) - self.lost) if self.marked else 0
        said = self.label or self.encoding.upper()
        if wrong > max(min(_FEW_SURE, len(kept) // 10) if self.is_sure else 0, len(kept) // _FEW):
            at = len(self.marked[: self.marked.index(_LOST)].encode(self.encoding, "replace"))
            raise DocumentError(f"{name} is not {said} text (byte {at}); save it as UTF-8")
        found = [f"read as {self.encoding} (detected)"] if self.detected else []
        if wrong:
            found.append(f"{wrong} of its bytes are not {said}: read as Windows-1252, or replaced by U+FFFD")
        return "; ".join(found)


def meant(label: str) -> str:
    """Return the Python name of the encoding that a label means on the web; empty if it means none.

    Labels of old encodings mean the larger ones that followed them: `gb2312` is GBK, `iso-8859-1` is Windows-1252.
    """
    found = webencodings.lookup(label)
    if found is not None and found.name not in ("replacement", "x-user-defined"):
        return "gb18030" if found.name == "gbk" else found.codec_info.name.lower()
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):  # unknown, or with a NUL or a character that no name has
        return ""
    return name if name.startswith(_OTHERS) else ""


def interpret(raw: bytes, label: str = "") -> Decoded:
    """Decode bytes; wrong ones are replaced. `Decoded.notice` says whether that is good enough.

    Args:
        raw: The bytes.
        label: The encoding that they are declared to be in, if any.
    """
    bom = next((encoding for mark, encoding in (*BOMS, *_XML_STARTS) if raw.startswith(mark)), "")
    declared = bom or meant(label)
    if declared.startswith("utf-16") and b"\0" not in raw and not bom:
        declared = "utf-8"  # a page of single bytes cannot say this of itself
    label = label if declared else ""
    for encoding in (bom,) if bom else _order(raw, declared):
        try:
            return _without_nul(Decoded(raw.decode(encoding), encoding, label))
        except UnicodeError:
            continue
    if bom or is_damaged_utf8(raw):
        encoding, is_sure, detected = bom or "utf-8", True, False
    elif declared != "utf-8" and _mostly(raw, declared):
        encoding, is_sure, detected = declared, True, False
    else:
        found = detect(raw)
        encoding, is_sure, detected = found or "utf-8", bool(declared), bool(found)
    lost = raw.count(_LOST.encode()) if encoding == "utf-8" else 0
    marked = raw.decode(encoding, "replace")
    text = raw.decode(encoding, "stray") if marked.count(_LOST) <= _MOST_GUESSES else marked
    marked = marked if _LOST in marked else ""
    return _without_nul(Decoded(text, encoding, label, is_sure, detected, marked, lost))


def decode(raw: bytes, name: str, label: str = "") -> tuple[str, str]:
    """Return the text of a file's bytes, and a notice on how it was read (empty if there is nothing to say).

    Args:
        raw: The bytes.
        name: The file's name in messages.
        label: The encoding that is declared, if any.

    Raises:
        DocumentError: The bytes are no text, hold none, or are in an encoding that is uncertain.
    """
    decoded = interpret(raw, label)
    notice = decoded.notice(name)
    if not decoded.text.strip():
        raise DocumentError(f"{name} is empty; remove it or fill it")
    if decoded.nuls:
        notice = "; ".join(filter(None, (notice, f"{decoded.nuls} NUL characters were left out")))
    return decoded.text, notice


def encoding_of(file: BinaryIO, name: str) -> tuple[str, str]:
    """Return the encoding for reading a large file's lines, and the same again if it had to be detected (else empty).

    Raises:
        DocumentError: The start of the file is not text, or its encoding is uncertain.
    """
    file.seek(0)
    head = file.read(_HEAD)
    if mark := next((encoding for bom, encoding in BOMS if head.startswith(bom)), ""):
        return mark, ""
    whole = head if len(head) < _HEAD else head[: head.rfind(b"\n") + 1] or head.rstrip(_HIGH)
    decoded = interpret(whole)
    try:
        decoded.notice(name)
    except DocumentError:
        # A few bad lines among good ones fail by themselves; they do not make the whole file fail.
        parts = whole.splitlines()
        if 2 * sum(not _line(part, "utf-8")[1] for part in parts) <= len(parts) or not whole.strip():
            raise
        return "utf-8", ""
    if not whole.strip():
        raise DocumentError(f"{name} is empty; remove it or fill it")
    return decoded.encoding, decoded.encoding if decoded.detected else ""


def lines(file: BinaryIO, encoding: str, mended: list[int]) -> Iterator[tuple[str, str]]:
    """Yield the lines of a file with their line ends, each with the reason why it cannot be read (empty if it can).

    Memory use is bounded, whatever the file holds.

    Args:
        file: The file.
        encoding: What `encoding_of` returned for it.
        mended: Takes the numbers of the lines in which wrong bytes were replaced.
    """
    file.seek(0)
    if encoding == "utf-16":
        yield from _wide_lines(file)
        return
    number = 0
    while raw := file.readline(MAX_LINE + 1):
        number += 1
        if len(raw) > MAX_LINE:
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(MAX_LINE)
            yield "", _TOO_LONG
            continue
        text, problem, is_mended = _line(raw, encoding)
        encoding = "utf-8" if encoding == "utf-8-sig" else encoding  # a byte order mark further on is text
        if is_mended:
            mended.append(number)
        yield text, problem


def mended_notice(mended: list[int]) -> str:
    """Return the notice on lines in which wrong bytes were replaced."""
    more = f" (and {len(mended) - 1:,} more)" if len(mended) > 1 else ""
    return f"line {mended[0]}{more} has wrong bytes: read as Windows-1252, or replaced by U+FFFD"


def _wide_lines(file: BinaryIO) -> Iterator[tuple[str, str]]:
    reader = codecs.getincrementaldecoder("utf-16")("replace")
    rest, problem = "", ""
    for block in iter(lambda: file.read(1 << 16), b""):
        *whole, rest = (rest + reader.decode(block)).split("\n")
        for line in whole:
            problem = problem or ("is no UTF-16 text" if "\ufffd" in line or "\0" in line else "")
            yield ("", problem) if problem else (line + "\n", "")
            problem = ""
        if len(rest) > MAX_LINE:
            rest, problem = "", _TOO_LONG
    if problem or "\ufffd" in rest or "\0" in rest:
        yield "", problem or "is no UTF-16 text"
    elif rest:
        yield rest, ""


def _line(raw: bytes, encoding: str) -> tuple[str, str, bool]:
    """Return a line, or the reason why it cannot be read, and whether bytes of it had to be replaced or left out."""
    try:
        text = raw.decode(encoding)
        if "\0" not in text:
            return text, "", False
    except UnicodeError:
        pass
    # A line is short, so nothing of it may be lost, and little may be guessed.
    few = max(_FEW_SURE, min(_MOST_GUESSES, len(raw) // _FEW))
    text = raw.decode(encoding, "stray") if raw.count(b"\0") <= few and _wrong(raw, encoding) <= few else ""
    if not text or text.count(_LOST) > len(text) // _FEW:
        return "", f"is no {encoding.upper()} text", False
    return text.replace("\0", ""), "", True


def _wrong(raw: bytes, encoding: str) -> int:
    return raw.decode(encoding, "replace").count(_LOST)


def _order(raw: bytes, declared: str) -> tuple[str, ...]:
    """Return the encodings to try, without those that cannot be meant."""
    if not declared:
        return ("utf-8",)
    is_short = declared in _DOUBLE and len(raw.translate(None, _ASCII)) < _CHANCE
    return (declared, "utf-8") if raw.isascii() or is_short else ("utf-8", declared)


def _mostly(raw: bytes, encoding: str) -> bool:
    """Return whether nearly all of what is not ASCII is valid in this encoding."""
    return bool(encoding) and 20 * _wrong(raw, encoding) <= len(raw.translate(None, _ASCII))


def _without_nul(decoded: Decoded) -> Decoded:
    if not (nuls := decoded.text.count("\0")):
        return decoded
    text, marked = decoded.text.replace("\0", ""), decoded.marked.replace("\0", "")
    return dataclasses.replace(decoded, text=text, marked=marked, nuls=nuls)


def _stray(error: UnicodeError) -> tuple[str, int]:
    """Decode what is not valid: one byte alone between ASCII was pasted from Windows-1252."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    raw, start, end = error.object, error.start, error.end
    alone = (
        error.encoding == "utf-8"
        and end - start == 1
        and (raw[max(0, start - 1) : start] + raw[end : end + 1]).isascii()
    )
    return (raw[start:end].decode("cp1252", "replace") if alone else _LOST), end


codecs.register_error("stray", _stray)
