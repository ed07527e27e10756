"""Tries an OpenAI-compatible endpoint and says in plain words what is wrong with it. The key is never repeated."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

_TIMEOUT = 20.0  # seconds; a server that loads its model first may need most of it
_MOST_BYTES = 65_536  # of a reply that are read
_SAYS = 200  # characters of another server's complaint that are repeated


def url_problem(url: str) -> str:
    """Return what is wrong with an endpoint's address as such, or nothing."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises where it is no number
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
    """Ask the endpoint for one word; return what is wrong in plain words, or nothing when it works.

    Args:
        url: Base address, such as `http://127.0.0.1:8000/v1`.
        model: The model's name there.
        key: The key, or nothing.
    """
    if problem := url_problem(url):
        return problem
    if not model:
        return "The model's name is missing; the endpoint's provider lists the names."
    asked = {"model": model, "messages": [{"role": "user", "content": "Say yes."}], "max_tokens": 5, "temperature": 0}
    headers = {"Authorization": f"Bearer {key or 'none'}"}
    try:
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT) as client,
            client.stream("POST", f"{url.rstrip('/')}/chat/completions", json=asked, headers=headers) as reply,
        ):
            body = b""
            async for piece in reply.aiter_bytes():
                body += piece
                if len(body) > _MOST_BYTES:
                    break
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        return _unreachable(error, url, key)
    return _reply_problem(reply.status_code, body.decode("utf-8", "replace"), model, key)


def _unreachable(error: Exception, url: str, key: str) -> str:
    where = urlsplit(url).netloc
    causes = list(_causes(error))
    if any(isinstance(c, UnicodeEncodeError) for c in causes):
        return "The key holds characters that no key has; paste it again."
    if any(isinstance(c, socket.gaierror) for c in causes):
        return f"There is no machine called {urlsplit(url).hostname}; check the address and your connection."
    if any(isinstance(c, ssl.SSLError) for c in causes):
        return (
            f"No safe connection to {where}: {_told(str(error), key)}. Does it speak https, with a valid certificate?"
        )
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        return f"Nothing answers at {where}. Is the server running, and is the port right?"
    if isinstance(error, httpx.TimeoutException):
        return f"{where} took longer than {_TIMEOUT:g} seconds. It may still be loading its model; test again later."
    return (
        f"{where} does not speak like an OpenAI-compatible server ({_told(str(error), key) or type(error).__name__})."
    )


def _reply_problem(status: int, body: str, model: str, key: str) -> str:
    says = _complaint(body, key)
    quoted = f" It says: “{says}”" if says else ""
    if status in (401, 403):
        return f"The key was refused.{quoted}" if key else f"It wants a key.{quoted}"
    if status == 404:
        return f"It knows no model “{model}”, or the address is not right: most end in /v1.{quoted}"
    if status == 429:
        return f"It takes no more questions for now (limit or credit used up).{quoted}"
    if status >= 500:
        return f"The server has a fault of its own ({status}); its log says more.{quoted}"
    if status >= 300:
        return f"It refused the question ({status}).{quoted}"
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return "What answers there is no OpenAI-compatible server: most addresses end in /v1."
    return "" if isinstance(content, str) and content.strip() else "It answers, but says nothing; try another model."


def _complaint(body: str, key: str) -> str:
    try:
        data = json.loads(body)
        error = data.get("error", data.get("detail", "")) if isinstance(data, dict) else ""
        says = error.get("message", "") if isinstance(error, dict) else error
    except (ValueError, RecursionError):
        return ""  # a web page or the like, which tells nobody anything
    return _told(says, key) if isinstance(says, str) else ""


def _told(text: str, key: str) -> str:
    """Return another program's words on one line, shortened, without the key."""
    text = " ".join(text.split())
    if key:
        text = text.replace(key, "***")
    return text[:_SAYS]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__
