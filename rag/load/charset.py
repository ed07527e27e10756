"""Decode bytes as UTF-8, by byte order mark or by a certain detection, and read lines of bounded length."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from rag.errors import DocumentError
from rag.language.identify import detect as detect_language

BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
MAX_LINE = 10_000_000
_HEAD = 1_000_000
_SAMPLE = 60_000
_TIE = 0.02  # difference in charset-normalizer's chaos (0 to 1) that does not decide
_CLOSE = 0.1  # difference in its coherence (how well the letters fit a language, 0 to 1) that does not decide
_HIGH = bytes(range(0x80, 0x100))
_TOO_LONG = f"is longer than {MAX_LINE // 1_000_000} MB"
# Which languages an encoding is for. A guess that turns a French article into Lithuanian letters is wrong.
_WESTERN = "en fr de es pt it nl sv no nb nn da fi is ca gl eu ga af id ms"
_CENTRAL = "cs sk pl hu sl hr bs ro sq de"
_LANGUAGES = {
    "cp1252": _WESTERN,
    "latin_1": _WESTERN,
    "cp1250": _CENTRAL,
    "iso8859_2": _CENTRAL,
    "cp1251": "ru uk bg be sr mk",
    "koi8_r": "ru",
    "koi8_u": "uk",
    "cp1253": "el",
    "cp1254": "tr az",
    "cp1255": "he",
    "cp1256": "ar fa ur",
    "cp1257": "lt lv et",
    "cp932": "ja",
    "euc_jp": "ja",
    "gb18030": "zh",
    "big5": "zh",
    "cp949": "ko",
    # Encodings of old machines: rare, but text in them must not be taken for one of those above.
    "cp850": _WESTERN,
    "mac_roman": _WESTERN,
    "cp852": _CENTRAL,
    "mac_latin2": _CENTRAL,
    "cp866": "ru uk bg be",
    "mac_cyrillic": "ru uk bg be sr mk",
}


def decode(raw: bytes, name: str) -> tuple[str, str]:
    """Return the text of a file's bytes, and its encoding if it had to be detected (else empty).

    Raises:
        DocumentError: The file is not text, or its encoding is uncertain.
    """
    encoding = next((encoding for mark, encoding in BOMS if raw.startswith(mark)), "utf-8")
    detected = ""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        detected = detect(raw) if encoding == "utf-8" and b"\0" not in raw else ""
        if not detected:
            raise DocumentError(f"{name} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
        text = _text(raw, detected)
        if not text:
            raise DocumentError(f"{name} is not {detected} text all through; save it as UTF-8") from error
    if "\0" in text:
        raise DocumentError(f"{name} holds NUL characters, so it is no text; convert it to UTF-8 text")
    if not text.strip():
        raise DocumentError(f"{name} is empty; remove it or fill it")
    return text, detected


def detect(raw: bytes) -> str:
    """Return the encoding of bytes that are not UTF-8, or an empty string if it is uncertain.

    charset-normalizer proposes encodings. The language of the decoded text must be one that the encoding is for. If two
    proposals give different texts and neither is clearly better, the encoding is uncertain.
    """
    # Imported here, because few files need it.
    from charset_normalizer import from_bytes

    if _is_damaged_utf8(raw):
        return ""
    sample = _telling(raw)
    fitting: list[tuple[float, float, str, str]] = []
    for match in from_bytes(sample, cp_isolation=list(_LANGUAGES), threshold=0.1):
        language = detect_language(str(match))
        for encoding in dict.fromkeys((match.encoding, *match.could_be_from_charset)):
            name = "cp1252" if encoding == "latin_1" else encoding
            if language in _LANGUAGES.get(name, "").split() and (text := _text(sample, name)):
                fitting.append((match.chaos, match.coherence, name, text))
    if not fitting:
        return ""
    least = min(chaos for chaos, *_ in fitting)
    likely = [proposal[1:] for proposal in fitting if proposal[0] <= least + _TIE]
    coherence, _, text = max(likely, key=lambda proposal: proposal[0])
    if any(other != text and close >= coherence - _CLOSE for close, _, other in likely):
        return ""
    # If several encodings give the same text, the first in the table is the usual one.
    return min((name for *_, name, same in fitting if same == text), key=list(_LANGUAGES).index)


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
    try:
        detected = decode(whole, name)[1]
    except DocumentError:
        # A few bad lines among good ones fail by themselves; they do not make the whole file fail.
        parts = whole.splitlines()
        if 2 * sum(not part.strip() or bool(_text(part, "utf-8")) for part in parts) <= len(parts) or not whole.strip():
            raise
        return "utf-8", ""
    return detected or "utf-8", detected


def lines(file: BinaryIO, encoding: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of a file with their line ends, each with the reason why it cannot be read (empty if it can).

    Memory use is bounded, whatever the file holds.
    """
    file.seek(0)
    if encoding == "utf-16":
        yield from _wide_lines(file)
        return
    while raw := file.readline(MAX_LINE + 1):
        if len(raw) > MAX_LINE:
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(MAX_LINE)
            yield "", _TOO_LONG
            continue
        text = _text(raw, encoding)
        encoding = "utf-8" if encoding == "utf-8-sig" else encoding  # a byte order mark further on is text
        yield text, ("" if text else f"is no {encoding.upper()} text")


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


def _text(raw: bytes, encoding: str) -> str:
    """Return the decoded text, or an empty string if the bytes are not valid text in this encoding."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


def _is_damaged_utf8(raw: bytes) -> bool:
    """Return whether most of what is not ASCII is valid UTF-8: then the text is UTF-8 with errors."""
    kept = raw.decode("utf-8", "ignore")
    return len(kept) - len(kept.encode("ascii", "ignore")) > len(raw) - len(kept.encode())


def _telling(raw: bytes) -> bytes:
    """Return a sample of the lines that are not pure ASCII, or all of a short text."""
    if len(raw) <= _SAMPLE:
        return raw
    found: list[bytes] = []
    size = 0
    for line in raw.splitlines(keepends=True):
        if line.isascii():
            continue
        found.append(line)
        size += len(line)
        if size >= _SAMPLE:
            break
    return b"".join(found)[: 2 * _SAMPLE]
