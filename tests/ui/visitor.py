"""What anyone can send to a running server, without a browser: as the page does it, or otherwise."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from fakes import WAIT

API = "/gradio_api"
ARTICLE = "A new pier\n\nThe council of Harborough opened a new pier of 40 metres on Friday.\n"


def asked(question: str) -> list[Any]:
    """Return what the page sends with a question: also two states, three filters and a collection, all empty here."""
    return [question, *[None] * 6]


class Visitor:
    """One visitor: a client with cookies of its own and the name of a page.

    Args:
        url: The server's address.
        page: The page's session hash.
        headers: What every request carries.
    """

    def __init__(self, url: str, page: str = "page1", **headers: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=30, headers=headers)
        self.page = page
        self.config: dict[str, Any] = {}

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def open(self) -> Visitor:
        """Load the page, as a browser does: it brings the cookie and says what can be called."""
        assert self.http.get("/").status_code == 200
        self.config = self.http.get("/config").json()
        return self

    def event(self, target: str, name: str) -> int:
        """Return the number of the event `name` of the component with the element id `target`."""
        ids = {c["props"].get("elem_id"): c["id"] for c in self.config["components"]}
        for dependency in self.config["dependencies"]:
            if [ids[target], name] in [list(t) for t in dependency["targets"]]:
                return int(dependency["id"])
        raise LookupError((target, name))

    def upload(self, name: str, content: bytes) -> str:
        """Upload a file and return its path on the server."""
        answer = self.http.post(f"{API}/upload", files={"files": (name, content)})
        assert answer.status_code == 200, answer.text
        (path,) = answer.json()
        return str(path)

    def join(self, event: int, data: list[Any], **more: Any) -> httpx.Response:
        """Send an event."""
        body = {"fn_index": event, "data": data, "session_hash": self.page, "event_data": None, "trigger_id": None}
        return self.http.post(f"{API}/queue/join", json=body | more)

    def listen(self) -> Iterator[dict[str, Any]]:
        """Yield what the server sends to this page, until there is nothing more to come."""
        with self.http.stream("GET", f"{API}/queue/data", params={"session_hash": self.page}) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

    def add(self, file: Any) -> list[dict[str, Any]]:
        """Send an upload event with this file and return what came of it."""
        answer = self.join(self.event("dl-drop", "upload"), [[file], None])
        assert answer.status_code == 200, answer.text
        return list(self.listen())


def file_data(path: str, **more: Any) -> dict[str, Any]:
    """Return a file as Gradio's page names it."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}} | more


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; the test fails where it takes too long."""
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)
