"""Extract the lines of each paragraph from a PDF; runs only in the process of `rag.load.worker`."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterator
from typing import Any

from rag.errors import DocumentError
from rag.load.formats.pdf_columns import GAP, Line, Piece, in_order

MAX_CHARS = 10_000_000
_HYPHEN = 2  # PDFium's code for a hyphen at a line's end together with the line's end
_LINE_ENDS = frozenset((_HYPHEN, ord("\n"), ord("\r")))
_NEAR = 10  # lines before and after that show how wide a column is
_END = tuple('.!?…:"”’»)')


def extract(raw: bytes, source: str) -> dict[str, Any]:
    """Return the lines of each paragraph, the file's metadata, and how many of its pages are broken.

    Raises:
        DocumentError: The file is encrypted or broken, or has too much text.
    """
    import pypdfium2
    import pypdfium2.raw as pdfium

    try:
        document = pypdfium2.PdfDocument(raw)
    except pypdfium2.PdfiumError as error:
        if pdfium.FPDF_GetLastError() in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise DocumentError(f"{source} is encrypted; save it without a password") from error
        raise DocumentError(f"{source} is a broken or truncated PDF; get it again") from error
    blocks: list[list[str]] = []
    bad, count = 0, 0
    for number in range(len(document)):
        try:
            page = document[number]
            text = page.get_textpage()
        except pypdfium2.PdfiumError:
            bad += 1
            continue
        count += text.count_chars()
        if count > MAX_CHARS:
            raise DocumentError(f"{source} holds more than {MAX_CHARS // 10**6} million characters; split it")
        _append(blocks, _blocks(in_order(list(_lines(text, pdfium)))))
        text.close()
        page.close()
    if bad and not blocks:
        raise DocumentError(f"{source} is a PDF whose pages are all broken; get it again")
    return {"meta": document.get_metadata_dict(), "blocks": blocks, "bad": bad}


def _lines(page: Any, pdfium: Any) -> Iterator[Line]:
    """Yield the lines as PDFium joins them, which may run across columns."""
    characters: list[str] = []
    words: list[tuple[str, int, int]] = []  # with the indices of the first and last character
    first = last = -1
    count = page.count_chars()
    for index in range(count + 1):
        code = pdfium.FPDFText_GetUnicode(page.raw, index) if index < count else ord("\n")
        character = chr(code if code < 0x110000 else 0xFFFD)
        if code not in _LINE_ENDS and not character.isspace():
            characters.append(character)
            first, last = (index if first < 0 else first), index
            continue
        if first >= 0:
            words.append(("".join(characters) + ("-" if code == _HYPHEN else ""), first, last))
        characters, first = [], -1
        if code in _LINE_ENDS and words:
            _, base = _origin(page.raw, words[0][1], pdfium)
            size = pdfium.FPDFText_GetFontSize(page.raw, words[0][1])
            yield Line(tuple(_pieces(page.raw, words, size, pdfium)), base, size)
            words = []


def _pieces(text: Any, words: list[tuple[str, int, int]], size: float, pdfium: Any) -> Iterator[Piece]:
    """Yield the runs of words with no wide space between them."""
    run: list[str] = []
    start = end = 0.0
    for word, first, last in words:
        left, right = _edge(text, first, 0, pdfium), _edge(text, last, 1, pdfium)
        if run and left - end > GAP * size:
            yield Piece(" ".join(run), start, end)
            run = []
        start = start if run else left
        run.append(word)
        end = right
    yield Piece(" ".join(run), start, end)


def _edge(text: Any, index: int, which: int, pdfium: Any) -> float:
    """Return where a character begins (`which` is 0) or ends (1)."""
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    pdfium.FPDFText_GetCharBox(text, index, left, right, bottom, top)
    return (left, right)[which].value


def _origin(text: Any, index: int, pdfium: Any) -> tuple[float, float]:
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(text, index, x, y)
    return x.value, y.value


def _blocks(lines: list[Line]) -> list[list[str]]:
    """Return the lines of each paragraph. Space, another font size or a short last line separates paragraphs."""
    pitches = [a.base - b.base for a, b in itertools.pairwise(lines) if 0 < a.base - b.base < 4 * a.size]
    # A low quartile: lines of one paragraph are closest together, even if most paragraphs have only a line or two.
    pitch = sorted(pitches)[len(pitches) // 4] if pitches else 0.0
    blocks: list[list[str]] = []
    for index, line in enumerate(lines):
        near = [n for n in lines[max(0, index - _NEAR) : index + _NEAR] if abs(n.left - line.left) < 5 * line.size]
        if index == 0 or _starts(lines[index - 1], line, pitch, near):
            blocks.append([])
        blocks[-1].append(line.text)
    return blocks


def _starts(before: Line, line: Line, pitch: float, column: list[Line]) -> bool:
    size = max(before.size, line.size, 1.0)
    if before.alone or line.alone:
        return True
    if abs(before.size - line.size) > 0.1 * size:
        return True
    ended = before.text.rstrip().endswith(_END)
    step = before.base - line.base
    if step <= 0 or step > 10 * size:  # the next line is in another column, or beyond a picture
        return ended or line.text.strip()[:1].isupper()
    if step > 1.25 * max(pitch, size):
        return True
    short = before.right < max((n.right for n in column), default=0.0) - 2 * size
    indented = line.left > min((n.left for n in column), default=line.left) + 0.8 * size
    return (ended and (short or indented)) or (short and indented)


def _append(blocks: list[list[str]], page: list[list[str]]) -> None:
    """Add a page's blocks; a sentence that continues on the next page stays in one block."""
    if blocks and page and not blocks[-1][-1].rstrip().endswith(_END) and page[0][0].strip()[:1].islower():
        blocks[-1] += page.pop(0)
    blocks += page
