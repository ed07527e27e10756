"""Go through the server that has the store open, so that a command needs neither its lock nor the models."""

from __future__ import annotations

import asyncio
import dataclasses
import http.client
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from rag.errors import RagError, StoreError, UsageError
from rag.reports import CheckReport, IngestReport, merge
from rag.settings import Settings
from rag.store.collections import folder_of
from rag.store.running import Server, running
from rag.types import Answer, Evidence, Filters, SourceInfo

if TYPE_CHECKING:
    from rag.ingest.sync import Pace, Progress

T = TypeVar("T")
_CONNECT = 5.0  # seconds to wait for a connection; an answer may take longer


def find(settings: Settings, answers: bool = False) -> Remote | None:
    """Return the server that has the settings' collection or its whole store open, if there is one.

    Args:
        settings: The configuration, which names the store and the collection.
        answers: Whether it is to answer; if its settings are others, that is said on stderr.
    """
    if settings.database is not None:
        return None  # other processes need not go through it
    server = running(folder_of(settings.store, settings.collection)) or running(settings.store)
    if server is None:
        return None
    if answers and server.settings != settings.hash:
        print("rag: the running server answers, with its own settings", file=sys.stderr)
    return Remote(server, settings.collection)


class Remote:
    """A running server.

    Args:
        server: How to reach it.
        collection: The collection that is asked and changed.
    """

    def __init__(self, server: Server, collection: str = "") -> None:
        self._server = server
        self._collection = collection

    def ask(self, question: str, filters: Filters | None = None) -> Answer:
        """Answer a question; the errors are those of `Engine.answer`."""
        return _read(Answer, self._json("POST", "/v1/answer", self._asked(filters, question=question)))

    def stream(self, question: str, history: Sequence[tuple[str, str]]) -> Iterator[str | Answer]:
        """Yield the model's words, unchecked, then the checked answer.

        Args:
            question: What to answer; it may refer to the conversation.
            history: Earlier (question, answer text) pairs, oldest first.

        Raises:
            RagError: The server cannot be reached, or cannot answer.
        """
        earlier = [{"question": asked, "answer": said} for asked, said in history]
        body = {"question": question, "history": earlier, "stream": True}
        kind = ""
        for line in self._lines("POST", "/v1/answer", body):
            field, _, value = line.decode("utf-8").strip().partition(": ")
            if field == "event":
                kind = value
            elif field == "data" and kind == "draft":
                yield str(json.loads(value)["text"])
            elif field == "data" and kind == "answer":
                yield _read(Answer, json.loads(value))
                return
            elif field == "data" and kind == "error":
                raise _error(json.loads(value))
        raise RagError("the running server ended before the answer was complete; ask again")

    def check(self, text: str, filters: Filters | None = None) -> CheckReport:
        """Check a text; the errors are those of `Engine.check`."""
        return _read(CheckReport, self._json("POST", "/v1/check", self._asked(filters, text=text)))

    def search(self, question: str, limit: int, filters: Filters | None = None) -> Sequence[Evidence]:
        """Find the sentences nearest to a question; the errors are those of `Engine.retrieve`."""
        found = self._json("POST", "/v1/search", self._asked(filters, question=question, limit=limit))
        return tuple(_read(Evidence, hit) for hit in found["hits"])

    def page(self, query: str, cursor: str, limit: int, collection: str = "") -> dict[str, Any]:
        """Return a part of the list of articles."""
        part = urlencode(
            {"query": query, "cursor": cursor, "limit": limit, "collection": collection or self._collection}
        )
        found: dict[str, Any] = self._json("GET", f"/v1/documents?{part}")
        return found

    def article(self, document_id: str, collection: str = "") -> dict[str, Any]:
        """Return an article with its text."""
        among = urlencode({"collection": collection or self._collection})
        found: dict[str, Any] = self._json("GET", f"/v1/documents/{quote(document_id, safe='')}?{among}")
        return found

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return the articles in the library, by source name."""
        found = self._json("GET", f"/local/sources?{urlencode({'collection': self._collection})}")
        return tuple(_read(SourceInfo, entry) for entry in found["sources"])

    def remove(self, source: str) -> tuple[str, ...]:
        """Remove the articles with this source name or id, and return the source names of those removed."""
        body = {"source": source, "collection": self._collection}
        return tuple(self._json("POST", "/local/remove", body)["removed"])

    def ingest(
        self,
        files: Sequence[str],
        addresses: Sequence[str],
        columns: Mapping[str, str],
        progress: Progress | None,
        pace: Pace | None,
    ) -> IngestReport:
        """Ingest files and web addresses; see `Engine.ingest` and `Engine.add_url`.

        Args:
            files: Absolute paths.
            addresses: Web addresses.
            columns: For tables, which column holds what.
            progress: As for `Engine.ingest`.
            pace: As for `Engine.ingest`.
        """
        body = {
            "files": list(files),
            "addresses": list(addresses),
            "columns": dict(columns),
            "collection": self._collection,
        }
        told: dict[str, Callable[..., object] | None] = {"progress": progress, "pace": pace}
        for line in self._lines("POST", "/local/ingest", body):
            ((kind, value),) = json.loads(line).items()
            if kind == "report":
                return merge([_read(IngestReport, report) for report in value])
            if kind == "problem":
                raise _error(value)
            if call := told[kind]:
                call(*value)
        raise StoreError("the running server ended before everything was ingested; ingest again")

    def _asked(self, filters: Filters | None, **body: Any) -> dict[str, Any]:
        """Return the body of a request; the filters' collection, if they name one, comes before this one's."""
        given = dataclasses.asdict(filters or Filters())
        return {**body, "collection": given.pop("collection") or self._collection, "filters": given}

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(b"".join(self._lines(method, path, body)))

    def _lines(self, method: str, path: str, body: Any) -> Iterator[bytes]:
        """Send a request and yield the lines of the response.

        Raises:
            RagError: The server cannot be reached, or says that something is wrong.
        """
        parts = urlsplit(self._server.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_CONNECT)
        headers = {"Authorization": f"Bearer {self._server.token}", "Content-Type": "application/json"}
        try:
            connection.connect()
            connection.sock.settimeout(None)
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise _error(_problem(response.read()))
            yield from response
        except (OSError, http.client.HTTPException) as error:
            raise StoreError(
                f"the server at {self._server.url} has the store open but does not answer ({error}); "
                "wait a moment or stop it"
            ) from error
        finally:
            connection.close()


class RemoteDesk:
    """A running server as the tools of `rag mcp` need it (`ui.api.mcp.Desk`).

    Args:
        remote: The server.
    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def ask(self, question: str, filters: Filters | None, reader: str) -> Answer:
        """Answer a question."""
        return await asyncio.to_thread(self._remote.ask, question, filters)

    async def check(self, text: str, filters: Filters | None, reader: str) -> CheckReport:
        """Check a text."""
        return await asyncio.to_thread(self._remote.check, text, filters)

    async def search(self, question: str, limit: int, filters: Filters | None, reader: str) -> Sequence[Evidence]:
        """Find the sentences nearest to a question."""
        return await asyncio.to_thread(self._remote.search, question, limit, filters)

    async def page(self, query: str, cursor: str, limit: int, collection: str = "") -> Mapping[str, Any]:
        """Return a part of the list of articles."""
        return await asyncio.to_thread(self._remote.page, query, cursor, limit, collection)

    async def article(self, document_id: str, collection: str = "") -> Mapping[str, Any]:
        """Return an article with its text."""
        return await asyncio.to_thread(self._remote.article, document_id, collection)


def _read(kind: type[T], data: Any) -> T:
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_python(data)


def _problem(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"detail": "the running server answers something odd; restart it"}


def _error(problem: Mapping[str, Any]) -> RagError:
    """Return the error that a problem document tells of."""
    detail = str(problem.get("detail", ""))
    return UsageError(detail) if problem.get("status") == 422 else RagError(detail)
