"""Read the test files of other projects: `python -m bench.suites FOLDER [FOLDER …]`.

A folder is a checkout of such a project: feedparser, mail-parser, pypdf, python-docx or Apache Tika. Each of its feeds,
mails, books and documents is read by itself. The table shows how many were taken, how many were refused with a reason,
and how many of the refused have text by another reader of the format (`doubtful`): these have to be looked at.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from rag.errors import RagError
from rag.load.files import read_bytes
from rag.load.formats.html import prose
from rag.types import Document

_LEAST_CHARS = 50  # less is no article
_READ = frozenset(".eml .mbox .rss .atom .xml .pdf .docx .pptx .odt .odp .ods .rtf .epub .html .htm".split())
_FEEDS = (".rss", ".atom", ".xml")
_MAILS = (".eml", ".mbox")


def main() -> None:
    """Print a row for each folder and format, and with `--errors` the files that were refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--errors", action="store_true", help="print each refused file with the reason")
    parser.add_argument("--suffix", default="", help="the format of files whose names have no suffix, such as .eml")
    parser.add_argument("--every", type=int, default=1, help="read only every Nth file")
    given = parser.parse_args()
    print("| suite | format | files | taken | refused | doubtful | s a file |\n|---|---|---|---|---|---|---|")
    for folder in given.folders:
        counts: dict[str, Counter[str]] = {}
        seconds: dict[str, float] = {}
        for path in list(_files(folder, given.suffix))[:: given.every]:
            suffix = path.suffix.lower() or given.suffix
            started = time.perf_counter()
            why = refusal(path, path.stem + suffix)
            seconds[suffix] = seconds.get(suffix, 0.0) + time.perf_counter() - started
            state = "taken" if not why else "doubtful" if has_text(path, suffix) else "refused"
            counts.setdefault(suffix, Counter())[state] += 1
            if given.errors and why:
                print(f"  {state}: {path.relative_to(folder)}: {why}", flush=True)
        for suffix, count in sorted(counts.items()):
            each = seconds[suffix] / count.total()
            cells = (count.total(), count["taken"], count["refused"] + count["doubtful"], count["doubtful"])
            print(f"| {folder.name} | `{suffix}` | {' | '.join(map(str, cells))} | {each:.2f} |", flush=True)


def refusal(path: Path, name: str) -> str:
    """Return why a file is refused; empty if an article is read from it."""
    try:
        found = list(read_bytes(path.read_bytes(), name))
    except RagError as error:
        return str(error)
    notes = [str(note) for note in found if not isinstance(note, Document)]
    return "" if len(notes) < len(found) else "; ".join(notes) or "nothing was read"


def has_text(path: Path, suffix: str) -> bool:
    """Return whether another reader finds the text of an article in a file; False if there is none for the format."""
    readers: dict[str, Callable[[Path], str]] = {
        ".pdf": _pdf,
        ".docx": _word,
        **dict.fromkeys(_FEEDS, _feed),
        **dict.fromkeys(_MAILS, _mail),
    }
    if (reader := readers.get(suffix)) is None:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return len(" ".join(reader(path).split())) >= _LEAST_CHARS
        except Exception:  # these files are made to break readers
            return False


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (path.suffix.lower() or suffix) in _READ and ".git" not in path.parts:
            yield path


def _feed(path: Path) -> str:
    import feedparser

    entries = feedparser.parse(path.read_bytes()).entries
    said = [part.get("value", "") for entry in entries for part in entry.get("content", ())]
    return " ".join(map(prose, [*said, *(entry.get("summary", "") for entry in entries)]))


def _mail(path: Path) -> str:
    parts = email.message_from_bytes(path.read_bytes(), policy=email.policy.default).walk()
    return " ".join(part.get_content() for part in parts if part.get_content_maintype() == "text")


def _pdf(path: Path) -> str:
    import pypdfium2

    return " ".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(path))


def _word(path: Path) -> str:
    import docx

    return " ".join(docx.Document(str(path)).element.body.itertext())


if __name__ == "__main__":
    main()
