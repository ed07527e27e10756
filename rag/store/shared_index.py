"""A library in PostgreSQL: many processes read and write it, and each has its own indexes that follow the changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rag.errors import StoreError, StoreLockedError, VectorServerError
from rag.store.derived import Derived
from rag.store.documents import DocumentStore
from rag.store.index import Index
from rag.store.postgres import PostgresDatabase, schema_of
from rag.store.replica import Replica
from rag.store.vector_server import ChromaServer
from rag.store.vectors import VectorStore
from rag.types import Document, File

_HOME = "vectors"  # where the vectors are: on this server, or with each process for itself
_MOST = 64  # processes on one machine with the same store folder


class SharedIndex(Index):
    """One library in PostgreSQL, opened with `SharedIndex.connect` by each process that uses it.

    Writers take turns, one batch each. Reading never waits. The lexical index is in the process's own folder; so are
    the vectors, unless a Chroma server has them for all.
    """

    @classmethod
    def connect(cls, store: Path, url: str, collection: str, embedding: str, chroma: ChromaServer | None) -> Index:
        """Open the library, creating it if it is missing, and finish what a crash interrupted.

        Args:
            store: The folder below which each process has a folder for its indexes.
            url: `postgresql+psycopg://user:password@host:port/name`.
            collection: The name of the collection.
            embedding: Name of the embedding model. It has to be the one that the library was made with.
            chroma: The server that keeps the vectors for all processes; each has its own when left out.

        Raises:
            StoreMismatchError: The library was made with another embedding model or a newer layout.
            StoreError: The database or the folder cannot be used, or the vectors are elsewhere.
        """
        above = store.expanduser().resolve() / "replicas"

        def make() -> Index:
            for number in range(_MOST):
                try:
                    return cls(above / f"{schema_of(collection)}-{number}", embedding, chroma, url, collection)
                except StoreLockedError:  # another process on this machine has that one
                    continue
            raise StoreError(f"{_MOST} processes use folders in {above} already; use another store with --store")

        return cls._shared((url, collection), make, embedding, chroma)

    def __init__(self, folder: Path, embedding: str, chroma: ChromaServer | None, url: str, collection: str) -> None:
        self._url, self._collection = url, collection
        self._replica: Replica | None = None
        super().__init__(folder, embedding, chroma)

    @property
    def name(self) -> str:
        """Return how the library is called in messages."""
        return f"the library in {self._database.where}"

    def lag(self) -> int:
        """Return how many changes of the library this process has still to follow.

        Raises:
            StoreError: The database cannot be reached.
        """
        return max(0, super().version - self._following.version)

    @property
    def version(self) -> int:
        """Return the library's version, after bringing the indexes there."""
        version = super().version
        self._following.reach(version)
        return version

    @property
    def _following(self) -> Replica:
        assert self._replica is not None, "the index is open"
        return self._replica

    def _open_documents(self, embedding: str) -> DocumentStore:
        self._database = PostgresDatabase(self._url, self._collection)
        self._write_lock = self._database.turn
        documents = DocumentStore(self._database)
        try:
            documents.first_meta("embedding", embedding)
        except StoreError:
            documents.close()
            raise
        return documents

    def _begin(self) -> None:
        kept = self.documents.first_meta(_HOME, self.vectors.home)
        if kept != self.vectors.home:
            given = f"set chroma to {kept.split()[0]}" if kept else "unset chroma"
            raise StoreError(f"{self.name} has its vectors {_place(kept)}, not {_place(self.vectors.home)}; {given}")
        own: VectorStore | None = None if self.vectors.home else self.vectors
        self._derived = Derived(self.documents, None if own else self.vectors, None)
        self._replica = Replica(self.folder, self.documents, self.lexical, own)
        self._passages.reach = self._replica.reach
        self._unfinished = False  # what others left is found in the database
        with self._catch_up.on(VectorServerError):
            self._make_whole()
        self._replica.start()

    def _make_whole(self) -> None:
        """Finish what a killed process left, and fill the server's vectors if some are missing.

        While another process writes there is nothing to do: it does so first.
        """
        with self._database.turn.if_free() as free:
            if free:
                self.settle()
                if self.vectors.home and self.vectors.count() != self.documents.count()[1]:
                    self.repair(documents=False)

    def settle(self) -> None:
        """Finish what this process or a killed one left, without embedding anything."""
        with self._write_lock:
            if self._unfinished or self._has_rest():
                self._settle()

    def _has_rest(self) -> bool:
        with self.documents.snapshot() as view:
            return bool(
                view.rows("SELECT 1 FROM documents WHERE state != 'live' LIMIT 1")
                or view.rows("SELECT 1 FROM arrivals LIMIT 1")
            )

    def _settle(self, finished: Sequence[File] = (), retold: Sequence[Document] = ()) -> None:
        super()._settle(finished, retold)
        self._following.follow()

    def problems(self) -> Iterator[str]:
        """Return everything that is wrong with the library and the indexes here. Writers wait meanwhile."""
        with self._write_lock:
            self.settle()
            self._following.follow()
            return super().problems()

    def check(self) -> None:
        """Check once that the library is sound; see `Index.check`."""
        if self._sound or self.vectors.down or self._catch_up.pending:
            return
        with self._write_lock, self._catch_up.on(VectorServerError):
            self.settle()
            self._following.follow()
            super().check()

    def repair(self, documents: bool = True) -> list[str]:
        """Repair the vectors and the indexes here from the documents; see `Index.repair`."""
        with self._write_lock, self._following.lock:
            self._following.follow()
            return super().repair(documents)

    def close(self, discard: bool = False) -> None:
        """Close the library for one user. An empty collection is kept: another process may be about to fill it."""
        super().close()

    def _stop(self) -> None:
        super()._stop()
        if self._replica is not None:
            self._replica.stop()

    def _caught_up(self) -> None:
        self.vectors.reach()  # before the turn is taken
        self._make_whole()
        self._sound = False


def _place(home: str) -> str:
    return f"on the Chroma server {home.split()[0]}" if home else "with each process"
