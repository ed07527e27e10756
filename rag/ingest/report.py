"""Build the report of a sync from its parts as they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rag.ingest.read import Part
from rag.ingest.scan import Found
from rag.reports import IngestReport
from rag.types import File

Progress = Callable[[int, int, str], None]
Pace = Callable[[int, float], None]


class ReportBuilder:
    """Collects the outcome of a sync.

    Args:
        files: All files that were found, in the order of the report.
        known: What the store knew about them.
        progress: Called with (files done, files in total, source) after each file.
        pace: Called by `beat` with (passages embedded so far, share of the bytes done).
    """

    def __init__(
        self,
        files: Sequence[Found],
        known: Mapping[str, File],
        progress: Progress | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.failed: list[tuple[str, str]] = []
        self.notices: list[tuple[str, str]] = []
        self.removed: list[str] = []
        self.gone: set[str] = set()  # files that disappeared since they were found
        self.lost: set[str] = set()  # hashes of files that could not be read completely
        self._states: dict[str, list[tuple[int, str]]] = {"added": [], "replaced": [], "unchanged": []}
        self._fresh: set[str] = set()  # files with passages that had to be embedded
        self._arrived: dict[str, str] = {}  # files that were not known before, and their hashes
        self._moved: set[int] = set()
        self._known, self._progress, self._pace = known, progress, pace
        self._order = {found.key: number for number, found in enumerate(files)}
        self._bytes = sum(found.size for found in files) or 1
        self._passages = self._files_done = self._bytes_done = self._bytes_begun = 0

    def same(self, found: Found) -> None:
        """Record a file that did not change."""
        self._states["unchanged"].append((self._order[found.key], found.source))
        self._finish(found)

    def take(self, part: Part, words: Sequence[str]) -> None:
        """Record the outcome of writing a part.

        Args:
            part: The part that was written.
            words: The outcome for each of its documents: added, replaced or unchanged.
        """
        key = part.found.key
        for (document, _), word in zip(part.documents, words, strict=True):
            self._states[word].append((self._order[key], document.source))
            self._bytes_begun = min(self._bytes_begun + len(document.text), part.found.size)
        self.failed += part.failed
        self.notices += part.notices
        self._passages += part.passages
        if part.passages:
            self._fresh.add(key)
        if part.is_gone:
            self.gone.add(key)
        if part.is_same:
            self.same(part.found)
        elif part.is_last:
            if part.file and not part.is_whole:
                self.lost.add(part.file.hash)
            elif part.file and key not in self._known:
                self._arrived[key] = part.file.hash
            self._finish(part.found)

    def beat(self) -> None:
        """Report the progress to `pace`."""
        if self._pace:
            self._pace(self._passages, (self._bytes_done + self._bytes_begun) / self._bytes)

    def arrivals(self) -> dict[str, list[str]]:
        """Return the keys, by hash, of new files without new content: they may have been moved there."""
        found: dict[str, list[str]] = {}
        for key, digest in self._arrived.items():
            if key not in self._fresh:
                found.setdefault(digest, []).append(key)
        return found

    def moved(self, key: str) -> None:
        """Record that a new file was only moved there."""
        self._moved.add(self._order[key])

    def report(self, seconds: float) -> IngestReport:
        """Return the report."""
        in_order = {state: sorted(found, key=lambda pair: pair[0]) for state, found in self._states.items()}
        return IngestReport(
            added=tuple(source for number, source in in_order["added"] if number not in self._moved),
            replaced=tuple(source for _, source in in_order["replaced"]),
            unchanged=tuple(source for _, source in in_order["unchanged"]),
            moved=tuple(source for number, source in in_order["added"] if number in self._moved),
            removed=tuple(self.removed),
            failed=tuple(self.failed),
            notices=tuple(self.notices),
            passages=self._passages,
            seconds=seconds,
        )

    def _finish(self, found: Found) -> None:
        self._files_done += 1
        self._bytes_done += found.size
        self._bytes_begun = 0
        if self._progress:
            self._progress(self._files_done, len(self._order), found.source)
