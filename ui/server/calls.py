"""Check the calls of the page's scripts and their shape, and refuse everything else before Gradio reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rag import Role
from ui.server import permissions

_HASH = re.compile(r"\w{1,64}")
_MOST_DEPTH = 12  # of a file object in the page's data; conversations are at depth 8


class WrongShape(Exception):
    """A call that the page never makes; `status` is the HTTP status."""

    def __init__(self, why: str, status: int = 422) -> None:
        super().__init__(why)
        self.status = status


class Handler(NamedTuple):
    """An event handler: the number of values that it takes, and the module and name of its function."""

    values: int
    name: str


class Call(NamedTuple):
    """A call: the page that it names (empty if it names none), and the role that it needs."""

    page: str
    role: Role


@dataclass(frozen=True)
class Calls:
    """The allowed calls of one page.

    Args:
        handlers: The event handlers by their indexes.
        functions: The names of the functions that the page's own scripts call.
        owns: Returns whether a reader uploaded the file at a path.
    """

    handlers: Mapping[int, Handler]
    functions: frozenset[str]
    owns: Callable[[str, str], bool]

    def check(self, kind: str, raw: bytes, reader: str) -> Call:
        """Return what a call is; refuse one that the page never makes.

        Args:
            kind: The last part of the address: `join`, `predict`, `cancel`, `reset` or `component_server`.
            raw: The body.
            reader: The id of the reader who sent it.

        Raises:
            WrongShape: The call has the wrong shape, or names a file that this reader did not upload.
        """
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise WrongShape("The request is not JSON.", 400) from error
        if not isinstance(body, dict):
            raise WrongShape("The request is not a JSON object.")
        page = body.get("session_hash")
        if page is not None and not (isinstance(page, str) and _HASH.fullmatch(page)):
            raise WrongShape("session_hash is not the name of a page.")
        if kind in ("join", "predict"):
            self._check_event(body)
        elif kind == "component_server":
            self._check_function(body)
        elif not all(value is None or isinstance(value, str | int) for value in body.values()):
            raise WrongShape("The request has parts of the wrong kind.")
        for file in _files(body.get("data")):
            if file.get("is_stream") or not self.owns(reader, file["path"]):
                raise WrongShape("The file was not uploaded here, or was added already; upload it again.", 403)
        return Call(page or "", self._role(kind, body))

    def _role(self, kind: str, body: Mapping[str, Any]) -> Role:
        if kind in ("join", "predict"):
            return permissions.of_event(self.handlers[body["fn_index"]].name, body.get("event_data"))
        return permissions.of_function(body["fn_name"]) if kind == "component_server" else Role.READER

    def _check_event(self, body: Mapping[str, Any]) -> None:
        number, data, event = body.get("fn_index"), body.get("data"), body.get("event_data")
        if not isinstance(number, int) or number not in self.handlers:
            raise WrongShape("There is no such event.", 404)
        if not isinstance(data, list) or len(data) != self.handlers[number].values:
            raise WrongShape("The event has another number of values.")
        if not isinstance(body.get("session_hash"), str):
            raise WrongShape("session_hash is missing.")
        if event is not None and not (isinstance(event, dict) and all(map(_is_plain, event.values()))):
            raise WrongShape("The event's data are of the wrong kind.")
        trigger = body.get("trigger_id")
        if trigger is not None and not isinstance(trigger, int):
            raise WrongShape("The event's trigger is of the wrong kind.")

    def _check_function(self, body: Mapping[str, Any]) -> None:
        name, component = body.get("fn_name"), body.get("component_id")
        if not isinstance(name, str) or name not in self.functions or not isinstance(component, int):
            raise WrongShape("There is no such function.", 404)
        if not isinstance(body.get("session_hash"), str):
            raise WrongShape("session_hash is missing.")
        data = body.get("data")
        if not _is_plain(data):
            raise WrongShape("The function's data are of the wrong kind.")


def _is_plain(value: Any) -> bool:
    """Return whether a value is a string, a number, true, false, null, or a list of these."""
    items = value if isinstance(value, list) else [value]
    return all(item is None or isinstance(item, str | int | float) for item in items)


def _files(value: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield everything that Gradio may take for a file: any object with a `path`, at any allowed depth."""
    if depth > _MOST_DEPTH:
        raise WrongShape("The request is nested too deeply.")
    if isinstance(value, dict):
        if "path" in value:
            if not isinstance(value["path"], str):
                raise WrongShape("A file's path is of the wrong kind.")
            yield value
        for inner in value.values():
            yield from _files(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _files(inner, depth + 1)
