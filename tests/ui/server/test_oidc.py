"""Logging in at a provider: who gets in, and every lie that nobody believes."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import quick_hashes
from identity import ID, SECRET, Identity, providing
from joserfc.jwk import OctKey
from newsroom import HOST, NAMES, PASSWORD, Newsroom
from traveller import AWAY, BACK, Browser

from rag import Role
from ui.server import oidc, sessions
from ui.server.oidc import Provider
from ui.server.sessions import BEGUN, COOKIE


@pytest.fixture(scope="module")
def listening() -> Iterator[Identity]:
    with providing() as identity:
        yield identity


@pytest.fixture
def identity(listening: Identity) -> Iterator[Identity]:
    before = vars(listening).copy()
    listening.claims, listening.described, listening.replies, listening.asked = {}, {}, {}, []
    yield listening
    vars(listening).update(before)


@pytest.fixture
def room(tmp_path: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsroom]:
    quick_hashes.use(monkeypatch)
    room = Newsroom(tmp_path, provider=Provider(identity.url, ID, SECRET)).fill()
    yield room
    room.users.close()


def refused(room: Newsroom, done: httpx.Response, status: int = 401) -> None:
    """Check that nobody was let in, and that the page says so without what the provider sent."""
    assert done.status_code == status and COOKIE not in done.cookies and 'role="alert"' in done.text
    assert '<form method="post" action="../../login">' in done.text and "<b>" not in done.text
    assert room.through == []


class TestLogin:
    """What a person does."""

    def test_a_user_gets_in(self, room: Newsroom) -> None:
        browser = Browser(room)
        assert browser.away.status_code == 303 and browser.away.headers["cache-control"] == "no-store"
        done = browser.come_back()
        assert done.status_code == 303 and done.headers["location"] == "../.."
        assert f"{BEGUN}=; Path=/; Max-Age=0" in done.headers.get_list("set-cookie")
        found = room.get("/", headers=room.as_user(done.cookies[COOKIE])).json()
        assert (found["name"], found["role"]) == ("rita", "reader")
        log = room.users.log.lines()[-1]
        assert (log["what"], log["user"], log["by"]) == (
            "login",
            "rita",
            urlsplit(room.guard._gate.provider.issuer).netloc,
        )

    def test_the_login_page_has_one_button_for_it(self, room: Newsroom, identity: Identity) -> None:
        text = room.get("/login").text
        assert text.count(f'href="login/oidc">Log in with {urlsplit(identity.url).netloc}</a>') == 1
        assert 'name="password"' in text and room.log_in("rita").status_code == 303

    def test_without_a_provider_there_is_none(self, tmp_path: Path) -> None:
        room = Newsroom(tmp_path).fill()
        assert "oidc" not in room.get("/login").text
        assert [room.get(path).status_code for path in (AWAY, BACK)] == [401, 401]
        room.users.close()

    def test_roles_are_ours(self, room: Newsroom, identity: Identity) -> None:
        identity.user, identity.claims = "ed", {"role": "admin", "roles": ["admin"], "groups": ["admin"]}
        cookie = Browser(room).come_back().cookies[COOKIE]
        assert room.get("/", headers=room.as_user(cookie)).json()["role"] == "editor"

    @pytest.mark.parametrize(("host", "secure"), [(HOST, False), ("https://127.0.0.1:7860", True)])
    def test_cookies(self, room: Newsroom, host: str, secure: bool) -> None:
        browser = Browser(room, host)
        for done, name in ((browser.away, BEGUN), (browser.come_back(), COOKIE)):
            [cookie] = [c for c in done.headers.get_list("set-cookie") if c.startswith(name) and "Max-Age=0" not in c]
            assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and ("Secure" in cookie) is secure

    def test_the_address_to_come_back_to_is_below_the_path_of_a_proxy(self, room: Newsroom) -> None:
        room.guard._doors._root_path = "/news"
        given = parse_qs(urlsplit(Browser(room).away.headers["location"]).query)
        assert given["redirect_uri"] == [f"{HOST}/news{BACK}"]

    def test_a_session_ends_like_any_other(self, room: Newsroom) -> None:
        headers = room.as_user(Browser(room).come_back().cookies[COOKIE])
        room.users.set_password("rita", "battery staple")
        assert room.get("/config", headers=headers).status_code == 401

    def test_many_logins_from_an_address(self, room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
        room.guard._gate._logins._most = 2
        assert Browser(room).come_back().status_code == 303
        assert Browser(room).away.status_code == 429


class TestNames:
    """Whom the provider names, and who that is here."""

    @pytest.mark.parametrize("name", ["zoe", "ｒｉｔａ", "rita ", "", "rita\n", "<b>rita</b>", 5, ["rita"], None])
    def test_others_stay_outside(self, room: Newsroom, identity: Identity, name: Any) -> None:
        identity.claims = {"preferred_username": name}
        done = Browser(room).come_back()
        refused(room, done, 403 if isinstance(name, str) and name else 401)
        assert {user.name for user in room.users.all()} == set(NAMES)

    def test_a_setting_lets_new_ones_in_as_readers(self, room: Newsroom, identity: Identity) -> None:
        room.guard._gate.provider.adds = True
        identity.user = "Zoe@news.example"
        cookie = Browser(room).come_back().cookies[COOKIE]
        assert room.get("/", headers=room.as_user(cookie)).json()["role"] == "reader"
        assert room.users.find("zoe@news.example").role is Role.READER
        assert Browser(room).come_back().status_code == 303 and len(room.users.all()) == len(NAMES) + 1
        assert [line["what"] for line in room.users.log.lines()] == ["user added", "login", "login"]
        for password in ("", PASSWORD):  # they have no password
            assert room.log_in("zoe@news.example", password).status_code in (401, 422)

    def test_a_name_that_is_no_user_name_is_not_added(self, room: Newsroom, identity: Identity) -> None:
        room.guard._gate.provider.adds = True
        identity.user = "Zoë <script>"
        refused(room, Browser(room).come_back(), 403)

    @pytest.mark.parametrize(("verified", "status"), [(True, 303), (False, 401), ("true", 401), (None, 401)])
    def test_an_address_must_be_verified(self, room: Newsroom, identity: Identity, verified: Any, status: int) -> None:
        room.users.add("rita@news.example", None)
        room.guard._gate.provider._claim = "email"
        identity.claims = {"email": "Rita@news.example", "email_verified": verified}
        assert Browser(room).come_back().status_code == status

    def test_with_a_provider_nobody_gets_in_before_the_first_user(self, tmp_path: Path, identity: Identity) -> None:
        room = Newsroom(tmp_path, provider=Provider(identity.url, ID, SECRET))
        assert room.get("/").status_code == 303 and room.get("/v1/documents").status_code == 401
        refused(room, Browser(room).come_back(), 403)
        room.users.close()


class TestForged:
    """What nobody believes."""

    @pytest.mark.parametrize("state", ["", "x", "A" * 43])
    def test_state(self, room: Newsroom, identity: Identity, state: str) -> None:
        refused(room, Browser(room).come_back(state=state), 400)
        assert "/token" not in identity.asked

    def test_a_login_of_another_browser(self, room: Newsroom) -> None:
        there, here = Browser(room), Browser(room)
        refused(room, here.get(there.returned().removeprefix(HOST)), 400)
        here.cookies = {}
        refused(room, here.get(there.returned().removeprefix(HOST)), 400)

    @pytest.mark.parametrize("kept", ["", "x", "W10.x.y", "."])
    def test_what_the_browser_kept(self, room: Newsroom, kept: str) -> None:
        browser = Browser(room)
        browser.cookies[BEGUN] = kept
        refused(room, browser.come_back(), 400)

    def test_a_cookie_of_a_session_begins_no_login(self, room: Newsroom) -> None:
        browser = Browser(room)
        browser.cookies[BEGUN] = room.cookie("ada")
        refused(room, browser.come_back(), 400)

    def test_a_login_that_took_too_long(self, room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
        browser = Browser(room)
        monkeypatch.setattr(sessions, "_MOST_AWAY", -1)
        refused(room, browser.come_back(), 400)

    def test_an_address_counts_once(self, room: Newsroom) -> None:
        browser = Browser(room)
        address = browser.returned().removeprefix(HOST)
        assert browser.get(address).status_code == 303
        refused(room, browser.get(address), 401)

    def test_code_and_refusal(self, room: Newsroom) -> None:
        refused(room, Browser(room).come_back(code="guessed"))
        refused(room, Browser(room).come_back(error="<b>access_denied</b>"))
        refused(room, Browser(room).come_back(code=""))
        refused(room, Browser(room).come_back(iss="https://evil.example"))

    @pytest.mark.parametrize(
        "claims",
        [
            {"nonce": "another"},
            {"nonce": None},
            {"nonce": ["another"]},
            {"iss": "https://evil.example"},
            {"iss": None},
            {"aud": "another"},
            {"aud": ["another", "others"]},
            {"aud": None},
            {"aud": ["another", ID]},  # without azp
            {"aud": ["another", ID], "azp": "another"},
            {"azp": "another"},
            {"exp": timedelta(minutes=-2)},
            {"exp": None},
            {"exp": "tomorrow"},
            {"iat": timedelta(minutes=10)},
            {"iat": None},
            {"nbf": timedelta(minutes=10)},
            {"sub": None},
            {"at_hash": "AAAA"},
        ],
        ids=str,
    )
    def test_claims(self, room: Newsroom, identity: Identity, claims: dict[str, Any]) -> None:
        # Times are relative, so that every process of a run collects the same tests.
        identity.claims = {
            name: int(time.time() + value.total_seconds()) if isinstance(value, timedelta) else value
            for name, value in claims.items()
        }
        refused(room, Browser(room).come_back())

    def test_signatures(self, room: Newsroom, identity: Identity) -> None:
        identity.signs = identity.key("one")  # of the same name as the real one
        refused(room, Browser(room).come_back())
        identity.signs = identity.key("other")
        refused(room, Browser(room).come_back())
        identity.algorithm = "none"
        refused(room, Browser(room).come_back())
        for secret in (identity.published[0].as_pem(private=False), SECRET.encode()):  # HS256 with what is known
            identity.signs, identity.algorithm = secret, "HS256"
            refused(room, Browser(room).come_back())

    def test_a_published_key_that_both_sides_know(self, room: Newsroom, identity: Identity) -> None:
        identity.signs, identity.algorithm = b"k" * 32, "HS256"
        key = OctKey.import_key(identity.signs, {"kid": "one"})
        identity.replies["/keys"] = json.dumps({"keys": [key.as_dict()]}).encode()
        refused(room, Browser(room).come_back())

    def test_a_changed_token(self, room: Newsroom, identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
        token = identity.token
        monkeypatch.setattr(identity, "token", lambda nonce: token(nonce)[:-8] + "AAAAAAAA")
        refused(room, Browser(room).come_back())

    def test_keys_that_change_are_read_again(self, room: Newsroom, identity: Identity) -> None:
        assert Browser(room).come_back().status_code == 303
        identity.signs = identity.key("two")
        identity.published = [*identity.published, identity.signs]
        assert Browser(room).come_back().status_code == 303

    def test_no_address_leads_elsewhere(self, room: Newsroom) -> None:
        evil = dict.fromkeys(("next", "redirect_uri", "return_to", "url", "target_link_uri"), "https://evil.example/")
        away = room.get(f"{AWAY}?{httpx.QueryParams(evil)}")
        assert "evil" not in away.headers["location"]
        assert Browser(room).come_back(**evil).headers["location"] == "../.."

    def test_another_host_is_no_place_to_come_back_to(self, room: Newsroom) -> None:
        assert room.get(AWAY, host="http://evil.example").status_code == 421

    def test_only_get(self, room: Newsroom) -> None:
        for method in ("POST", "PUT", "HEAD"):
            assert room.send(method, AWAY, headers={"origin": HOST}).status_code == 405


class TestProviders:
    """A provider that cannot be used."""

    @pytest.mark.parametrize(
        "described",
        [
            {"issuer": "https://evil.example"},
            {"issuer": None},
            {"authorization_endpoint": "http://evil.example/authorize"},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"token_endpoint": None},
            {"jwks_uri": "file:///etc/passwd"},
        ],
        ids=str,
    )
    def test_what_it_says_about_itself(self, room: Newsroom, identity: Identity, described: dict[str, Any]) -> None:
        identity.described = described
        done = room.get(AWAY)
        assert done.status_code == 503 and "cannot be used to log in now" in done.text
        assert '<form method="post" action="../login">' in done.text

    @pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
    @pytest.mark.parametrize(
        "reply", [b"", b"<b>", b"[]", b'{"keys": 5}', b" " * 1_000_001], ids=lambda b: b[:6].decode()
    )
    def test_what_it_sends(self, room: Newsroom, identity: Identity, path: str, reply: bytes) -> None:
        if path.startswith("/."):
            identity.replies = {path: reply}
            assert room.get(AWAY).status_code == 503
            return
        browser = Browser(room)
        identity.replies = {path: reply}
        done = browser.come_back()
        refused(room, done, done.status_code)
        assert done.status_code in (401, 503)

    def test_one_that_is_down(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        room = Newsroom(tmp_path, provider=Provider("http://127.0.0.1:1", ID)).fill()
        done = room.get(AWAY)
        assert done.status_code == 503 and done.headers["retry-after"] == "60"
        assert "127.0.0.1:1 cannot be used to log in now; try again in a minute, or use a password." in done.text
        assert "http://127.0.0.1:1 cannot be used to log in: ConnectError" in caplog.text
        assert room.log_in("rita").status_code == 303
        room.users.close()

    def test_one_that_packs_its_replies(self, room: Newsroom, identity: Identity) -> None:
        identity.encoding, packed = "gzip", gzip.compress(b" " * 100_000_000)
        identity.replies["/.well-known/openid-configuration"] = packed
        assert room.get(AWAY).status_code == 503

    def test_it_is_asked_through_the_proxy_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
        monkeypatch.setenv("no_proxy", "inner.example")
        assert oidc._proxy("https://login.example") == "http://proxy.example:3128"
        assert oidc._proxy("https://inner.example") is None and oidc._proxy("http://127.0.0.1:1") is None

    def test_one_that_is_slow(self, room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(oidc, "_SECONDS", 0.0)
        assert room.get(AWAY).status_code == 503

    def test_its_description_is_kept_for_some_minutes(self, room: Newsroom, identity: Identity) -> None:
        assert [Browser(room).come_back().status_code for _ in range(2)] == [303, 303]
        assert identity.asked.count("/.well-known/openid-configuration") == 1 and identity.asked.count("/keys") == 2
