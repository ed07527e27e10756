"""Articles over HTTP: list, read, add and remove."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from api_client import Client

from rag import Engine
from ui.server import queue
from ui.server.access import Access
from ui.server.uploads import uploads

PIER = ("pier.txt", b"A second pier\n\nThe council opened a second pier on Friday.\n")


def test_lists_go_on_from_their_cursor(client: Client, engine: Engine) -> None:
    seen, cursor = [], ""
    while True:
        part = client.get("/v1/documents", params={"limit": 2, "cursor": cursor}).json()
        seen += part["documents"]
        if not (cursor := part["next"]):
            break
        assert len(part["documents"]) == 2
    assert [d["id"] for d in seen] == [s.id for s in engine.sources()]
    assert "path" not in seen[0] and str(engine.settings.store.parent) not in str(seen)


def test_a_list_can_be_searched(client: Client) -> None:
    found = client.get("/v1/documents", params={"query": "Ebrard"}).json()["documents"]
    assert 0 < len(found) < 5


@pytest.mark.parametrize("cursor", ["x", "eA==", "WzEsMl0=", "W10=", "é"])
def test_odd_cursors_are_refused(client: Client, cursor: str) -> None:
    assert client.get("/v1/documents", params={"cursor": cursor}).status_code == 422


def test_an_article_is_read_without_its_place_on_the_server(client: Client, engine: Engine) -> None:
    entry = engine.sources()[0]
    found = client.get(f"/v1/documents/{entry.id}").json()
    assert found["text"] == engine.document(entry.id).text and "path" not in found
    assert client.get("/v1/documents/none").status_code == 404


def test_files_are_added_and_removed(own: Client, own_engine: Engine) -> None:
    done = own.post("/v1/documents", files=[("files", PIER), ("files", ("x.bin", b"\0\1\2"))])
    added, failed = done.json()["results"]
    assert (added["state"], added["title"], failed["state"]) == ("added", "A second pier", "failed")
    assert not [path for path in uploads().folder.rglob("*") if path.name in ("pier.txt", "x.bin")]
    assert own.post("/v1/documents", files=[("files", PIER)]).json()["results"][0]["state"] == "unchanged"
    assert own.send("DELETE", f"/v1/documents/{added['id']}").status_code == 204
    assert own.send("DELETE", f"/v1/documents/{added['id']}").status_code == 404
    assert [s.source for s in own_engine.sources()] == ["a.txt"]


def test_an_upload_that_is_sent_twice_is_carried_out_once(own: Client) -> None:
    key = {"Idempotency-Key": "one"}
    first = own.post("/v1/documents", files=[("files", PIER)], headers=key)
    again = own.post("/v1/documents", files=[("files", PIER)], headers=key)
    assert again.json() == first.json() and again.headers["idempotent-replayed"] == "true"
    assert first.json()["results"][0]["state"] == "added" and "idempotent-replayed" not in first.headers
    other = own.post("/v1/documents", files=[("files", ("pier.txt", b"Other"))], headers=key)
    assert other.status_code == 422 and "Idempotency-Key" in other.json()["detail"]


def test_a_failed_upload_may_be_sent_again(own: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    key = {"Idempotency-Key": "two"}
    with monkeypatch.context() as patch:
        patch.setattr(queue, "MOST_WAITING", 0)
        assert own.post("/v1/documents", files=[("files", PIER)], headers=key).status_code == 429
    assert own.post("/v1/documents", files=[("files", PIER)], headers=key).json()["results"][0]["state"] == "added"


@pytest.mark.parametrize(
    "name", ["../../evil.txt", "..", "C:\\x\\evil.txt", "a\0b.txt", "é" * 300 + ".txt", "/etc/passwd"]
)
def test_names_lead_nowhere(own: Client, own_engine: Engine, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.rglob("evil*"))
    done = own.post("/v1/documents", files=[("files", (name, PIER[1]))])
    assert done.status_code in (200, 400, 422), done.text
    assert sorted(tmp_path.rglob("evil*")) == before
    assert all("/" not in s.source for s in own_engine.sources())


def test_sizes_are_limited(own: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.server.guard.MOST_OF_READER", 1000)
    done = own.post("/v1/documents", files=[("files", ("big.txt", b"x" * 2000))])
    assert done.status_code == 413 and done.json()["type"] == "urn:dateline:problem:too-large"


def test_a_read_only_library_is_only_read(own_engine: Engine) -> None:
    client = Client(own_engine, Access(read_only=True))
    (entry,) = own_engine.sources()
    for done in (
        client.post("/v1/documents", files=[("files", PIER)]),
        client.send("DELETE", f"/v1/documents/{entry.id}"),
        client.send("DELETE", f"//v1/documents/{entry.id}"),
        client.send("DELETE", f"/v1/documents/{entry.id}/"),
    ):
        assert done.status_code in (403, 404)
    assert own_engine.sources() == (entry,)
    assert client.get("/v1/documents").status_code == 200
    assert dataclasses.asdict(entry)["id"] == entry.id
