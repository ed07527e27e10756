"""The vector store in a Chroma server: retries, and a circuit breaker for when the server is down."""

from __future__ import annotations

import queue
import secrets
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

import chromadb
import httpx
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import (
    AuthorizationError,
    ChromaAuthError,
    ChromaError,
    InvalidArgumentError,
    InvalidDimensionException,
    NotFoundError,
    QuotaError,
)
from pydantic import SecretStr

from rag.errors import StoreError, VectorServerError, one_line
from rag.settings import Settings
from rag.store import retry
from rag.store.breaker import Breaker
from rag.store.documents import DocumentStore
from rag.store.vectors import COLLECTION, HNSW, Vector, VectorStore, in_time
from rag.types import Chunk, Document

if TYPE_CHECKING:  # LlamaIndex takes seconds to import
    from llama_index.vector_stores.chroma import ChromaVectorStore

T = TypeVar("T")
_NAME = "vectors_name"  # under which a store keeps the name of its collection on a server
_READ, _WRITE = 10.0, 60.0  # seconds that one call may take
# What another attempt cannot change.
_FINAL = (
    AuthorizationError, ChromaAuthError, InvalidArgumentError, InvalidDimensionException, NotFoundError, QuotaError
)  # fmt: skip


@dataclass(frozen=True)
class ChromaServer:
    """Where a Chroma server is, and how it is entered."""

    url: str
    tenant: str
    database: str
    token: SecretStr | None = None
    ca: str = ""

    @classmethod
    def of(cls, settings: Settings) -> ChromaServer | None:
        """Return the server that the settings name, or None if the vectors are in the store's folder."""
        if settings.chroma is None:
            return None
        ca = str(settings.chroma_ca.expanduser()) if settings.chroma_ca else ""
        return cls(settings.chroma, settings.chroma_tenant, settings.chroma_database, settings.chroma_token, ca)

    def connect(self, seconds: float) -> Any:
        """Return a client of this server.

        Args:
            seconds: How long the server may take to answer.

        Raises:
            AuthorizationError: It does not let this user in.
            NotFoundError: It has no such tenant and database.
            Exception: It cannot be reached.
        """
        parts = urlsplit(self.url)
        secure = parts.scheme == "https"
        token = self.token.get_secret_value() if self.token else ""
        # Proxies in front of a server read the first, Chroma Cloud reads the second.
        headers = {"Authorization": f"Bearer {token}", "X-Chroma-Token": token} if token else {}
        self._look(headers, seconds)
        settings = ChromaSettings(anonymized_telemetry=False)
        if self.ca:
            settings.chroma_server_ssl_verify = self.ca
        port = parts.port or (443 if secure else 80)
        return chromadb.HttpClient(
            parts.hostname or "", port, secure, headers, settings, tenant=self.tenant, database=self.database
        )

    def _look(self, headers: dict[str, str], seconds: float) -> None:
        """Look whether the server has the database. Chroma's client does too, but leaves connections open if not."""
        place = f"/api/v2/tenants/{quote(self.tenant, safe='')}/databases/{quote(self.database, safe='')}"
        try:
            verify = ssl.create_default_context(cafile=self.ca) if self.ca else True
        except OSError as error:
            raise InvalidArgumentError(f"the certificates in {self.ca} cannot be read: {one_line(error)}") from error
        found = httpx.get(self.url + place, headers=headers, timeout=seconds, verify=verify)
        if found.status_code in (401, 403):
            raise AuthorizationError("it does not let this user in, see the setting chroma_token")
        if found.status_code == 404:
            raise NotFoundError(f"it has no database {self.database!r} of a tenant {self.tenant!r}")
        if found.status_code != 200:
            raise ValueError(f"it answers with the status {found.status_code}")


def vector_store(folder: Path, documents: DocumentStore, chroma: ChromaServer | None) -> VectorStore:
    """Return a store's vectors.

    Args:
        folder: The store's folder, which has the vectors unless a server has them.
        documents: The store's documents; on a server, each store has a collection with a name of its own.
        chroma: The server.
    """
    if chroma is None:
        return VectorStore(folder / "chroma")
    name = documents.get_meta(_NAME) or documents.first_meta(_NAME, f"{COLLECTION}-{secrets.token_hex(8)}")
    return ServerVectors(chroma, name, folder.name)


class ServerVectors(VectorStore):
    """The passages' vectors in a collection of a Chroma server. It connects at the first call, not before.

    Reading fails soon, and at once while the server is known to be down. Writing is tried again for half a minute.
    Every failure is a `VectorServerError`.

    Args:
        server: The server.
        name: The name of its collection, which no other store uses.
        about: What the collection is, for those who look at the server.
    """

    def __init__(self, server: ChromaServer, name: str, about: str) -> None:
        self._server, self._name, self._about = server, name, about
        self._breaker = Breaker()
        self._lock = threading.Lock()
        self._client: Any = None
        self._collection: Any = None
        self.failed = False  # this is about local folders; here, calls fail by themselves
        self.home = f"{server.url} {server.tenant} {server.database} {name}"

    @property
    def llama_index(self) -> ChromaVectorStore:
        """Return LlamaIndex's view of the same collection."""
        from llama_index.vector_stores.chroma import ChromaVectorStore

        self.reach()
        return ChromaVectorStore(chroma_collection=self._collection)

    @property
    def down(self) -> bool:
        """Return whether the server did not answer last time."""
        return self._breaker.is_open

    def reach(self) -> None:
        """Try to reach the server, whatever happened last time."""
        self._tried(lambda collection: collection.count(), _READ, 0.0)

    def close(self) -> None:
        """Close the client."""
        self._forget()

    def clear(self) -> None:
        """Delete the collection, and start with an empty one."""

        def delete(_: Any) -> None:
            self._client.delete_collection(self._name)
            self._forget()

        self._tried(delete, _WRITE, retry.PATIENCE)

    def put(self, entries: Iterable[tuple[Chunk, Document, Vector]]) -> None:
        """Write or replace passages with their vectors (shape (dimensions,), unit length)."""
        if self._collection is None:
            self._tried(lambda collection: collection.count(), _WRITE, retry.PATIENCE)  # sets how many it takes at once
        super().put(entries)

    def _ask(self, what: str, **asked: Any) -> Any:
        return self._read(lambda collection: getattr(collection, what)(**asked))

    def _write(self, what: str, **columns: Any) -> None:
        self._tried(lambda collection: getattr(collection, what)(**columns), _WRITE, retry.PATIENCE)

    def _read(self, work: Callable[[Any], T]) -> T:
        if not self._breaker.allows():
            raise self._error("it did not answer a moment ago")
        return self._tried(work, _READ, 0.0)

    def _tried(self, work: Callable[[Any], T], seconds: float, patience: float) -> T:
        """Return what the work returns, which gets the collection; try again after failures that may pass.

        Args:
            work: A call to the server.
            seconds: How long an attempt may take.
            patience: How long to try, in seconds; see `rag.store.retry`.
        """
        reason = ""
        for _ in retry.attempts(patience):
            try:
                found = in_time(lambda: work(self._connected()), seconds)
            except queue.Empty:
                self._forget()  # ends the thread that waits
                reason, final = f"no answer in {seconds:.0f} s", not patience
            except Exception as error:  # the client raises plain exceptions too
                if isinstance(error, NotFoundError):
                    self._forget()  # somebody deleted the collection: a new one is made, and filled by whoever called
                reason, final = self._reason(error), isinstance(error, _FINAL)
            else:
                self._breaker.succeeded()
                return found
            self._breaker.failed()  # reading need not find out again while this goes on
            if final:
                break
        raise self._error(reason)

    def _connected(self) -> Any:
        """Return the collection, after making it and the client if needed."""
        if (known := self._collection) is not None:
            return known
        client = self._server.connect(_READ)
        try:
            collection = client.get_or_create_collection(
                self._name, metadata={"about": self._about}, configuration={"hnsw": HNSW}, embedding_function=None
            )
            most = int(client.get_max_batch_size())
        except BaseException:
            _close(client)
            raise
        with self._lock:
            if self._collection is None:
                self.most = min(self.most, most)
                self._client, self._collection = client, collection
                return collection
        _close(client)  # another thread was faster
        return self._connected()

    def _forget(self) -> None:
        with self._lock:
            client, self._client, self._collection = self._client, None, None
        if client is not None:
            _close(client)

    def _reason(self, error: Exception) -> str:
        token = self._server.token.get_secret_value() if self._server.token else None
        named = not isinstance(error, ChromaError | ValueError)  # the names of the others say what the text leaves out
        return one_line(error, first=True, named=named, keys=[token])

    def _error(self, reason: str) -> StoreError:
        return VectorServerError(
            f"the Chroma server at {self._server.url} cannot be used: {reason}; start it, or correct the setting chroma"
        )


def _close(client: Any) -> None:
    """Close a client and its connections, which Chroma would leave to the garbage collector."""
    client.close()
    for part in (client, client._admin_client):
        part._server._session.close()
