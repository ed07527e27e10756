"""The interface for programs where there are users: keys, roles, what is written down, and `/v1/users`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import quick_hashes
from api_client import TOKEN, Client
from test_mcp import TOOLS, over_http

from rag import Engine, Role, Users
from ui.server.access import Access

PASSWORD = "correct horse"
ROLES = {"rita": Role.READER, "ed": Role.EDITOR, "ada": Role.ADMIN}
PIKE = {"files": ("pike.txt", b"Pikes\n\nA pike of two metres was seen in the harbour.\n")}


@pytest.fixture
def users(own_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Users]:
    quick_hashes.use(monkeypatch)
    with Users(own_engine.settings.store) as users:
        for name, role in ROLES.items():
            users.add(name, PASSWORD, role)
        yield users


@pytest.fixture
def client(own_engine: Engine, users: Users) -> Client:
    return Client(own_engine, Access(users=users))


@pytest.fixture
def keys(users: Users) -> dict[str, dict[str, str]]:
    return {name: {"authorization": f"Bearer {users.add_key(name, 'k')}"} for name in ROLES}


@pytest.mark.parametrize("name", ROLES)
def test_what_each_role_does(client: Client, keys: dict[str, dict[str, str]], own_engine: Engine, name: str) -> None:
    headers, edits, manages = keys[name], name != "rita", name == "ada"
    question = {"question": "How long is the pier of Harborough?"}
    assert "40 metres" in client.post("/v1/answer", question, headers=headers).json()["text"]
    assert client.post("/v1/check", {"text": "The pier is long."}, headers=headers).status_code == 200
    assert client.post("/v1/search", question, headers=headers).json()["hits"]
    chat = {"messages": [{"role": "user", "content": question["question"]}]}
    assert client.post("/v1/chat/completions", chat, headers=headers).json()["citations"]
    (article,) = client.get("/v1/documents", headers=headers).json()["documents"]
    assert client.get(f"/v1/documents/{article['id']}", headers=headers).status_code == 200
    assert client.post("/v1/documents", files=PIKE, headers=headers).status_code == (200 if edits else 403)
    gone = client.send("DELETE", f"/v1/documents/{article['id']}", headers=headers)
    assert gone.status_code == (204 if edits else 403)
    assert [entry.source for entry in own_engine.sources()] == (["pike.txt"] if edits else ["a.txt"])
    assert client.get("/v1/users", headers=headers).status_code == (200 if manages else 403)


def test_mcp_with_a_key(client: Client, keys: dict[str, dict[str, str]]) -> None:
    async def done() -> Any:
        async with client.api.router.lifespan_context(client.api):
            return await over_http(client, lambda mcp: mcp.list_tools(), **keys["rita"])

    assert {tool.name for tool in asyncio.run(done()).tools} == TOOLS
    assert client.post("/mcp", {}).status_code == 401


def test_the_log_says_who_changed_what(client: Client, keys: dict[str, dict[str, str]], users: Users) -> None:
    (article,) = client.get("/v1/documents", headers=keys["rita"]).json()["documents"]
    client.post("/v1/documents", files=PIKE, headers=keys["ed"])
    client.send("DELETE", f"/v1/documents/{article['id']}", headers=keys["ada"])
    local = {"authorization": f"Bearer {TOKEN}"}
    assert client.post("/local/remove", {"source": "pike.txt"}, headers=local).status_code == 200
    lines = [(line["user"], line["what"], line["article"]) for line in users.log.lines()]
    assert lines == [
        ("ed", "article added", "pike.txt"),
        ("ada", "article removed", "a.txt"),
        ("command line", "article removed", "pike.txt"),
    ]


def test_an_admin_adds_lists_and_removes_users(client: Client, keys: dict[str, dict[str, str]], users: Users) -> None:
    admin = keys["ada"]
    form = {"name": "Ben", "password": PASSWORD, "role": "editor"}
    added = client.post("/v1/users", form, headers=admin).json()
    assert (added["name"], added["role"]) == ("ben", "editor") and users.check("ben", PASSWORD)
    listed = client.get("/v1/users", headers=admin)
    assert [user["name"] for user in listed.json()["users"]] == ["ada", "ben", "ed", "rita"]
    assert "argon2" not in listed.text and "stamp" not in listed.text
    assert client.send("DELETE", "/v1/users/BEN", headers=admin).status_code == 204
    assert client.send("DELETE", "/v1/users/ben", headers=admin).status_code == 404
    said = [(line["user"], line["what"], line["about"]) for line in users.log.lines()]
    assert said == [("ada", "user added", "ben"), ("ada", "user removed", "ben")]


@pytest.mark.parametrize(
    "form",
    [
        {"name": "rita", "password": PASSWORD},
        {"name": "a b", "password": PASSWORD},
        {"name": "ben", "password": "short"},
        {"name": "ben", "password": PASSWORD, "role": "root"},
        {"name": "ben"},
    ],
)
def test_users_that_cannot_be_added(client: Client, keys: dict[str, dict[str, str]], form: dict[str, str]) -> None:
    assert client.post("/v1/users", form, headers=keys["ada"]).status_code == 422
    assert client.send("DELETE", "/v1/users/ada", headers=keys["ada"]).status_code == 422  # the only admin


def test_a_server_without_users_has_none_to_change(own: Client) -> None:
    assert own.get("/v1/users").status_code == 404
    assert own.post("/v1/users", {"name": "ada", "password": PASSWORD, "role": "admin"}).status_code == 404


def test_the_description_says_who_may_ask(client: Client, keys: dict[str, dict[str, str]]) -> None:
    found = client.get("/v1/openapi.json", headers=keys["rita"]).json()
    for path, ways in found["paths"].items():
        for way in ways.values():
            free = path.startswith("/healthz")
            assert ("401" in way["responses"]) is not free and "403" in way["responses"], path
            assert (way.get("security") == [{}]) is free, path
    assert {scheme["scheme"] for scheme in found["components"]["securitySchemes"].values()} == {"basic", "bearer"}


def test_every_documented_address_has_a_role(client: Client, keys: dict[str, dict[str, str]]) -> None:
    """A new address needs an admin until `ui.server.permissions` names it."""
    from ui.server.permissions import of_program

    found = client.get("/v1/openapi.json", headers=keys["rita"]).json()
    needed: dict[Role, set[str]] = {role: set() for role in Role}
    for path, ways in found["paths"].items():
        for method in ways:
            needed[of_program(method.upper(), path)].add(f"{method.upper()} {path}")
    assert needed[Role.EDITOR] == {"POST /v1/documents", "DELETE /v1/documents/{document_id}"}
    assert needed[Role.ADMIN] == {"GET /v1/users", "POST /v1/users", "DELETE /v1/users/{name}"}
