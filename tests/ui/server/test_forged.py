"""More than a thousand forged requests: none gets through."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import quick_hashes
from itsdangerous import TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer
from newsroom import ASK, FILES, HOST, JOIN, OWN_PAGE, PASSWORD, QUALITY, SHELF, Newsroom, with_key

from rag import Role
from rag.users import keys
from ui.server import sessions
from ui.server.sessions import COOKIE

LETTERS = "Az09-_."


@dataclass(frozen=True)
class Forged:
    """A request that must not get through."""

    kind: str
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsroom]:
    quick_hashes.use(monkeypatch)
    room = Newsroom(tmp_path).fill()
    yield room
    room.users.close()


def event(event: int, page: str, **more: Any) -> dict[str, Any]:
    return {"fn_index": event, "data": [None], "session_hash": page, "event_data": None} | more


def changed(text: str, times: int) -> Iterator[str]:
    """Yield a text with one letter changed, for every place in it, `times` over."""
    for turn in range(times):
        for place, letter in enumerate(text):
            other = LETTERS[(place + turn) % len(LETTERS)]
            # The last letter of a signature has bits that mean nothing.
            if other != letter and place < len(text) - 1:
                yield text[:place] + other + text[place + 1 :]


def signed(secret: bytes, content: Any, **options: Any) -> str:
    options = {"salt": "dateline-session", "signer_kwargs": {"digest_method": hashlib.sha256}} | options
    text = URLSafeTimedSerializer(secret, **options).dumps(content)
    assert isinstance(text, str)
    return text


def wrong_sessions(room: Newsroom) -> Iterator[str]:
    """Yield cookies with a wrong signature, of another kind, or with another content."""
    user, good = room.users.find("ada"), room.cookie("ada")
    content, secret = [user.id, user.stamp, "0" * 32], room.users.secret()
    yield from changed(good, 3)
    for guess in (b"", b"dateline", b"0" * 32, secret[:-1], secret + b"0", secret.hex().encode()):
        yield signed(guess, content)
    yield signed(secret, content, salt="itsdangerous")
    yield signed(secret, content, signer_kwargs={"digest_method": hashlib.sha1})
    unsigned = URLSafeSerializer(secret, salt="dateline-session").dumps(content)
    yield from (str(unsigned), json.dumps(content), base64.urlsafe_b64encode(json.dumps(content).encode()).decode())
    for odd in (
        None,
        [],
        {},
        "",
        0,
        content[:2],
        [*content, "x"],
        [user.id, "", ""],
        [user.name, user.stamp, "0"],
        [[]] * 3,
    ):
        yield signed(secret, odd)  # even what the server itself would sign must name a user and their stamp
    yield from ("", ".", "..", "a.b.c", "." * 1000, "A" * 3000, good[::-1], good.replace(".", ""), f"{good}.{good}")


def ended_sessions(room: Newsroom, patch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """Yield cookies of sessions that have ended, with the reason."""
    with patch.context() as then:
        now = TimestampSigner.get_timestamp
        for seconds in (sessions.SECONDS + 10, sessions.SECONDS * 2, sessions.SECONDS * 50, -3600):
            then.setattr(TimestampSigner, "get_timestamp", lambda self, s=seconds: now(self) - s)
            yield "expired", room.cookie("ada")
    for name, reason in (("gone", "removed"), ("new", "password changed"), ("out", "logged out")):
        room.users.add(name, PASSWORD, Role.ADMIN)
        cookies = [room.cookie(name) for _ in range(4)]
        if reason == "removed":
            room.users.remove(name)
            room.users.add(name, PASSWORD, Role.ADMIN)  # another user of the same name
        elif reason == "password changed":
            room.users.set_password(name, "battery staple")
        for cookie in cookies:
            if reason == "logged out":
                room.send("POST", "/logout", headers=room.as_user(cookie))
            yield reason, cookie


def of_sessions(room: Newsroom, patch: pytest.MonkeyPatch) -> Iterator[Forged]:
    wrong = [("wrong signature", cookie) for cookie in wrong_sessions(room)]
    for number, (kind, cookie) in enumerate([*wrong, *ended_sessions(room, patch)]):
        headers = room.as_user(cookie)
        yield Forged(
            kind, "GET", ("/config", "/v1/documents", "/gradio_api/queue/data?session_hash=a")[number % 3], headers
        )
        if kind != "wrong signature" or number % 4 == 0:
            yield Forged(kind, "POST", JOIN, headers, event(ASK, f"forged{number}"))
            yield Forged(kind, "POST", "/v1/answer", headers, {"question": "?"})


def of_other_sites(room: Newsroom) -> Iterator[Forged]:
    """Yield what a page of another site makes the browser of an admin send."""
    cookie = {"cookie": f"{COOKIE}={room.cookie('ada')}"}
    origins = ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", "http://localhost:7860", ""]
    sites = [{"origin": origin} for origin in origins]
    sites += [{"sec-fetch-site": site} for site in ("cross-site", "same-site", "none", "odd")]
    sites += [OWN_PAGE | {"sec-fetch-site": site} for site in ("cross-site", "same-site", "none")]
    sites += [{}, {"referer": f"{HOST}/"}, {"sec-fetch-mode": "navigate"}, {"x-requested-with": "XMLHttpRequest"}]
    posts: list[tuple[str, str, Any]] = [
        ("POST", JOIN, event(ASK, "csrf")),
        ("POST", "/gradio_api/run/predict", event(SHELF, "csrf", event_data={"do": "remove", "id": "a"})),
        ("POST", "/gradio_api/upload", "x"),
        ("POST", "/v1/answer", {"question": "?"}),
        ("POST", "/v1/users", {"name": "eve", "password": PASSWORD, "role": "admin"}),
        ("DELETE", "/v1/documents/a", None),
        ("DELETE", "/v1/users/ada", None),
        ("POST", "/mcp", {}),
        ("POST", "/logout", None),
    ]
    for site in sites:
        for method, path, body in posts:
            yield Forged("other site", method, path, cookie | site, body)


def of_keys(room: Newsroom, patch: pytest.MonkeyPatch) -> Iterator[Forged]:
    good = room.users.add_key("ada", "good")
    wrong = [
        *changed(good, 3),
        good + "0",
        good[:-1],
        good.upper(),
        good.split("_")[2],
        "",
        "dl__",
        "Bearer",
        "ada",
        PASSWORD,
    ]
    for number, key in enumerate(wrong):
        yield Forged("wrong key", "GET", ("/v1/documents", "/v1/users", "/metrics")[number % 3], with_key(key))
    basic = [
        base64.b64encode(f"{name}:{secret}".encode()).decode() for name in ("ada", "") for secret in (good, PASSWORD)
    ]
    for text in basic:
        yield Forged("no bearer", "GET", "/v1/documents", {"authorization": f"Basic {text}"})
    for headers in ({"cookie": f"{COOKIE}={good}"}, {"x-api-key": good}, {"authorization": good}):
        yield Forged("no bearer", "GET", "/v1/documents", headers)
    yield Forged("in the address", "GET", f"/v1/documents?api_key={good}&key={good}&access_token={good}")
    for path in ("/", "/config", "/gradio_api/info"):
        yield Forged("a key on the page", "GET", path, with_key(good))
    bad = {"removed": room.users.add_key("ada", "removed"), "expired": ""}
    room.users.remove_key("ada", "removed")
    with patch.context() as then:
        then.setattr(keys, "moment", lambda days=0: "2020-01-01T00:00:00+00:00")
        bad["expired"] = room.users.add_key("ada", "expired")
    room.users.add("left", PASSWORD, Role.ADMIN)
    bad["of a removed user"] = room.users.add_key("left", "k")
    room.users.remove("left")
    for kind, key in bad.items():
        for path in ("/v1/documents", "/v1/users", "/v1/models", "/metrics", "/mcp", "/local/sources"):
            yield Forged(f"{kind} key", "GET", path, with_key(key))


def of_small_scope(room: Newsroom) -> Iterator[Forged]:
    documents = [
        ("POST", "/v1/documents"),
        *((m, f"/v1/documents/{n}") for m in ("DELETE", "PUT", "PATCH") for n in range(9)),
    ]
    users = [
        ("GET", "/v1/users"),
        ("POST", "/v1/users"),
        *(("DELETE", f"/v1/users/{n}") for n in ("rita", "ed", "ada")),
    ]
    local = [("GET", "/local/sources"), ("POST", "/local/remove"), ("POST", "/local/ingest")]
    for name, scope, forbidden in (
        ("rita", Role.READER, documents + users + local),
        ("ada", Role.READER, documents + users + local),
        ("ada", Role.EDITOR, users + local),
        ("ada", Role.ADMIN, local),
    ):
        key = room.users.add_key(name, f"{name}-{scope.value}", scope)
        for method, path in forbidden:
            yield Forged(f"scope {scope.value}", method, path, with_key(key), {} if method != "GET" else None)


def of_small_roles(room: Newsroom) -> Iterator[Forged]:
    for name in ("rita", "ed"):
        headers = room.as_user(room.cookie(name))
        for number, data in enumerate([{"do": do} for do in ("start", "cancel", "forget")] * 5):
            yield Forged("role", "POST", JOIN, headers, event(QUALITY, f"{name}{number}", event_data=data))
    headers = room.as_user(room.cookie("rita"))
    for number in range(20):
        yield Forged("role", "POST", JOIN, headers, event(FILES, f"files{number}"))
        data = {"do": ("remove", "undo")[number % 2], "id": str(number)}
        yield Forged("role", "POST", JOIN, headers, event(SHELF, f"shelf{number}", event_data=data))


def of_ids_of_others(room: Newsroom) -> Iterator[Forged]:
    """Yield requests of an admin that name pages and uploads of a reader."""
    rita, ada = room.cookie("rita"), room.as_user(room.cookie("ada"))
    for number in range(12):
        page, upload = f"hers{number}", f"upload{number}"
        assert room.call(rita, page=page).status_code == 200
        room.get(f"/gradio_api/upload_progress?upload_id={upload}", headers=room.as_user(rita))
        room.owned.add((room.users.find("rita").id, f"/uploads/{number}.txt"))
        for kind in ("queue/join", "run/predict"):
            yield Forged("page of another", "POST", f"/gradio_api/{kind}", ada, event(ASK, page))
        for kind in ("cancel", "reset"):
            named = {"session_hash": page, "fn_index": ASK, "event_id": "e"}
            yield Forged("page of another", "POST", f"/gradio_api/{kind}", ada, named)
        function = {"session_hash": page, "component_id": 1, "fn_name": "article", "data": []}
        yield Forged("page of another", "POST", "/gradio_api/component_server", ada, function)
        for path in (f"queue/data?session_hash={page}", f"heartbeat/{page}", f"upload_progress?upload_id={upload}"):
            yield Forged("page of another", "GET", f"/gradio_api/{path}", ada)
        yield Forged("upload of another", "POST", f"/gradio_api/upload?upload_id={upload}", ada, "x")
        file = event(FILES, f"own{number}", data=[[{"path": f"/uploads/{number}.txt"}]])
        yield Forged("file of another", "POST", JOIN, ada, file)


def send_all(room: Newsroom, requests: list[Forged]) -> list[tuple[Forged, int]]:
    """Send each from an address of its own, so that none is refused only because of those before it."""

    async def sent() -> list[tuple[Forged, int]]:
        found = []
        for number, forged in enumerate(requests):
            transport = httpx.ASGITransport(room.guard, client=(f"10.1.{number // 250}.{number % 250}", 1))
            async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
                options = {"content": forged.body} if isinstance(forged.body, str) else {"json": forged.body}
                options = {} if forged.body is None else options
                headers = {name: value.encode() for name, value in forged.headers.items()}
                done = await client.request(forged.method, forged.path, headers=headers, **options)
                found.append((forged, done.status_code))
        return found

    return asyncio.run(sent())


def test_none_of_a_thousand_forged_requests_gets_through(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [
        *of_sessions(room, monkeypatch),
        *of_other_sites(room),
        *of_keys(room, monkeypatch),
        *of_small_scope(room),
        *of_small_roles(room),
        *of_ids_of_others(room),
    ]
    assert len(requests) >= 1000
    before = [user.name for user in room.users.all()]
    room.through.clear()
    found = send_all(room, requests)
    assert room.through == [] and [user.name for user in room.users.all()] == before
    assert [(forged, status) for forged, status in found if status not in (303, 401, 403)] == []
    # The same is let in where nothing about it is forged.
    ada, key = room.as_user(room.cookie("ada")), room.users.add_key("ada", "fine")
    fine = [
        Forged("", "GET", "/config", ada),
        Forged("", "POST", JOIN, ada, event(QUALITY, "fine", event_data={"do": "start"})),
        Forged("", "DELETE", "/v1/documents/a", with_key(key)),
        Forged("", "POST", "/v1/users", with_key(key), {}),
    ]
    assert [status for _, status in send_all(room, fine)] == [200] * len(fine) == [200] * len(room.through)
