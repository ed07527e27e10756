"""Measure how well the text of web pages is extracted: `python -m bench.pages FOLDER`.

FOLDER is a checkout of one of these, as they are published:

- https://github.com/scrapinghub/article-extraction-benchmark (181 news pages): the score of its `evaluate.py`
- https://github.com/adbar/trafilatura, its folder `tests` (990 pages): the score of its `evaluate.py`
- https://github.com/mozilla/readability, its folder `test/test-pages` (130 pages): the score of the first set, against
  the text of the page that Readability.js gives

Where a set has the whole text, "evidence" is the share of it (in runs of four words) that is in sentences which an
answer may cite.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from statistics import mean

from rag.errors import DocumentError
from rag.load.files import read_bytes
from rag.load.formats.html import prose
from rag.load.passages import sentences
from rag.types import Document

_WORD = re.compile(r"\w+")
_RUN = 4  # words; as in evaluate.py of article-extraction-benchmark


@dataclass(frozen=True)
class Page:
    """A page with its right text, or with pieces that its text must have and must not have."""

    name: str
    html: bytes
    text: str = ""
    inside: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


def main() -> None:
    """Print precision, recall and F1 over a set, and with `--errors` the worst pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--errors", action="store_true", help="print a line for each page that is not right")
    given = parser.parse_args()
    started, pages = time.perf_counter(), list(pages_of(given.folder))
    rows: list[tuple[float, float, float]] = []  # precision, recall, evidence; of pieces: right, wrong, missing
    refused = 0
    for page in pages:
        document, why = extracted(page)
        refused += document is None
        rows.append(score(page, document))
        if given.errors and (why or min(rows[-1][:2]) < 1):
            print(f"{page.name}: {why or ' '.join(f'{value:.3f}' for value in rows[-1])}")
    print(f"{len(pages)} pages, {refused} refused, {(time.perf_counter() - started) / len(pages):.2f} s a page")
    print(summary(rows, bool(pages[0].text)))


def pages_of(folder: Path) -> Iterator[Page]:
    """Yield the pages of a set."""
    if (truth := folder / "ground-truth.json").exists():
        for name, entry in json.loads(truth.read_text(encoding="utf-8")).items():
            packed = (folder / "html" / f"{name}.html.gz").read_bytes()
            yield Page(name, gzip.decompress(packed), entry["articleBody"])
    elif (listed := folder / "evaldata.json").exists():
        for entry in json.loads(listed.read_text(encoding="utf-8")).values():
            path = next(path for each in ("cache", "eval") if (path := folder / each / entry["file"]).exists())
            yield Page(entry["file"], path.read_bytes(), "", tuple(entry["with"]), tuple(entry["without"]))
    else:
        for path in sorted(folder.glob("*/expected.html")):
            text = prose(path.read_bytes())
            yield Page(path.parent.name, (path.parent / "source.html").read_bytes(), text)


def extracted(page: Page) -> tuple[Document | None, str]:
    """Return what is read from a page, or None and the reason."""
    try:
        found = [item for item in read_bytes(page.html, "page.html") if isinstance(item, Document)]
    except DocumentError as error:
        return None, str(error)
    return (found[0], "") if found else (None, "nothing was read")


def score(page: Page, document: Document | None) -> tuple[float, float, float]:
    """Return precision, recall and evidence; for pieces of a text how many are right, wrong and missing."""
    text = document.text if document else ""
    if not page.text:
        plain = " ".join(text.split())
        right = sum(" ".join(piece.split()) in plain for piece in page.inside)
        return right, sum(" ".join(piece.split()) in plain for piece in page.outside), len(page.inside) - right
    spans = sentences(text, document.title, document.language) if document else []
    cited = " ".join(text[span.start : span.end] for span in spans)
    true, found = _runs(page.text), _runs(text)
    shared = (true & found).total()
    evidence = (true & _runs(cited)).total() / max(1, true.total())
    precision = shared / found.total() if found else nan
    return precision, shared / max(1, true.total()), evidence


def summary(rows: list[tuple[float, float, float]], whole: bool) -> str:
    """Return a line with the figures of a set."""
    first, second, third = (list(column) for column in zip(*rows, strict=True))
    if whole:
        # A page of which nothing was read counts for recall alone, as in evaluate.py.
        precision, recall = mean(value for value in first if not isnan(value)), mean(second)
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        return f"precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}, evidence {mean(third):.3f}"
    right, wrong, missing = sum(first), sum(second), sum(third)
    precision, recall = right / max(1, right + wrong), right / max(1, right + missing)
    return f"precision {precision:.3f}, recall {recall:.3f}, F1 {2 * right / (2 * right + wrong + missing):.3f}"


def _runs(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    return Counter(tuple(words[at : at + _RUN]) for at in range(max(1, len(words) - _RUN + 1)) if words)


if __name__ == "__main__":
    main()
