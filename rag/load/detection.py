"""Find out the encoding of bytes that declare none and are not UTF-8, from their statistics and their language."""

from __future__ import annotations

from rag.language.identify import detect as detect_language

_SAMPLE = 60_000
_TIE = 0.02  # difference in charset-normalizer's chaos (0 to 1) that does not decide
_CLOSE = 0.1  # difference in its coherence (how well the letters fit a language, 0 to 1) that does not decide
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


def detect(raw: bytes) -> str:
    """Return the encoding of bytes that are not UTF-8, or an empty string if it is uncertain.

    charset-normalizer proposes encodings. The language of the decoded text must be one that the encoding is for. If two
    proposals give different texts and neither is clearly better, the encoding is uncertain.
    """
    # Imported here, because few files need it.
    from charset_normalizer import from_bytes

    if is_damaged_utf8(raw):
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


def is_damaged_utf8(raw: bytes) -> bool:
    """Return whether most of what is not ASCII is valid UTF-8: then the text is UTF-8 with errors."""
    kept = raw.decode("utf-8", "ignore")
    return len(kept) - len(kept.encode("ascii", "ignore")) > len(raw) - len(kept.encode())


def _text(raw: bytes, encoding: str) -> str:
    """Return the decoded text, or an empty string if the bytes are not valid text in this encoding."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


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
