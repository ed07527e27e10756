"""HTTP to an answer model's endpoint, which is not trusted, with limits on the bytes and seconds of each reply.

The limits apply to everything that comes over the wire, including headers and framing, before anything parses or
unpacks it: a hundred megabytes in one line would block every other thread for as long as they are being parsed.
"""

from __future__ import annotations

import ipaddress
import ssl
import time
import urllib.request
from collections.abc import Iterator
from functools import lru_cache

import httpcore
import httpx

from rag.errors import DocumentError, LLMError
from rag.network.connect import Budget, CheckedBackend, TooMuchError

# A token is some 400 bytes of a stream of JSON, or three times that if a provider adds much to each; a model that
# thinks writes some thousand tokens.
MAX_BYTES = 4 * 1024 * 1024
MAX_LINE = 64 * 1024  # bytes of one line of a stream
_IT = "the answer model's endpoint"
NO_SOCKS = (
    "a SOCKS proxy is set (ALL_PROXY) and the package that it needs is missing; run: pip install socksio, or unset it"
)


class BoundedTransport(httpx.BaseTransport):
    """Sends each request over a separate connection, within the limits. Redirects are not followed here.

    The environment's proxies are used, but never for this machine itself. Closing the transport closes all connections
    that are still open.

    Args:
        seconds: The longest that a whole reply may take, from connecting to its last byte.

    Raises:
        LLMError: The server cannot be reached, is too slow, sends too much or does not speak HTTP.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._bodies: list[_Body] = []

    def close(self) -> None:
        """Close the connections of all replies."""
        while self._bodies:
            self._bodies.pop().close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and return the reply, whose body has not been read yet."""
        backend = CheckedBackend(True, time.monotonic() + self._seconds, Budget(MAX_BYTES))
        body = _Body(self._seconds)
        try:
            with _Translated(self._seconds):
                body.pool = _pool(request.url, backend)
                body.reply = body.pool.handle_request(_plain(request))
            headers = httpx.Headers(body.reply.headers)
            # Compression was not asked for, and a compressed reply can unpack to a thousand times its size.
            if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
                raise LLMError(f"{_IT} packs its reply in a way that was not asked for; check llm_base_url")
        except BaseException:
            body.close()
            raise
        body.in_lines = headers.get("content-type", "").startswith("text/event-stream")
        self._bodies.append(body)
        return httpx.Response(body.reply.status, headers=headers, stream=body)


class _Body(httpx.SyncByteStream):
    """The body of a reply; closing it closes the connection."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.pool: httpcore.ConnectionPool | None = None
        self.reply: httpcore.Response | None = None
        self.in_lines = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            with _Translated(self._seconds):
                if self.reply:
                    yield from _lines(self.reply.iter_stream()) if self.in_lines else self.reply.iter_stream()
        finally:  # not every client closes a reply that failed
            self.close()

    def close(self) -> None:
        if self.reply:
            self.reply.close()
        if self.pool:
            self.pool.close()


class _Translated:
    """Turns what httpcore raises into `LLMError`; the message repeats nothing that the server sent."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, LLMError):
            raise LLMError(f"{_IT} {self._why(error)}") from error

    def _why(self, error: Exception) -> str:
        if isinstance(error, httpcore.TimeoutException):
            return f"took longer than {self._seconds:g} s; raise llm_timeout"
        if isinstance(error, TooMuchError):
            return "sends far more than an answer; check llm_base_url"
        if isinstance(error, ImportError):
            return f"cannot be reached: {NO_SOCKS}"
        if isinstance(error, DocumentError | httpcore.ConnectError | httpcore.ProxyError):
            return "cannot be reached; check llm_base_url and the network"
        return "does not speak as it should; check llm_base_url"


def _lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield whole lines, because the client copies an unfinished line again for every piece that arrives."""
    held = bytearray()
    for part in parts:
        before = len(held)
        held += part
        first = held.find(b"\n", before)
        if (len(held) if first < 0 else first) > MAX_LINE:
            raise TooMuchError
        if first >= 0:
            end = held.rfind(b"\n") + 1
            yield bytes(held[:end])
            del held[:end]
    yield bytes(held)


def _plain(request: httpx.Request) -> httpcore.Request:
    own = (b"accept-encoding", b"connection")
    headers = [(name, value) for name, value in request.headers.raw if name.lower() not in own]
    headers += [(b"Accept-Encoding", b"identity"), (b"Connection", b"close")]
    return httpcore.Request(request.method, _url(request.url), headers=headers, content=request.stream)


def _url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _pool(url: httpx.URL, backend: CheckedBackend) -> httpcore.ConnectionPool:
    context = _ssl_context() if url.scheme == "https" else None
    named = _proxy(url)
    if not named:
        return httpcore.ConnectionPool(ssl_context=context, network_backend=backend)
    found = httpx.Proxy(named if "://" in named else f"http://{named}")
    proxy = httpcore.Proxy(_url(found.url), auth=found.raw_auth, headers=found.headers.raw)
    return httpcore.ConnectionPool(ssl_context=context, network_backend=backend, proxy=proxy)


def _proxy(url: httpx.URL) -> str | None:
    """Return the environment's proxy for a URL, if there is one; never one for this machine itself."""
    if is_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    found = urllib.request.getproxies()
    return found.get(url.scheme) or found.get("all")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # any other name
        return False


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()
