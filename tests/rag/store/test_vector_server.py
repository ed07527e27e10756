"""Vectors in a real Chroma server, which is also killed and started again during searches and writes."""

from __future__ import annotations

import dataclasses
import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chroma_server import ChromaProcess
from fakes import WAIT
from pydantic import SecretStr
from stores import COD, HERRING, MODEL, add, assert_whole, fill, found, sources

from rag import Settings, SettingsError, StoreError
from rag.errors import VectorServerError
from rag.store import index as store_index
from rag.store import retry, vector_server
from rag.store.breaker import Breaker
from rag.store.catch_up import CatchUp
from rag.store.index import Index
from rag.store.vector_server import ChromaServer, ServerVectors

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaProcess]:
    process = ChromaProcess(tmp_path_factory.mktemp("chroma"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def running(process: ChromaProcess) -> ChromaProcess:
    """The server, running; a test may kill it."""
    if not process.answers():
        process.start()
    return process


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon, and give up soon."""
    monkeypatch.setattr(vector_server, "_READ", WAIT)  # a busy machine is not a server that is down
    monkeypatch.setattr(retry, "PAUSE", 0.02)
    monkeypatch.setattr(retry, "PATIENCE", 0.1)
    monkeypatch.setattr(vector_server, "Breaker", lambda: Breaker(0.05, 0.1))
    monkeypatch.setattr(store_index, "CatchUp", lambda work: CatchUp(work, 0.05, 0.2))


def server_of(process: ChromaProcess) -> ChromaServer:
    return ChromaServer(process.url, "default_tenant", "default_database")


@pytest.fixture
def index(running: ChromaProcess, tmp_path: Path) -> Iterator[Index]:
    index = Index.open(tmp_path, MODEL, server_of(running))
    yield index
    index.close()


def wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_store_keeps_its_vectors_there(index: Index, running: ChromaProcess, tmp_path: Path) -> None:
    add(index, COD)
    add(index, HERRING, "b.txt")
    assert not (tmp_path / "chroma").exists() and index.vectors.count() == index.documents.count()[1] > 0
    assert_whole(index)
    assert found(index, "Who left the bay?")[0].startswith("Cod left the bay.")
    assert index.by_words == 0
    assert index.vectors.llama_index.client.count() == index.vectors.count()
    index.remove(index.sources()[0].id)
    assert_whole(index)
    index.vectors.clear()
    assert index.vectors.count() == 0
    assert index.repair() and index.vectors.count() == 1
    assert_whole(index)


def test_two_stores_share_a_server_and_nothing_else(index: Index, running: ChromaProcess, tmp_path: Path) -> None:
    other = Index.open(tmp_path / "other", MODEL, server_of(running))
    try:
        add(index, COD)
        add(other, HERRING)
        assert found(other, "Who left the bay?") == [HERRING]
        assert_whole(index)
        assert_whole(other)
    finally:
        other.close()


def test_a_store_moves_there_and_back_without_embedding(running: ChromaProcess, tmp_path: Path) -> None:
    fill(tmp_path)
    for server in (server_of(running), None, server_of(running)):
        index = Index.open(tmp_path, MODEL, server)
        assert isinstance(index.vectors, ServerVectors) is (server is not None)
        assert_whole(index)
        # What is left in the other place is old by now.
        index.remove(index.sources()[0].id)
        add(index, f"{COD} {server}", "new.txt")
        index.close()


def test_one_process_uses_one_server(index: Index, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="another Chroma server"):
        Index.open(tmp_path, MODEL)


def test_searches_go_on_by_words_while_it_is_down(index: Index, running: ChromaProcess) -> None:
    add(index, COD)
    add(index, HERRING, "b.txt")
    running.kill()
    assert found(index, "bay")[0].startswith("Cod left the bay.") and index.by_words == 1
    index.check()  # is not damage
    running.start()
    wait_for(lambda: not index._catch_up.pending)
    assert found(index, "bay")[0].startswith("Cod left the bay.") and index.by_words == 1
    assert_whole(index)


def test_a_store_opens_while_it_is_down_and_catches_up(running: ChromaProcess, tmp_path: Path) -> None:
    index = Index.open(tmp_path, MODEL, server_of(running))
    add(index, COD)
    index.close()
    running.kill()
    again = Index.open(tmp_path, MODEL, server_of(running))
    try:
        assert sources(again) == ["a.txt"] and found(again, "bay") and again.by_words == 1
        with pytest.raises(VectorServerError, match="start it, or correct the setting chroma"):
            add(again, HERRING, "b.txt")
        assert sources(again) == ["a.txt"]  # no document is seen before both indexes have it
        running.start()
        wait_for(lambda: not again._catch_up.pending)
        assert sources(again) == ["a.txt", "b.txt"] and again._unfinished is False
        assert_whole(again)
    finally:
        again.close()


def test_a_write_outlasts_a_restart(index: Index, running: ChromaProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE", 2 * WAIT)
    running.kill()
    writing = threading.Thread(target=add, args=(index, COD))
    writing.start()
    time.sleep(0.3)
    assert found(index, "bay") == []  # nothing waits for the write
    running.start()
    writing.join(2 * WAIT)
    assert sources(index) == ["a.txt"]
    wait_for(lambda: not index._catch_up.pending)
    assert_whole(index)


def test_a_server_that_lost_everything_is_filled_again(index: Index, running: ChromaProcess, tmp_path: Path) -> None:
    add(index, COD)
    running.kill()
    running.start(tmp_path / "empty")
    assert found(index, "bay")  # by words: the collection is gone
    wait_for(lambda: not index._catch_up.pending)
    assert_whole(index)
    assert index.vectors.count() == index.documents.count()[1]


def test_a_collection_that_somebody_deleted_is_filled_again(index: Index) -> None:
    add(index, COD)
    index.vectors._client.delete_collection(index.vectors._name)  # type: ignore[attr-defined]
    assert found(index, "bay") and index.by_words == 1
    wait_for(lambda: not index._catch_up.pending)
    assert_whole(index)


def test_a_wrong_database_is_said(running: ChromaProcess, tmp_path: Path) -> None:
    server = dataclasses.replace(server_of(running), database="nothing")
    index = Index.open(tmp_path, MODEL, server)
    try:
        with pytest.raises(VectorServerError, match="no database 'nothing'") as caught:
            add(index, COD)
        assert "\n" not in str(caught.value)
    finally:
        index.close()


def test_a_server_that_never_answers_holds_nobody_up_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_server, "_READ", 0.2)
    fill(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        index = Index.open(tmp_path, MODEL, ChromaServer(url, "t", "d"))
        try:
            assert found(index, "bay") and index.by_words == 1
        finally:
            index.close()


def test_a_wrong_token_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Closed(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']} {self.headers['X-Chroma-Token']}")
            self.send_error(401)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    monkeypatch.setattr(retry, "PATIENCE", 10 * WAIT)
    with http.server.HTTPServer(("127.0.0.1", 0), Closed) as closed:
        threading.Thread(target=closed.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{closed.server_port}"
        index = Index.open(tmp_path, MODEL, ChromaServer(url, "a/b", "d", SecretStr("ck-secret-token")))
        try:
            with pytest.raises(
                VectorServerError, match="does not let this user in, see the setting chroma_token"
            ) as told:
                add(index, COD)
            assert "secret" not in str(told.value)
            assert asked[0] == "/api/v2/tenants/a%2Fb/databases/d Bearer ck-secret-token ck-secret-token"
        finally:
            index.close()
            closed.shutdown()


def test_the_settings() -> None:
    settings = Settings(chroma="https://host:8443/", chroma_token="ck-secret-token", chroma_ca="~/ca.pem")
    server = ChromaServer.of(settings)
    assert server is not None and server.url == "https://host:8443" and server.ca.endswith("ca.pem")
    assert "secret" not in repr(server) and ChromaServer.of(Settings()) is None
    assert settings.hash == Settings().hash


@pytest.mark.parametrize(
    "url", ["host:8000", "ftp://host", "http://", "http://u:p@host", "http://h/v1", "http://h?x", "x"]
)
def test_what_is_no_server(url: str) -> None:
    with pytest.raises(SettingsError, match="'chroma' is not usable"):
        Settings(chroma=url)
