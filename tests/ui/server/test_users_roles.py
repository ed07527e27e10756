"""Every role with every action, on the page and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import quick_hashes
from newsroom import ASK, FILES, JOIN, NAMES, QUALITY, SHELF, UNKNOWN, Newsroom, with_key

from rag import Role

# What each action needs: on the page an event and what was clicked, for programs an address.
EVENTS: list[tuple[int, Any, Role]] = [
    (ASK, None, Role.READER),
    *((SHELF, {"do": do}, Role.READER) for do in ("search", "sort", "page", "only", "all")),
    *((SHELF, {"do": do}, Role.EDITOR) for do in ("remove", "undo", "new", "", None, ["search"])),
    (SHELF, None, Role.EDITOR),
    (FILES, None, Role.EDITOR),
    (QUALITY, {"do": "start"}, Role.ADMIN),
    (UNKNOWN, None, Role.ADMIN),
]
ADDRESSES: list[tuple[str, str, Role]] = [
    *(("POST", f"/v1/{what}", Role.READER) for what in ("answer", "check", "search", "chat/completions")),
    *(("GET", path, Role.READER) for path in ("/v1/documents", "/v1/documents/a", "/v1/models", "/v1/models/dateline")),
    *(("GET", path, Role.READER) for path in ("/v1/openapi.json", "/metrics")),
    *((method, "/mcp", Role.READER) for method in ("GET", "POST", "DELETE")),
    ("POST", "/v1/documents", Role.EDITOR),
    ("DELETE", "/v1/documents/a", Role.EDITOR),
    ("PUT", "/v1/documents/a", Role.EDITOR),
    *((method, "/v1/users", Role.ADMIN) for method in ("GET", "POST")),
    ("DELETE", "/v1/users/rita", Role.ADMIN),
    *((method, "/v1/new", Role.ADMIN) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """Users that no test changes."""
    with pytest.MonkeyPatch.context() as patch:
        quick_hashes.use(patch)
        room = Newsroom(tmp_path_factory.mktemp("roles")).fill()
        yield room
        room.users.close()


@pytest.fixture(scope="module")
def cookies(shared: Newsroom) -> dict[str, str]:
    return {name: shared.cookie(name) for name in NAMES}


@pytest.fixture(scope="module")
def keys(shared: Newsroom) -> dict[tuple[str, Role], str]:
    scopes = [(name, scope) for name in NAMES for scope in Role if NAMES[name].covers(scope)]
    return {(name, scope): shared.users.add_key(name, f"k-{scope.value}", scope) for name, scope in scopes}


@pytest.fixture(autouse=True)
def nothing_through(shared: Newsroom) -> None:
    shared.through.clear()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("event", "data", "needed"), EVENTS)
def test_on_the_page(shared: Newsroom, cookies: dict[str, str], name: str, event: int, data: Any, needed: Role) -> None:
    for kind in (JOIN, "/gradio_api/run/predict"):
        done = shared.call(cookies[name], event, name, kind, event_data=data)
        assert done.status_code == (200 if NAMES[name].covers(needed) else 403)
    assert len(shared.through) == (2 if NAMES[name].covers(needed) else 0)


@pytest.mark.parametrize("name", NAMES)
def test_uploads_and_functions_of_the_page(shared: Newsroom, cookies: dict[str, str], name: str) -> None:
    headers = shared.as_user(cookies[name])
    done = shared.send("POST", "/gradio_api/upload", files={"files": ("a.txt", b"x")}, headers=headers)
    assert done.status_code == (200 if NAMES[name].covers(Role.EDITOR) else 403)
    for function, needed in (("article", Role.READER), ("new", Role.ADMIN)):
        body = {"session_hash": name, "component_id": 1, "fn_name": function, "data": []}
        done = shared.send("POST", "/gradio_api/component_server", json=body, headers=headers)
        assert done.status_code == (200 if NAMES[name].covers(needed) else 403), function


@pytest.mark.parametrize(("method", "path", "needed"), ADDRESSES)
def test_for_programs(
    shared: Newsroom, keys: dict[tuple[str, Role], str], method: str, path: str, needed: Role
) -> None:
    body = {} if method in ("GET", "DELETE") else {"content": b"{}"}
    for (_, scope), key in keys.items():
        shared.through.clear()
        done = shared.send(method, path, headers=with_key(key), **body)
        assert done.status_code == (200 if scope.covers(needed) else 403)
        if done.status_code == 403:
            assert f"needs the role {needed.value}" in done.json()["detail"] and shared.through == []


@pytest.mark.parametrize(("method", "path", "needed"), ADDRESSES)
def test_a_browser_at_the_addresses_for_programs(
    shared: Newsroom, cookies: dict[str, str], method: str, path: str, needed: Role
) -> None:
    body = {} if method in ("GET", "DELETE") else {"content": b"{}"}
    for name, cookie in cookies.items():
        done = shared.send(method, path, headers=shared.as_user(cookie), **body)
        assert done.status_code == (200 if NAMES[name].covers(needed) else 403)
