"""Logging in at an OpenID Connect provider: authorization code with PKCE, and the signed token that says who it is.

Nothing but the claims of that token is believed: its signature, issuer, audience, nonce and times are checked. What a
provider sends is limited in bytes and time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ui.server.access import is_loopback
from ui.server.bodies import Refused

log = logging.getLogger(__name__)
_SECONDS = 10.0  # that the provider has for all replies of one step
_MOST_BYTES = 1_000_000  # of one reply
_KEPT = 600.0  # seconds after which the provider's description is read again
_LEEWAY = 60  # seconds that its clock and ours may differ
# Only what the provider alone can sign: no key that both sides know, and not "none".
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_WRONG = "The login could not be checked; try again, or ask whoever runs this server."


class Begun(NamedTuple):
    """A login that was begun, as the browser keeps it in a signed cookie.

    `state` comes back in the address, `nonce` in the token; `verifier` shows the provider that it was begun here, and
    `back` is our address to which the browser comes back.
    """

    state: str
    nonce: str
    verifier: str
    back: str


class Provider:
    """An OpenID Connect provider.

    Args:
        issuer: Its address, exactly as in its tokens.
        client_id: Our name there.
        client_secret: Our secret there; empty for a public client.
        claim: The claim of its tokens that is the user's name.
        adds: Whether whoever has no user yet becomes a reader.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str = "",
        claim: str = "preferred_username",
        adds: bool = False,
    ) -> None:
        self.issuer, self._id, self._secret, self._claim, self.adds = issuer, client_id, client_secret, claim, adds
        self.host = urlsplit(issuer).netloc
        self._known: tuple[float, Mapping[str, Any]] | None = None

    async def begin(self, back: str) -> tuple[str, Begun]:
        """Return the address where the browser goes to log in, and what it keeps until it comes back.

        Args:
            back: Our address to which it comes back.

        Raises:
            Refused: The provider cannot be used now.
        """
        state, nonce, verifier = map(secrets.token_urlsafe, (32, 32, 32))
        begun = Begun(state, nonce, verifier, back)
        async with self._asking() as client:
            found = await self._description(client)
            address, _ = client.create_authorization_url(
                found["authorization_endpoint"],
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
                redirect_uri=back,
                scope="openid profile email",
            )
        return str(address), begun

    async def name(self, begun: Begun, code: str, issuer: str = "") -> str:
        """Return the name of who logged in, as the provider signed it.

        Args:
            begun: What `begin` returned, from the browser that came back.
            code: What the provider gave the browser.
            issuer: Who the address says gave it, if it does (RFC 9207).

        Raises:
            Refused: The provider cannot be used now, gives no token for this code, or the token is not what it must be.
        """
        if issuer and issuer != self.issuer:
            raise self._distrusted(f"the browser came back from {issuer!r:.200}")
        async with self._asking() as client:
            found = await self._description(client)
            token = await client.fetch_token(
                found["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=begun.verifier,
                redirect_uri=begun.back,
            )
            keys = await self._json(client, found["jwks_uri"])
        return self._named(self._claims(token, keys, begun.nonce))

    def _claims(self, token: Mapping[str, Any], keys: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """Return the claims of a token, once they are checked."""
        listed = keys.get("keys")
        usable = [key for key in listed if _verifies(key)] if isinstance(listed, list) else []
        wanted: Any = {
            name: {"essential": True, "value": value}
            for name, value in (("iss", self.issuer), ("aud", self._id), ("nonce", nonce))
        }
        known = {"nonce": nonce, "client_id": self._id, "access_token": token.get("access_token")}
        try:
            given = jwt.decode(str(token.get("id_token", "")), KeySet.import_key_set({"keys": usable}), _ALGORITHMS)
            claims = CodeIDToken(given.claims, given.header, wanted, known)
            claims.validate(leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError, LookupError) as error:
            raise self._distrusted(f"the token is not what it must be: {type(error).__name__}: {error}") from error
        return dict(claims)

    def _named(self, claims: Mapping[str, Any]) -> str:
        name = claims.get(self._claim)
        if not isinstance(name, str) or not name:
            raise self._distrusted(f"the token has no text in the claim {self._claim!r}; set RAG_OIDC_CLAIM")
        if self._claim == "email" and claims.get("email_verified") is not True:
            raise self._distrusted("the token does not say that the address is verified (email_verified)")
        return name

    async def _description(self, client: AsyncOAuth2Client) -> Mapping[str, Any]:
        """Return what the provider says about itself."""
        if self._known and time.monotonic() - self._known[0] < _KEPT:
            return self._known[1]
        found = await self._json(client, f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise self._unusable(f"it calls itself {found.get('issuer')!r:.200}; RAG_OIDC_ISSUER must be the same")
        for name in _ENDPOINTS:
            if not is_safe(found.get(name)):
                raise self._unusable(f"its {name} is {found.get(name)!r:.200}, which is no https address")
        self._known = time.monotonic(), found
        return found

    async def _json(self, client: AsyncOAuth2Client, address: str) -> Mapping[str, Any]:
        reply = await client.request("GET", address, withhold_token=True)
        found = reply.json() if reply.status_code == 200 else None
        if not isinstance(found, dict):
            raise self._unusable(f"{address} answers with status {reply.status_code}, and not with what it must have")
        return found

    @contextlib.asynccontextmanager
    async def _asking(self) -> AsyncIterator[AsyncOAuth2Client]:
        """Lend a client; what goes wrong with it becomes a refusal."""
        client = AsyncOAuth2Client(
            self._id,
            self._secret or None,
            code_challenge_method="S256",
            transport=_Transport(proxy=_proxy(self.issuer), verify=_certificates()),
            timeout=_SECONDS,
            headers={"Accept-Encoding": "identity"},
        )
        try:
            async with client:
                yield client
        except AuthlibBaseError as error:  # such as a code that was used before
            raise self._distrusted(f"it gives no token: {error}") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, json.JSONDecodeError, ValueError) as error:
            raise self._unusable(f"{type(error).__name__}: {error}") from error

    def _unusable(self, why: str) -> Refused:
        log.error("%s cannot be used to log in: %.500s", self.issuer, " ".join(why.split()))
        said = f"{self.host} cannot be used to log in now; try again in a minute, or use a password."
        return Refused(503, said, {"Retry-After": "60"})

    def _distrusted(self, why: str) -> Refused:
        log.warning("a login by way of %s was refused: %.500s", self.issuer, " ".join(why.split()))
        return Refused(401, _WRONG)


class _Transport(httpx2.AsyncHTTPTransport):
    """Sends requests, and reads at most `_MOST_BYTES` of a reply that is not packed, in `_SECONDS` from now."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._end = time.monotonic() + _SECONDS

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and return the reply, whose body has not been read."""
        reply: httpx2.Response = await _by(self._end, super().handle_async_request(request))
        if reply.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            raise httpx2.RemoteProtocolError("the reply is packed, which was not asked for")
        assert isinstance(reply.stream, httpx2.AsyncByteStream)
        reply.stream = _Body(reply.stream, self._end)
        return reply


class _Body(httpx2.AsyncByteStream):
    """The body of a reply, within the limits."""

    def __init__(self, body: httpx2.AsyncByteStream, end: float) -> None:
        self._body, self._end = body, end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read, parts = 0, self._body.__aiter__()
        with contextlib.suppress(StopAsyncIteration):
            while True:
                part = await _by(self._end, parts.__anext__())
                read += len(part)
                if read > _MOST_BYTES:
                    raise httpx2.RemoteProtocolError(f"the reply has more than {_MOST_BYTES:,} bytes")
                yield part

    async def aclose(self) -> None:
        await self._body.aclose()


async def _by(end: float, work: Any) -> Any:
    """Return what some work gives, if it does so in time."""
    try:
        return await asyncio.wait_for(work, max(0.0, end - time.monotonic()))
    except asyncio.TimeoutError as error:
        raise httpx2.ReadTimeout(f"it took longer than {_SECONDS:g} s") from error


def is_safe(address: Any) -> bool:
    """Return whether an address may be asked: it has https, or is on this machine."""
    try:
        parts = urlsplit(address) if isinstance(address, str) else urlsplit("")
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        )
    except ValueError:
        return False


def _verifies(key: Any) -> bool:
    """Return whether a key of a provider is for checking signatures."""
    return isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"


@cache
def _certificates() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _proxy(address: str) -> str | None:
    """Return the environment's proxy for an address, if there is one; never one for this machine itself."""
    parts = urlsplit(address)
    if is_loopback(parts.hostname or "") or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    found = urllib.request.getproxies()
    return found.get(parts.scheme) or found.get("all")
