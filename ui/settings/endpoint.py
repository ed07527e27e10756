"""Test an OpenAI-compatible endpoint and say in plain words what is wrong with it.

The reader never sees the key or any text from the endpoint, because the address may be a server inside the network that
Dateline runs in. The endpoint's text goes to the log.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

_TIMEOUT = 20.0  # seconds; a server that loads its model first may need most of it
_MOST_BYTES = 65_536  # the most that is read of a reply
_SAYS = 200  # characters of another server's error message that are logged
_log = logging.getLogger(__name__)


def url_problem(url: str) -> str:
    """Return what is wrong with the form of an endpoint's address, or an empty string."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises if it is not a number
    except ValueError:
        fine = False
    if not fine:
        return "The address is no web address; it looks like http://127.0.0.1:8000/v1."
    if parts.username or parts.password:
        return "The address holds a name or password; put the key into the field for the key."
    if parts.query or parts.fragment:
        return "The address goes on after a ? or #; leave that part out."
    return ""


async def try_endpoint(url: str, model: str, key: str) -> str:
    """Ask the endpoint for one word; return what is wrong in plain words, or an empty string if it works.

    Args:
        url: Base address, such as `http://127.0.0.1:8000/v1`.
        model: The model's name there.
        key: The key, or an empty string.
    """
    if problem := url_problem(url):
        return problem
    if not model:
        return "The model's name is missing; the endpoint's provider lists the names."
    asked = {"model": model, "messages": [{"role": "user", "content": "Say yes."}], "max_tokens": 5, "temperature": 0}
    headers = {"Authorization": f"Bearer {key or 'none'}"}
    headers["Accept-Encoding"] = "identity"  # compressed data could expand a thousandfold
    try:
        # One limit for the whole reply: a server that sends a byte now and then would never hit a read timeout.
        status, body = await asyncio.wait_for(_ask(url, asked, headers), _TIMEOUT)
    except (asyncio.TimeoutError, httpx.TimeoutException) as error:
        return _unreachable(error, url)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError, ImportError) as error:
        _log.warning("the endpoint %s failed: %s", url, _told(str(error) or type(error).__name__, key))
        return _unreachable(error, url)
    if status != 200:
        _log.warning("the endpoint %s says (%d): %s", url, status, _told(body, key))
    return _reply_problem(status, body, model, key)


async def _ask(url: str, asked: dict[str, Any], headers: dict[str, str]) -> tuple[int, str]:
    """Return the status of the reply and the start of its body."""
    here = (urlsplit(url).hostname or "") in ("localhost", "127.0.0.1", "::1")  # a proxy cannot reach these
    async with (
        httpx.AsyncClient(timeout=_TIMEOUT, trust_env=not here, follow_redirects=False) as client,
        client.stream("POST", f"{url.rstrip('/')}/chat/completions", json=asked, headers=headers) as reply,
    ):
        body = b""
        async for piece in reply.aiter_raw():
            body += piece
            if len(body) > _MOST_BYTES:
                break
        return reply.status_code, body[:_MOST_BYTES].decode("utf-8", "replace")


def _unreachable(error: Exception, url: str) -> str:
    where = urlsplit(url).netloc
    causes = list(_causes(error))
    if any(isinstance(c, UnicodeEncodeError) for c in causes):
        return "The key holds characters that no key has; paste it again."
    if isinstance(error, ImportError):
        return "The server's proxy (ALL_PROXY) needs a package that is missing there; its log says more."
    if any(isinstance(c, socket.gaierror) for c in causes):
        return f"There is no machine called {urlsplit(url).hostname}; check the address and your connection."
    if any(isinstance(c, ssl.SSLError) for c in causes):
        return f"No safe connection to {where}. Does it speak https, with a valid certificate?"
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        return f"Nothing answers at {where}. Is the server running, and is the port right?"
    if isinstance(error, asyncio.TimeoutError | httpx.TimeoutException):
        return f"{where} took longer than {_TIMEOUT:g} seconds. It may still be loading its model; test again later."
    return f"{where} does not speak like an OpenAI-compatible server."


def _reply_problem(status: int, body: str, model: str, key: str) -> str:
    if status in (401, 403):
        return "The key was refused." if key else "It wants a key."
    if status == 404:
        return f"It knows no model “{model}”, or the address is not right: most end in /v1."
    if status == 429:
        return "It takes no more questions for now (limit or credit used up)."
    if status >= 500:
        return f"The server has a fault of its own ({status}); its log says more."
    if status >= 400:
        return f"It refused the question ({status})."
    if status >= 300:
        return f"It leads to another address ({status}), which is not followed; enter that one."
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return "What answers there is no OpenAI-compatible server: most addresses end in /v1."
    return "" if isinstance(content, str) and content.strip() else "It answers, but says nothing; try another model."


def _told(text: str, key: str) -> str:
    """Return another program's text on one line, shortened, without the key."""
    text = " ".join(text.split())
    if key:
        text = text.replace(key, "***")
    return text[:_SAYS]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__
