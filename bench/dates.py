"""Measure how often the date of a web page is found, and found right: `python -m bench.dates FOLDER`.

FOLDER is `tests` of a checkout of https://github.com/adbar/htmldate, which has a thousand pages with their dates.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import trafilatura

from rag.load.formats.page_date import page_date

_LISTS = ("eval_default.json", "eval_mediacloud_2020.json")
_FOLDERS = ("test_set", "cache", "eval")


def main() -> None:
    """Print accuracy and precision, and with `--errors` the pages whose date is wrong or missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--errors", action="store_true")
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    for address, page in _pages(given.folder):
        found = page_date(trafilatura.load_html(_read(given.folder, page["file"])))[:10]
        date = page["date"] if isinstance(page["date"], str) else ""  # some pages have no date
        state = "right" if found == date else "wrong" if found else "missing"
        counts[state] += 1
        counts["dated"] += bool(found)
        counts["dated rightly"] += bool(found) and found == date
        if given.errors and state != "right":
            print(f"{state}: {found or 'no date'} instead of {date or 'no date'}: {address}")
    accuracy = counts["right"] / max(1, counts["right"] + counts["wrong"] + counts["missing"])
    precision = counts["dated rightly"] / max(1, counts["dated"])
    print(f"{counts['right']} right, {counts['wrong']} wrong, {counts['missing']} missing")
    print(f"accuracy {accuracy:.3f}, precision {precision:.3f}")


def _pages(folder: Path) -> list[tuple[str, dict[str, str]]]:
    return [entry for name in _LISTS for entry in json.loads((folder / name).read_text(encoding="utf-8")).items()]


def _read(folder: Path, name: str) -> bytes:
    path = next(path for each in _FOLDERS if (path := folder / each / name).exists())
    return path.read_bytes()


if __name__ == "__main__":
    main()
