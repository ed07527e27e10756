"""Fetch one web page safely, and extract its article.

A shared web interface fetches whatever its users ask for, so it must not give access to the network behind it. The
addresses of a host are looked up once and checked, and the connection goes to a checked address (so the name cannot
resolve to another one in between). Redirects are followed here, each with the same checks. No proxy is used, since it
would look up names itself.
"""

from __future__ import annotations

import dataclasses
import re
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import httpcore
import httpx

from rag.errors import DocumentError, one_line
from rag.language.dates import iso
from rag.language.identify import code
from rag.load.formats.html import decode_page, extract
from rag.network.connect import CheckedBackend

MAX_BYTES = 10_000_000
SECONDS = 20.0
REDIRECTS = 5
_MAX_URL_CHARS = 2000
_HOST = re.compile(rb"[A-Za-z0-9._:-]+")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_HTML = ("text/html", "application/xhtml+xml")
_PLAIN = ("text/plain", "text/markdown")
_HEADERS: dict[bytes | str, bytes | str] = {
    "User-Agent": "Mozilla/5.0 (compatible; Dateline; one page on a reader's request)",
    "Accept": "text/html,application/xhtml+xml,text/plain;q=0.9",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class WebPage:
    """An article from the web. `text` starts with the headline, byline and date if the page gives them.

    `url` is where the text came from, after redirects; `date` is ISO 8601, `language` ISO 639-1. Unknown fields are
    empty. `notice` says what was odd about its encoding, if anything was.
    """

    url: str
    title: str
    date: str
    byline: str
    text: str
    publisher: str = ""
    language: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class _Reply:
    """A server's response: the body (with its content encoding undone), or the address it redirects to."""

    body: bytes = b""
    content_type: str = ""
    location: str = ""


def is_url(text: str) -> bool:
    """Return whether `text` is meant as a web address rather than as a path."""
    return text.strip().lower().startswith(("http://", "https://"))


def fetch(url: str, *, allow_private: bool = False, max_bytes: int = MAX_BYTES, seconds: float = SECONDS) -> WebPage:
    """Return the article at a web address.

    Args:
        url: An http or https address.
        allow_private: Also connect to addresses that are not on the public internet (loopback, the local network).
            Use it only where the person asking could reach them anyway.
        max_bytes: The largest page that is read, counted after decompression.
        seconds: The longest that connecting and reading may take, redirects included.

    Raises:
        DocumentError: The address is refused or cannot be reached, or the page is missing, too large, too slow, not a
            web page, broken, or without an article.
    """
    deadline = time.monotonic() + seconds
    where = _parse(url)
    backend = CheckedBackend(allow_private, deadline)
    with httpcore.ConnectionPool(network_backend=backend, retries=0) as pool:
        for _ in range(REDIRECTS + 1):
            try:
                reply = _get(pool, where, max_bytes, deadline)
            except httpcore.TimeoutException as error:
                raise DocumentError(f"{where} took longer than {seconds:g} s; try again later") from error
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                raise DocumentError(f"{where} cannot be read: {one_line(error)}; check the address") from error
            if not reply.location:
                return _page(str(where), reply)
            try:
                where = _parse(str(where.join(reply.location)))
            except httpx.InvalidURL as error:
                raise DocumentError(f"{where} leads to an address that is none; check the address") from error
    raise DocumentError(f"{url} redirects more than {REDIRECTS} times; open it in a browser and add where it ends")


def _parse(url: str) -> httpx.URL:
    shown = url.strip()[:200]
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, UnicodeError, TypeError) as error:
        raise DocumentError(f"{shown!r} is no web address; give one such as https://example.org/news") from error
    if parsed.scheme not in ("http", "https") or not _HOST.fullmatch(parsed.raw_host):
        raise DocumentError(f"{shown!r} is no web address; give one that starts with https:// or http://")
    if len(url) > _MAX_URL_CHARS:
        raise DocumentError(f"the address has {len(url):,} characters; at most {_MAX_URL_CHARS:,} are read")
    if parsed.userinfo:  # it would become part of the article's source name, which everyone sees
        raise DocumentError("the address holds a user name or password; give one without")
    return parsed.copy_with(fragment=None)


def _get(pool: httpcore.ConnectionPool, where: httpx.URL, max_bytes: int, deadline: float) -> _Reply:
    target = httpcore.URL(scheme=where.raw_scheme, host=where.raw_host, port=where.port, target=where.raw_path)
    with pool.stream("GET", target, headers=_HEADERS) as response:
        headers = {k.decode("latin-1").lower(): v.decode("latin-1").strip() for k, v in response.headers}
        if response.status in (301, 302, 303, 307, 308) and headers.get("location"):
            return _Reply(location=headers["location"])
        if response.status != 200:
            raise DocumentError(f"{where} {_status(response.status)}")
        content_type = headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() not in (*_HTML, *_PLAIN):
            said = repr(content_type[:80]) if content_type else "of no stated type"
            raise DocumentError(f"{where} is no web page (it is {said}); save the file and add that")
        parts = _unpacked(response.iter_stream(), headers.get("content-encoding", "").lower(), where, max_bytes)
        body = bytearray()
        for part in parts:
            body += part
            if len(body) > max_bytes:
                raise DocumentError(f"{where} is larger than {max_bytes / 1e6:g} MB; save its text and add that")
            if time.monotonic() > deadline:
                raise httpcore.ReadTimeout
        return _Reply(bytes(body), content_type)


def _unpacked(parts: Iterable[bytes], encoding: str, where: httpx.URL, max_bytes: int) -> Iterator[bytes]:
    """Undo the content encoding; at most one byte more than the limit is unpacked, whatever the server sends."""
    if encoding in ("", "identity"):
        yield from parts
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise DocumentError(
            f"{where} is packed in a way that was not asked for ({encoding[:40]!r}); save it and add it"
        )
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, depending on its first bytes
    left = max_bytes + 1
    for part in parts:
        try:
            plain = unpacker.decompress(part, left)
        except zlib.error as error:
            raise DocumentError(f"{where} is broken: its packed content cannot be unpacked; try again") from error
        left -= len(plain)
        yield plain
        if not left:
            return


def _page(url: str, reply: _Reply) -> WebPage:
    kind, _, parameters = reply.content_type.partition(";")
    label = _CHARSET.search(parameters)
    decoded = decode_page(reply.body, label[1] if label else "")
    is_plain = kind.strip().lower() in _PLAIN
    page = WebPage(url, "", "", "", decoded.text) if is_plain else _extract(decoded.text, url)
    shown = decoded.marked if is_plain or not decoded.marked else _extract(decoded.marked, url).text
    page = dataclasses.replace(page, notice=decoded.notice(url, shown))
    if not page.text.strip():
        raise DocumentError(f"no article was found at {url}; save its text and add that")
    return page


def _extract(html: str, url: str) -> WebPage:
    article = extract(html, url, url)
    date = iso(article.date or "")
    head = [article.title, f"By {article.author}" if article.author else "", f"Published: {date[:10]}" if date else ""]
    text = "\n\n".join([*filter(None, head), article.text])
    return WebPage(url, article.title, date, article.author, text, article.publisher, code(article.language))


def _status(status: int) -> str:
    known = {
        401: "asks for a password; save its text and add that",
        402: "asks for payment; save its text and add that",
        403: "refuses to be read by a program; save its text and add that",
        404: "does not exist (404); check the address",
        410: "is gone (410); check the address",
        429: "is asked too often (429); try again later",
    }
    return known.get(status) or f"answers with an error ({status}); try again later"
