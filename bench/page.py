"""A client of the web chat's Library tab that sends the same HTTP requests as the page in a browser."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
from gradio_client.utils import apply_diff

_TIMEOUT = 60.0  # seconds


class Page:
    """One reader's open page; an httpx error means that the server is gone.

    Args:
        url: The address of the web chat, without a trailing slash.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT, trust_env=False)
        self._session = secrets.token_hex(6)
        config = self._http.get("/config").raise_for_status().json()
        self._api = str(config.get("api_prefix", ""))
        self._events: dict[str, int] = {}
        for event in config["dependencies"]:
            # Several tabs have a handler with this name; the Library's comes first.
            self._events.setdefault(str(event["api_name"]), int(event["id"]))

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def upload(self, files: Sequence[tuple[str, bytes]]) -> Iterator[list[str]]:
        """Add files, given as (name, content); yield the HTML lines of the finished ones at each update, in order."""
        sent = [("files", (name, content, "text/plain")) for name, content in files]
        paths = self._post("/upload", files=sent)
        data = [
            {"path": path, "orig_name": name, "size": len(content), "meta": {"_type": "gradio.FileData"}}
            for path, (name, content) in zip(paths, files, strict=True)
        ]
        self._post("/queue/join", json=self._event("on_files", [data, None]))
        for output in self._streamed():
            told = json.dumps(output[1], ensure_ascii=False)
            # Files that are still to be read have lines too, of another class.
            yield [line for line in told.split("<li")[1:] if "dl-result " in line]

    def act(self, **what: Any) -> str:
        """Click something in the list, and return the new HTML of the list."""
        said = self._post("/run/predict", json=self._event("on_act", [None] * 4) | {"event_data": what})
        return json.dumps(said["data"][2], ensure_ascii=False)

    def _event(self, name: str, data: list[Any]) -> dict[str, Any]:
        number = self._events[name]
        return {"data": data, "fn_index": number, "trigger_id": None, "session_hash": self._session}

    def _post(self, path: str, **content: Any) -> Any:
        return self._http.post(f"{self._api}{path}", **content).raise_for_status().json()

    def _streamed(self) -> Iterator[list[Any]]:
        """Yield the complete outputs of the queued event at each update; the server sends only the differences."""
        whole: list[Any] = []
        address = f"{self._api}/queue/data"
        with self._http.stream("GET", address, params={"session_hash": self._session}) as stream:
            for line in stream.raise_for_status().iter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                kind, output = message.get("msg"), message.get("output", {}).get("data")
                if kind == "process_completed" and not message["success"]:
                    raise RuntimeError(f"the page failed: {message['output']}")
                if kind == "process_generating":
                    whole = [apply_diff(old, new) for old, new in zip(whole, output, strict=True)] if whole else output
                    yield whole
                elif kind == "process_completed":
                    # A generator's last output repeats the one before it.
                    yield whole or output
                    return
