"""An OpenID Connect provider on this machine, with keys of its own; a test can make it lie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.types import Receive, Scope, Send

ID, SECRET = "dateline-client", "dateline-secret"


class Identity:
    """The provider. Whoever comes to it is logged in as `user` at once.

    `claims` replaces claims of its tokens, None leaves one out; `described` does so for what it says about itself.
    `signs` is the key of the tokens (bytes for HS256), and `published` the keys that it says are its own. `replies` are
    bodies that it sends at an address instead of its own, and `encoding` says how they are packed.
    """

    def __init__(self) -> None:
        self.url = ""
        self.user = "rita"
        self.claims: dict[str, Any] = {}
        self.described: dict[str, Any] = {}
        self.replies: dict[str, bytes] = {}
        self.encoding = "identity"
        self.published = [self.key("one")]
        self.signs: RSAKey | bytes = self.published[0]
        self.algorithm = "RS256"
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    @staticmethod
    def key(name: str) -> RSAKey:
        """Return a new key."""
        return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})

    def token(self, nonce: str) -> str:
        """Return a token about the user."""
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": ID, "sub": f"id of {self.user}", "preferred_username": self.user, "nonce": nonce,
            "iat": now, "exp": now + 300,
        }  # fmt: skip
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        if isinstance(self.signs, RSAKey) and self.algorithm != "none":
            return jwt.encode({"alg": self.algorithm, "kid": self.signs.kid}, claims, self.signs, [self.algorithm])
        text = b".".join(
            map(_packed, (json.dumps({"alg": self.algorithm, "kid": "one"}).encode(), json.dumps(claims).encode()))
        )
        signature = hmac.digest(self.signs, text, "sha256") if isinstance(self.signs, bytes) else b""
        return (text + b"." + _packed(signature)).decode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        assert scope["type"] == "http"
        path = scope["path"]
        self.asked.append(path)
        status, body, headers = self._answer(path, scope, (await receive()).get("body", b""))
        if path in self.replies:
            status, body = 200, self.replies[path]
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers]
        head.append((b"content-encoding", self.encoding.encode()))
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str, scope: Scope, body: bytes) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        if path == "/.well-known/openid-configuration":
            endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            found = {"issuer": self.url} | {name: f"{self.url}/{where}" for name, where in endpoints.items()}
            return 200, json.dumps(found | self.described).encode(), []
        if path == "/keys":
            return 200, json.dumps({"keys": [key.as_dict(private=False) for key in self.published]}).encode(), []
        if path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
            assert asked["client_id"] == ID and asked["response_type"] == "code"
            assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
            code = f"code{len(self._codes)}"
            self._codes[code] = asked
            where = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.url})}"
            return 303, b"", [(b"location", where.encode())]
        assert path == "/token", path
        return self._give(dict(scope["headers"]), {name: v[0] for name, v in parse_qs(body.decode()).items()})

    def _give(self, headers: dict[bytes, bytes], form: dict[str, str]) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        """Return a token for a code, once."""
        begun = self._codes.pop(form["code"], None)
        basic = base64.b64encode(f"{ID}:{SECRET}".encode())
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().strip("=")
        right = begun and (begun["code_challenge"], begun["redirect_uri"]) == (proof, form["redirect_uri"])
        if not right or not begun or headers.get(b"authorization") != b"Basic " + basic:
            return 400, b'{"error": "invalid_grant", "error_description": "<b>no</b>"}', []
        given = {"access_token": "a", "token_type": "Bearer", "id_token": self.token(begun["nonce"])}
        return 200, json.dumps(given).encode(), []


def _packed(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


@contextmanager
def providing() -> Iterator[Identity]:
    """Yield a provider that listens on this machine."""
    identity = Identity()
    server = uvicorn.Server(uvicorn.Config(identity, port=0, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    identity.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield identity
    finally:
        server.should_exit = True
        thread.join()
