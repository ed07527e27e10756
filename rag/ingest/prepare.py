"""Read, split and embed files away from the store: what one worker of a cluster does."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence

from rag.errors import ModelError
from rag.ingest.read import BatchReader, Part
from rag.ingest.scan import Found
from rag.load.files import read_bytes
from rag.load.passages import split
from rag.protocols import Embedding, Vectors
from rag.types import Document, File

# An article long enough for its language to be recognised: reading it loads what is loaded once.
_SAMPLE = b"Harborough, 12 July 2024. " + 20 * b"The cod left the harbour of the town. "
Files = Sequence[tuple[Found, File | None]]


class Preparer:
    """Reads files, and embeds what is new in them. Several threads may use it; one of them embeds at a time.

    The store is elsewhere, so reading and embedding are two calls: whoever called `read` looks up in between which of
    the documents the store holds already.

    Args:
        embedding: The embedding model.
        size: The most sentences in a passage.
        columns: The names of the columns of tables; see `rag.load.files.read`.
    """

    def __init__(self, embedding: Embedding, size: int, columns: Mapping[str, str] | None = None) -> None:
        self._embedding = embedding
        self._size = size
        self._columns = columns
        self._read: dict[int, list[Part]] = {}
        self._embeds = threading.Lock()

    def ready(self) -> str:
        """Load the model and what reading needs, and return the backend that runs the model.

        Raises:
            ModelError: The model cannot be loaded here.
        """
        for found in read_bytes(_SAMPLE, "sample.txt"):
            if isinstance(found, Document):
                split(found, self._size)
        return self._embedding.path

    def read(self, number: int, files: Files) -> list[str]:
        """Read and split files, and return the ids of their documents. The rest is kept for `embed`.

        Args:
            number: Distinguishes these files from others that are read before `embed` is called.
            files: The files, each with what the store knows about it.
        """
        reader = BatchReader(lambda _: set(), self._size, self._columns)
        parts = [part for batch in reader.batches(files) for part in batch]
        self._read[number] = parts
        return list(dict.fromkeys(d.id for part in parts for d, chunks in part.documents if chunks is not None))

    def embed(self, number: int, known: Collection[str]) -> tuple[list[Part], list[Vectors]]:
        """Return what `read` read under this number, and the vectors of its passages in the same order.

        Args:
            number: What `read` was called with.
            known: The ids of the documents that the store holds; their passages are left out.

        Raises:
            ModelError: The model cannot be used.
        """
        parts = self._read.pop(number)
        for part in parts:
            part.leave_out(known)
        return parts, self.vectors(parts)

    def vectors(self, parts: Sequence[Part]) -> list[Vectors]:
        """Return the vectors of all passages of these parts in order.

        Raises:
            ModelError: The model cannot be used.
        """
        chunks = [chunk for part in parts for _, found in part.documents for chunk in found or ()]
        if not chunks:
            return []
        with self._embeds:
            vectors = self._embedding.embed_passages(chunks)
        if len(vectors) != len(chunks):
            raise ModelError(f"the embedding model made {len(vectors)} vectors of {len(chunks)} passages")
        return vectors
