"""The articles of a collection: add, read and remove them, and open the other collections of the same store."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import DocumentError, StoreError
from rag.models.runtime import Models
from rag.reports import IngestReport
from rag.settings import DEFAULT_COLLECTION, Settings
from rag.store.opening import collection_names, open_index
from rag.types import Document, SourceInfo

# Reading files takes seconds to import, so it is imported where it is used.
if TYPE_CHECKING:
    from rag.ingest.ray_cluster import RayWorkers
    from rag.ingest.sync import Pace, Progress


class Library:
    """The articles of one collection.

    Args:
        settings: The configuration, which names the store and the collection.
        models: The models; only the one that embeds articles is used.
        create: Whether the collection is made if it does not exist. The default one always is.

    Raises:
        CollectionError: There is no such collection.
        StoreError: The store cannot be opened; see its subclasses.
    """

    def __init__(self, settings: Settings, models: Models, create: bool = False) -> None:
        self.settings = settings
        self._models = models
        self._closed = False
        self._index = open_index(settings, models.embedding_name, create)

    def close(self) -> None:
        """Close the collection; a second call does nothing. One that was made but never filled is removed."""
        if not self._closed:
            self._closed = True
            self._index.close(discard=self.settings.collection != DEFAULT_COLLECTION)

    def collections(self) -> tuple[str, ...]:
        """Return the names of the collections in the store, the default one first."""
        return collection_names(self.settings)

    @property
    def is_new(self) -> bool:
        """Return whether nothing was ever ingested into the collection."""
        return self._index.is_new

    @property
    def place(self) -> str:
        """Return where the library is: the store's folder, or the database without its password."""
        return str(self.settings.store) if self.settings.database is None else self._index.name

    def lag(self) -> int:
        """Return how many changes of a shared library this process has still to follow.

        Raises:
            StoreError: The database cannot be reached.
        """
        return self._index.lag()

    def counts(self) -> tuple[int, int, int]:
        """Return how many articles, passages and sentences the library holds."""
        return self._index.documents.count()

    def ingest(
        self,
        *paths: Path | str,
        progress: Progress | None = None,
        columns: Mapping[str, str] | None = None,
        pace: Pace | None = None,
        ray: str = "",
    ) -> IngestReport:
        """Make the library hold the articles at these paths; for unchanged files, only size and time are checked.

        The articles of a changed file are replaced, a moved file keeps its articles, and the articles of files that
        are gone from a folder are removed. If a file can no longer be read, the library keeps its articles.

        Args:
            *paths: Files and folders, also in object stores (`s3://bucket/folder`). For a single file, the rest of its
                folder is ignored.
            progress: Called with (files done, total files, source) after each file.
            columns: For tables (csv, jsonl), which column holds what: `{"text": "Body", "title": "Head"}`; the keys are
                text, title, date, url, source, author and language. Common column names are recognised without it.
            pace: Called after each batch with (passages embedded so far, share of the bytes read).
            ray: Where to read and embed: nothing (here), `local`, or the address of a Ray cluster (`host:6379`,
                `ray://host:10001`), whose machines have the files, Dateline and the models under the same paths.

        Returns:
            What happened to each source. A file that fails is reported there and does not stop the others.

        Raises:
            DocumentError: A path does not exist or holds no article; nothing was changed.
            ObjectStoreError: An object store cannot be reached. What was read so far is in the library.
            UsageError: Ray or the package for a kind of store is not installed, or an address is not one.
            ClusterError: The cluster failed. What was read so far is in the library; the same call goes on.
        """
        from rag.ingest.sync import sync

        size, embedding = self.settings.chunk_sentences, self._models.embedding()

        def workers() -> AbstractContextManager[RayWorkers]:
            from rag.ingest.ray_cluster import RayWorkers

            return contextlib.closing(RayWorkers(ray, embedding, size, columns))

        return sync(self._index, embedding, paths, size, progress, columns, pace, workers if ray else None)

    def take_over(self, store: Path | str) -> IngestReport:
        """Take over the articles of another store, with their vectors; nothing is embedded. A second call goes on.

        Args:
            store: The folder of the store or collection, which nobody else uses meanwhile.

        Returns:
            What happened to each source.

        Raises:
            StoreMismatchError: It was made with another embedding model or an older layout.
            StoreError: It cannot be read, or this one cannot be written.
        """
        from rag.store.take_over import folder_documents, take_over

        started = time.perf_counter()
        names: dict[str, list[str]] = {"added": [], "replaced": [], "unchanged": []}
        with folder_documents(Path(store), self._models.embedding_name) as documents:
            for batch in take_over(documents, self._index):
                for word, source in batch:
                    names[word].append(source)
        added, replaced, unchanged = (tuple(sources) for sources in names.values())
        return IngestReport(added, replaced, unchanged, seconds=time.perf_counter() - started)

    def add(
        self, source: str, content: str | bytes, path: str = "", *, stopped: Callable[[], bool] = lambda: False
    ) -> IngestReport:
        """Add one article given as text, or as a file's bytes.

        Args:
            source: Its name in citations.
            content: The article.
            path: Where it came from; an article from the same place is replaced.
            stopped: Called after each batch of passages of a file; if it returns True, adding stops there.

        Returns:
            What happened to it; a failure is reported there.
        """
        from rag.ingest.sync import add

        size = self.settings.chunk_sentences
        return add(self._index, self._models.embedding(), source, content, path, size, stopped=stopped)

    def add_url(self, url: str, *, allow_private: bool = False) -> IngestReport:
        """Fetch a web page and add its article.

        Args:
            url: An http or https address.
            allow_private: Also fetch from loopback and private networks; never set this for untrusted addresses.

        Returns:
            What happened to it; a failure is reported there.
        """
        from rag.load.files import from_page
        from rag.load.web import fetch

        try:
            page = fetch(url, allow_private=allow_private)
        except DocumentError as error:
            return IngestReport(failed=((url, str(error)),))
        report = self.restore(from_page(page))
        return dataclasses.replace(report, notices=((url, page.notice), *report.notices)) if page.notice else report

    def restore(self, document: Document) -> IngestReport:
        """Put an article back as it was, with its metadata; an article from the same place is replaced.

        Args:
            document: What `document` returned before the article was removed or replaced.
        """
        from rag.ingest.sync import put

        raw = document.text.encode("utf-8", "surrogatepass")
        size = self.settings.chunk_sentences
        embedding = self._models.embedding()
        return put(self._index, embedding, document.source, raw, document.path, size, [document])

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return the articles in the library, by source name."""
        return self._index.sources()

    def document(self, document_id: str) -> Document:
        """Return one article with its text.

        Raises:
            StoreError: The library holds no article with this id.
        """
        document = self._index.documents.document(document_id)
        if document is None:
            raise StoreError(f"the library holds no article with id {document_id}; see: rag sources")
        return document

    def remove(self, source: str) -> tuple[str, ...]:
        """Remove the articles with this source name or id, and return the source names of those removed.

        Raises:
            StoreError: There is no such article.
        """
        found = [s for s in self.sources() if source in (s.source, s.id)]
        if not found:
            raise StoreError(f"the library holds no article {source!r}; see: rag sources")
        for entry in found:
            self._index.remove(entry.id)
        return tuple(entry.source for entry in found)
