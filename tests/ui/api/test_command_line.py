"""The command line goes through a running server, whose store it could not open itself."""

from __future__ import annotations

import asyncio
import io
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from api_client import TOKEN, Client
from commands import Rag
from fakes import write_articles
from visitor import wait_for

from rag import Engine, RagError
from rag.cli import remote
from rag.store.running import Server, announced, running
from ui.server.access import Access

pytestmark = pytest.mark.long

PIKE = "Pikes\n\nA pike of two metres was seen in the harbour.\n"


@pytest.fixture
def server(own_engine: Engine) -> Iterator[Server]:
    """A server with a password, which is read only for others; the test's own store is open in it."""
    client = Client(own_engine, Access(password="x", read_only=True))
    served = uvicorn.Server(uvicorn.Config(client.app, port=0, log_level="warning", ws="none", lifespan="off"))
    thread = threading.Thread(target=served.run, daemon=True)
    thread.start()
    wait_for(lambda: served.started)
    port = served.servers[0].sockets[0].getsockname()[1]
    found = Server(f"http://127.0.0.1:{port}/", TOKEN, own_engine.settings.hash)
    with announced(own_engine.settings.store, found):
        yield found
    served.should_exit = True
    thread.join(10)


def test_ask(rag: Rag, server: Server) -> None:
    done = rag("ask", "How long is the pier of Harborough?")
    assert done.code == 0 and done.err == "" and "40 metres" in done.out and "a.txt" in done.out
    found = json.loads(rag("ask", "How long is the pier of Harborough?", "--json").out)
    assert found["citations"][0]["quote"] == "Harborough opened a pier of 40 metres."
    assert "nowhere" in rag("ask", "How long is the pier?", "--source", "nowhere").out


def test_a_conversation(rag: Rag, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "How long is the pier of Harborough?\n/sources\n\xa0\n" + "x" * 3000
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    done = rag()
    assert done.code == 2 and "40 metres" in done.out and "\n1 article\n" in done.out and "3,000" in done.err


def test_other_settings_are_said(rag: Rag, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_EVIDENCE", "3")
    assert "its own settings" in rag("ask", "How long is the pier?").err


def test_ingest_list_and_remove(rag: Rag, server: Server, own_engine: Engine, tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "more", {"pike.txt": PIKE})
    done = rag("ingest", folder)
    assert done.code == 0 and done.out.startswith("added pike.txt\n1 added"), done
    assert [e["source"] for e in json.loads(rag("sources", "--json").out)] == ["a.txt", "pike.txt"]
    assert rag("remove", "pike.txt").out == "removed pike.txt\n"
    assert [s.source for s in own_engine.sources()] == ["a.txt"]


def test_errors_are_those_of_the_engine(rag: Rag, server: Server, tmp_path: Path) -> None:
    done = rag("ask", " ")
    assert done.code == 2 and "the question is empty" in done.err
    done = rag("remove", "none.txt")
    assert done.code == 1 and "no article 'none.txt'" in done.err
    done = rag("ingest", tmp_path / "none")
    assert done.code == 1 and len(done.err.splitlines()) == 1 and str(tmp_path / "none") in done.err


def test_the_file_is_only_for_its_user(server: Server, own_engine: Engine) -> None:
    path = own_engine.settings.store / "server.json"
    assert running(own_engine.settings.store) == server and TOKEN not in repr(server)
    assert os.name == "nt" or path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    assert os.name == "nt" or running(own_engine.settings.store) is None


def test_a_killed_server_is_not_asked(own_engine: Engine, rag: Rag) -> None:
    store = own_engine.settings.store
    with announced(store, Server("http://127.0.0.1:9/", TOKEN, "")):
        with pytest.raises(RagError, match="does not answer"):
            remote.Remote(Server("http://127.0.0.1:9/", TOKEN, "")).sources()
        own_engine.close()
        assert running(store) is None
    assert not (store / "server.json").exists()


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer x"}])
def test_nobody_else_uses_these_addresses(own_engine: Engine, headers: dict[str, str]) -> None:
    for access in (Access(), Access(password="x")):
        client = Client(own_engine, access)
        for method, path in (("GET", "sources"), ("POST", "remove"), ("POST", "ingest"), ("GET", "none")):
            done = client.send(method, f"/local/{path}", headers=headers, json={"source": "a.txt"})
            assert done.status_code in (401, 403), (access, path)
    assert len(own_engine.sources()) == 1


def test_the_tools_of_other_assistants_go_through_it(server: Server, own_engine: Engine) -> None:
    async def asked() -> None:
        desk = remote.RemoteDesk(remote.Remote(server))
        listed = await desk.page("", "", 10)
        assert [d["source"] for d in listed["documents"]] == ["a.txt"] and listed["next"] is None
        found = await desk.article(listed["documents"][0]["id"])
        assert found["text"] == own_engine.document(found["id"]).text
        assert "40 metres" in (await desk.ask("How long is the pier of Harborough?", None, "")).text
        assert (await desk.search("pier", 3, None, ""))[0].source == "a.txt"

    asyncio.run(asked())


def test_collections(rag: Rag, server: Server, own_engine: Engine, tmp_path: Path) -> None:
    folder = write_articles(tmp_path / "more", {"pike.txt": PIKE})
    assert "added pike.txt" in rag("ingest", folder, "--collection", "fish").out
    assert [entry.source for entry in own_engine.sources()] == ["a.txt"]
    assert "pike.txt" in rag("sources", "--collection", "fish").out
    assert "two metres" in rag("ask", "How long was the pike?", "--collection", "fish").out
    assert "two metres" not in rag("ask", "How long was the pike?").out
    done = rag("ask", "How long was the pike?", "--collection", "fsh")
    assert done.code == 2 and "there are default, fish" in done.err
    assert rag("remove", "pike.txt").code == 1
    assert rag("remove", "pike.txt", "--collection", "fish").out == "removed pike.txt\n"
