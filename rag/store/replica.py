"""The indexes that one process has for itself of a library in PostgreSQL, kept up to date by its change log."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from rag.errors import StoreError
from rag.language.words import VERSION
from rag.store import change_log
from rag.store.derived import entry
from rag.store.documents import DocumentStore
from rag.store.lexical import LexicalIndex
from rag.store.vectors import VectorStore
from rag.store.view import View

_log = logging.getLogger(__name__)
_MARK = "followed.json"  # up to where the indexes in the folder are
_PAGE = 500  # passages read and written at a time
_EVERY = 1.0  # seconds between looks at the log while nobody asks


class Replica:
    """Follows a library's change log; safe to use from several threads.

    Args:
        folder: The folder of the indexes.
        documents: The library.
        lexical: The index of the articles' terms.
        vectors: The vectors, if this process has them for itself.
    """

    def __init__(
        self, folder: Path, documents: DocumentStore, lexical: LexicalIndex, vectors: VectorStore | None
    ) -> None:
        self._folder, self._documents = folder, documents
        self._lexical, self._vectors = lexical, vectors
        self.lock = threading.RLock()  # whoever writes to the indexes holds it
        self._version = -1  # what the indexes hold at least: the library as of this version
        self._mark = self._read_mark()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dateline-follow", daemon=True)

    def start(self) -> None:
        """Bring the indexes up to date, made again if need be, and follow the log from now on."""
        with self.lock:
            self.follow()
            with self._documents.snapshot() as view:
                whole = view.version() != self._version or self._lexical.count() == view.count()[2]
            if not whole:
                _log.warning("the indexes in %s did not match the library; rebuilding them", self._folder)
                self._mark = None
                self.follow()
        self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def version(self) -> int:
        """Return the library's version that the indexes hold at least."""
        return self._version

    def reach(self, version: int) -> None:
        """Make sure that the indexes hold what the library held at this version; they may hold what came later.

        Raises:
            StoreError: The database or an index failed.
        """
        if self._version < version:
            self.follow()

    def follow(self) -> None:
        """Bring the indexes up to date with the library as it is now.

        Raises:
            StoreError: The database or an index failed.
        """
        with self.lock, self._documents.snapshot() as view:
            version, last = view.version(), change_log.newest(view)
            mark: dict[str, object] = {"library": view.meta("library"), "terms": VERSION, "change": last}
            if self._mark != mark:
                same = self._mark is not None and all(self._mark[key] == mark[key] for key in ("library", "terms"))
                done = int(str(self._mark["change"])) if same and self._mark else -1
                changed = change_log.since(view, done) if done >= 0 else None
                if changed is None:
                    self._build(view)
                else:
                    for first in range(0, len(changed), _PAGE):
                        self._renew(view, changed[first : first + _PAGE])
                self._lexical.commit()
                self._keep_mark(mark)
            self._version = version

    def _renew(self, view: View, chunk_ids: Sequence[str]) -> None:
        """Write these passages as the library has them; remove those that it does not have."""
        damaged: dict[int, str] = {}
        found = list(view.chunks(chunk_ids, damaged=damaged))
        for message in damaged.values():
            _log.warning("%s", message)  # `rag doctor` says so too, and the passage is not found
        left = set(chunk_ids) - {chunk.id for chunk, _, _ in found}
        self._lexical.put(entry(chunk, document) for chunk, document, _ in found)
        self._lexical.remove(left)
        if self._vectors is not None:
            self._vectors.put([(chunk, document, vectors[0]) for chunk, document, vectors in found])
            self._vectors.remove(sorted(left))

    def _build(self, view: View) -> None:
        self._forget_mark()
        self._lexical.clear()
        if self._vectors is not None:
            self._vectors.clear()
        for chunk_ids in _pages(view):
            self._renew(view, chunk_ids)

    def _read_mark(self) -> dict[str, object] | None:
        try:
            found = json.loads((self._folder / _MARK).read_text(encoding="utf-8"))
            return {"library": str(found["library"]), "terms": str(found["terms"]), "change": int(found["change"])}
        except (OSError, ValueError, LookupError, TypeError):  # none yet, or cut off: the indexes are made again
            return None

    def _forget_mark(self) -> None:
        self._mark = None
        (self._folder / _MARK).unlink(missing_ok=True)

    def _keep_mark(self, mark: dict[str, object]) -> None:
        path, new = self._folder / _MARK, self._folder / f"{_MARK}.new"
        try:
            new.write_text(json.dumps(mark), encoding="utf-8")
            os.replace(new, path)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}; check the disk's space") from error
        self._mark = mark

    def _run(self) -> None:
        while not self._ended.wait(_EVERY):
            try:
                self.follow()
            except StoreError as error:  # the next question says so, or the next look succeeds
                _log.info("%s", error)


def _pages(view: View) -> Iterator[list[str]]:
    last = 0
    while rows := view.rows("SELECT number, id FROM chunks WHERE number > ? ORDER BY number LIMIT ?", last, _PAGE):
        last = rows[-1][0]
        yield [row[1] for row in rows]
