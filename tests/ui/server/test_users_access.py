"""Who gets through the guard where there are users: sessions, keys, roles, and ids of others."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

import pytest
import quick_hashes
from newsroom import (
    ASK,
    FILES,
    HOST,
    JOIN,
    NAMES,
    OWN_PAGE,
    PASSWORD,
    TOKEN,
    Newsroom,
    with_key,
)  # fmt: skip

from rag import Role, UsageError
from rag.users.file import UsersFile
from ui.server import gate, lockout, sessions
from ui.server.access import Access
from ui.server.lockout import MOST_WRONG


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_hashes.use(monkeypatch)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Newsroom]:
    room = Newsroom(tmp_path)
    yield room
    room.users.close()


@pytest.fixture
def room(empty: Newsroom) -> Newsroom:
    return empty.fill()


class TestLogin:
    """Logging in and out in a browser."""

    def test_without_users_nothing_changes(self, empty: Newsroom) -> None:
        assert empty.get("/").status_code == 200 and empty.get("/v1/documents").status_code == 200
        assert empty.get("/").json()["role"] == "admin"
        assert empty.get("/login").status_code == 404 and empty.log_in("rita").status_code == 404

    def test_the_first_user_closes_the_page_at_once(self, empty: Newsroom) -> None:
        assert empty.get("/config").status_code == 200
        empty.users.add("ada", PASSWORD, Role.ADMIN)
        assert empty.get("/config").status_code == 401

    @pytest.mark.parametrize("path", ["/config", "/theme.css", "/gradio_api/info", "/favicon.ico", "/assets/x.js"])
    def test_every_address_of_the_page_needs_a_user(self, room: Newsroom, path: str) -> None:
        done = room.get(path)
        assert done.status_code == 401 and done.headers["www-authenticate"] == "Bearer" and room.through == []

    @pytest.mark.parametrize("path", ["/v1/documents", "/v1/models", "/metrics", "/v1/openapi.json", "/mcp", "/v1/no"])
    def test_every_address_for_programs_needs_a_key(self, room: Newsroom, path: str) -> None:
        done = room.get(path)
        assert done.status_code == 401 and done.headers["content-type"] == "application/problem+json"
        assert room.through == []

    def test_health_and_the_login_page_are_for_everyone(self, room: Newsroom) -> None:
        assert [room.get(path).status_code for path in ("/healthz", "/healthz/ready", "/login")] == [200, 200, 200]

    def test_the_page_leads_to_the_login_and_back(self, room: Newsroom) -> None:
        done = room.get("/")
        assert done.status_code == 303 and done.headers["location"] == "login"
        done = room.log_in("Rita")
        assert done.status_code == 303 and done.headers["location"] == "."
        assert room.get("/", headers=room.as_user(done.cookies[sessions.COOKIE])).json()["name"] == "rita"

    @pytest.mark.parametrize(("host", "secure"), [(HOST, False), ("https://127.0.0.1:7860", True)])
    def test_cookies(self, room: Newsroom, host: str, secure: bool) -> None:
        session, account = room.log_in("rita", host=host).headers.get_list("set-cookie")[-2:]
        session, account = sorted((session, account), reverse=True)
        assert "HttpOnly" in session and "SameSite=Lax" in session and "Path=/" in session
        assert ("Secure" in session) is ("Secure" in account) is secure
        assert account.startswith(f"{sessions.ACCOUNT}={room.users.find('rita').id};") and "rita" not in account

    def test_a_proxy_with_tls_makes_cookies_secure(self, room: Newsroom) -> None:
        done = room.log_in("rita", headers={"origin": "https://127.0.0.1:7860"})
        assert all("Secure" in cookie for cookie in done.headers.get_list("set-cookie"))

    @pytest.mark.parametrize(
        ("name", "password"), [("rita", "wrong password"), ("nobody", PASSWORD), ("rita", ""), ("", ""), ("<b>", "x")]
    )
    def test_wrong_names_and_passwords_look_alike(self, room: Newsroom, name: str, password: str) -> None:
        done = room.log_in(name, password)
        assert done.status_code in (401, 422) and sessions.COOKIE not in done.cookies and "<b>" not in done.text
        assert (
            done.headers["cache-control"] == "no-store"
            and "default-src 'none'" in done.headers["content-security-policy"]
        )

    def test_the_typed_name_stays(self, room: Newsroom) -> None:
        assert 'value="" autofocus>' in room.get("/login").text
        done = room.log_in("Rita", "wrong password")
        assert 'value="Rita">' in done.text and 'maxlength="1000" required autofocus>' in done.text
        for name in ('"><script>alert(1)</script>', "${problem}", "${styles}", "' autofocus onfocus='x"):
            shown = room.log_in(name, "wrong password").text.split('id="name"')[1].split("<label")[0]
            assert f'value="{escape(name[:64])}"' in shown and shown.count(">") == 1
        assert "wrong password" not in done.text

    @pytest.mark.parametrize("body", [b"", b"name=rita", b"\xff", b"name=rita&" * 20, b'{"name": "rita"}'])
    def test_a_form_that_cannot_be_read(self, room: Newsroom, body: bytes) -> None:
        assert room.send("POST", "/login", content=body, headers=OWN_PAGE).status_code == 422

    @pytest.mark.parametrize(
        "headers",
        [{}, {"origin": "https://evil.example"}, {"origin": "null"}, OWN_PAGE | {"sec-fetch-site": "same-site"}],
    )
    def test_other_pages_log_nobody_in(self, room: Newsroom, headers: dict[str, str]) -> None:
        assert room.log_in("rita", headers=headers).status_code == 403

    def test_many_wrong_passwords_for_a_name(self, room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(MOST_WRONG):
            assert room.log_in("rita", "wrong", address=f"10.0.0.{number}").status_code == 401
        for name in ("rita", "RITA", "ｒｉｔａ"):
            done = room.log_in(name, address="10.0.1.1")
            assert done.status_code == 429 and done.headers["retry-after"] == "60"
        assert room.log_in("ed", address="10.0.1.1").status_code == 303
        monkeypatch.setattr(lockout, "SECONDS", -1.0)
        assert room.log_in("rita").status_code == 303

    def test_many_logins_from_an_address(self, room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gate, "_MOST_OF_ADDRESS", 3)
        room = Newsroom(room.store.parent)
        for name in ("a", "b", "c"):
            assert room.log_in(name, address="10.0.0.1").status_code == 401
        assert room.log_in("rita", address="10.0.0.1").status_code == 429
        assert room.log_in("rita", address="10.0.0.2").status_code == 303
        room.users.close()

    def test_a_session_holds_where_others_guess(self, room: Newsroom) -> None:
        cookie, key = room.cookie("rita"), room.users.add_key("rita", "k")
        for _ in range(MOST_WRONG + 1):
            room.log_in("rita", "wrong")
            done = room.get("/v1/documents", headers=with_key("dl_wrong"))
        assert done.status_code == 429
        assert room.get("/", headers=room.as_user(cookie)).status_code == 200
        assert room.get("/v1/documents", headers=with_key(key)).status_code == 200

    def test_a_request_with_a_key_asks_for_the_users_once(
        self, room: Newsroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key, rows, asked = room.users.add_key("ed", "k"), UsersFile.rows, list[str]()

        def noted(file: UsersFile, statement: str, *values: object) -> list[object]:
            asked.append(statement)
            return rows(file, statement, *values)

        monkeypatch.setattr(UsersFile, "rows", noted)
        assert room.get("/v1/documents", headers=with_key(key)).json()["name"] == "ed"
        assert len(asked) == 1

    def test_logging_out_ends_copies_of_the_cookie_too(self, room: Newsroom) -> None:
        cookie, other = room.cookie("rita"), room.cookie("rita")
        done = room.send("POST", "/logout", headers=room.as_user(cookie))
        assert done.status_code == 303 and done.headers["location"] == "login"
        assert all("Max-Age=0" in c for c in done.headers.get_list("set-cookie"))
        assert room.get("/config", headers=room.as_user(cookie)).status_code == 401
        assert room.get("/config", headers=room.as_user(other)).status_code == 200

    def test_only_the_page_logs_out(self, room: Newsroom) -> None:
        headers = room.as_user(room.cookie("rita"), origin="https://evil.example")
        assert room.send("POST", "/logout", headers=headers).status_code == 403
        assert room.get("/logout").status_code == 405 and room.send("POST", "/logout", headers=OWN_PAGE).is_redirect

    def test_sessions_end_with_the_user_and_the_password(self, room: Newsroom) -> None:
        rita, ed, ada = map(room.cookie, NAMES)
        room.users.set_password("rita", "battery staple")
        room.users.remove("ed")
        codes = [room.get("/config", headers=room.as_user(cookie)).status_code for cookie in (rita, ed, ada)]
        assert codes == [401, 401, 200]

    def test_streams_end_with_the_session(self, room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gate, "_LOOK", -1.0)
        stream, headers = "/gradio_api/queue/data?session_hash=a", room.as_user(room.cookie("rita"))
        key = with_key(room.users.add_key("rita", "k"))
        room.between = lambda: None
        assert room.get(stream, headers=headers).text.startswith("firstsecond")
        room.between = lambda: room.users.remove_key("rita", "k")
        assert room.get("/v1/documents", headers=key).text == "first"
        room.between = lambda: room.users.remove("rita")
        assert room.get(stream, headers=headers).text == "first"

    def test_another_role_holds_at_once(self, room: Newsroom) -> None:
        cookie = room.cookie("ed")
        assert room.call(cookie, FILES).status_code == 200
        room.users.set_role("ed", Role.READER)
        assert room.call(cookie, FILES).status_code == 403

    def test_a_session_is_renewed_when_the_page_is_opened(
        self, room: Newsroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        headers = room.as_user(room.cookie("rita"))
        assert sessions.COOKIE not in room.get("/", headers=headers).cookies
        monkeypatch.setattr(sessions, "_RENEWED", -1)
        cookie = room.get("/", headers=headers).cookies[sessions.COOKIE]
        assert room.get("/config", headers=room.as_user(cookie)).status_code == 200
        assert sessions.COOKIE not in room.get("/config", headers=headers).cookies

    def test_the_log_names_who_came_in_and_who_did_not(self, room: Newsroom) -> None:
        room.cookie("rita")
        room.log_in("rita", "wrong", address="10.0.0.9")
        room.log_in("my password", "wrong")
        room.get("/v1/documents", headers=with_key("dl_wrong"))
        lines = [{k: v for k, v in line.items() if k != "time"} for line in room.users.log.lines()]
        assert lines == [
            {"what": "login", "user": "rita", "address": "127.0.0.1"},
            {"what": "login failed", "given": "rita", "address": "10.0.0.9"},
            {"what": "login failed", "given": "unknown", "address": "127.0.0.1"},
            {"what": "key refused", "address": "127.0.0.1"},
        ]


class TestServers:
    """How users, the password and the address of the server go together."""

    @pytest.fixture
    def guarded(self, tmp_path: Path) -> Iterator[Newsroom]:
        room = Newsroom(tmp_path, password="one for all")
        yield room
        room.users.close()

    def test_the_password_counts_where_there_are_no_users(self, guarded: Newsroom) -> None:
        headers = {"authorization": "Bearer one for all"}
        assert guarded.get("/v1/documents", headers=headers).status_code == 200
        guarded.fill()
        assert guarded.get("/v1/documents", headers=headers).status_code == 401
        assert guarded.get("/config", auth=("x", "one for all")).status_code == 401

    def test_a_server_that_others_reach_needs_users_or_a_password(self, room: Newsroom, empty: Newsroom) -> None:
        Access("0.0.0.0", users=room.users).check()
        for name in ("rita", "ed", "ada"):
            room.users.remove(name)
        with pytest.raises(UsageError, match="rag users add"):
            Access("0.0.0.0", users=room.users).check()

    def test_without_its_last_user_a_server_that_others_reach_is_closed(self, tmp_path: Path) -> None:
        room = Newsroom(tmp_path, host="0.0.0.0").fill()
        for name in ("rita", "ed", "ada"):
            room.users.remove(name)
        assert room.get("/config").status_code == 401 and room.get("/v1/documents").status_code == 401
        room.users.close()

    def test_damaged_users_let_nobody_in(self, empty: Newsroom) -> None:
        empty.store.mkdir()
        (empty.store / "users.db").write_bytes(b"damaged" * 1000)
        for path in ("/", "/config", "/login", "/v1/documents"):
            assert empty.get(path).status_code == 503, path
        assert empty.log_in("rita").status_code == 503 and empty.through == []

    def test_the_command_line_needs_no_user(self, room: Newsroom) -> None:
        for path in ("/local/sources", "/v1/documents"):
            assert room.get(path, headers=with_key(TOKEN)).json()["name"] == "command line"
        key = room.users.add_key("ada", "k")
        assert room.get("/local/sources", headers=with_key(key)).status_code == 403

    def test_a_page_with_users_or_a_name_is_not_private(self, room: Newsroom) -> None:
        assert Access().private and not Access(names=("news.example",)).private
        assert not Access(users=room.users).private and not Access("0.0.0.0", everyone=True).private


class TestOwn:
    """Pages, events, files and places of a user are theirs."""

    def test_pages_of_others(self, room: Newsroom) -> None:
        rita, ed = room.cookie("rita"), room.cookie("ed")
        assert room.call(rita, page="hers").status_code == 200
        for kind in (JOIN, "/gradio_api/run/predict"):
            assert room.call(ed, page="hers", kind=kind).status_code == 403, kind
        for kind in ("cancel", "reset"):
            body = {"session_hash": "hers", "fn_index": ASK, "event_id": "e"}
            done = room.send("POST", f"/gradio_api/{kind}", json=body, headers=room.as_user(ed))
            assert done.status_code == 403, kind
        for path in (
            "/gradio_api/queue/data?session_hash=hers",
            "/gradio_api/queue/data?session_hash=other&session_hash=hers",
            "/gradio_api/queue/data?session_hash=hers&session_hash=other",
            "/gradio_api/heartbeat/hers",
        ):
            assert room.get(path, headers=room.as_user(ed)).status_code == 403, path
        assert room.get("/gradio_api/queue/data?session_hash=hers", headers=room.as_user(rita)).status_code == 200

    def test_uploads_of_others(self, room: Newsroom) -> None:
        ada, ed = room.cookie("ada"), room.cookie("ed")
        room.owned.add((room.users.find("ada").id, "/uploads/a.txt"))
        file = [[{"path": "/uploads/a.txt"}]]
        assert room.call(ada, FILES, "p1", data=file).status_code == 200
        assert room.call(ed, FILES, "p2", data=file).status_code == 403
        progress = "/gradio_api/upload_progress?upload_id=u1"
        assert room.get(progress, headers=room.as_user(ada)).status_code == 200
        assert room.get(progress, headers=room.as_user(ed)).status_code == 403

    def test_two_browsers_of_a_user_are_one_reader(self, room: Newsroom) -> None:
        readers = {room.get("/config", headers=room.as_user(room.cookie("rita"))).json()["reader"] for _ in range(2)}
        assert readers == {room.users.find("rita").id}
        readers.add(room.get("/v1/documents", headers=with_key(room.users.add_key("rita", "k"))).json()["reader"])
        assert len(readers) == 1

    def test_a_page_without_users_belongs_to_its_browser(self, empty: Newsroom) -> None:
        body = {"fn_index": ASK, "data": [None], "session_hash": "page1"}
        first, second = ({"cookie": f"dateline-reader={digit * 32}"} for digit in "ab")
        assert empty.send("POST", JOIN, json=body, headers=first).status_code == 200
        assert empty.send("POST", JOIN, json=body, headers=second).status_code == 403
