"""Damaged, mislabelled and hostile files of every format: read or reported, never worse. bench/fuzz.py tries more."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest
from broken import WHOLE, cases, lengthy

from rag import Document, DocumentError
from rag.load import article, charset
from rag.load.files import read, read_bytes
from rag.load.formats import feed, html, mail, rows, word

pytestmark = pytest.mark.long

# Each takes long, and bench/fuzz.py has them.
SLOW = set(
    "attributes|bad rows|blanks|deep|entries|fields|lists|many pages|objects|one odd letter|paragraphs|quote left open|"
    "separators|tags".split("|")
)
PEAK = 600_000_000  # bytes more than before; what the readers may take is below


@pytest.mark.parametrize("sample", WHOLE)
def test_nothing_is_fatal_and_nothing_is_silent(sample: str) -> None:
    for case in cases(sample, 6, without=SLOW):
        said = False
        try:
            for item in read_bytes(case.raw, case.name):
                said = said or isinstance(item, Document) or item.failed
        except DocumentError as error:
            said = "\n" not in str(error)
        assert said, case


@pytest.mark.parametrize("sample", [name for name in WHOLE if Path(name).suffix not in (".md", ".atom")])
def test_one_endless_line(sample: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits are lowered, so that a line of 20 MB is what one of a gigabyte is else."""
    for module, name in (
        (article, "MAX_BYTES"),
        (mail, "MAX_BYTES"),
        (charset, "MAX_LINE"),
        (rows, "MAX_LINE"),
        (rows, "MAX_JSON"),
        (html, "MAX_HTML"),
        (feed, "MAX_FEED"),
        (word, "MAX_XML"),
    ):
        monkeypatch.setattr(module, name, 100_000)
    suffix = Path(sample).suffix
    path = tmp_path / f"a{suffix}"
    head, end = lengthy(suffix, 20_000_000)
    with path.open("wb") as file:
        file.write(head)
        for _ in range(20):
            file.write(b"It rained. " * 90_909 + b".")  # a million bytes
        file.write(end)
    before = _peak()
    try:
        failed = [item for item in read(path, path.name) if not isinstance(item, Document) and item.failed]
    except DocumentError as error:
        assert "\n" not in str(error) and ";" in str(error)
    else:
        assert failed
    assert _peak() - before < PEAK


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1000)
