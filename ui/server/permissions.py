"""The role that each request needs. What is not named here needs an admin."""

from __future__ import annotations

import re
from typing import Any

from rag import Role

# The addresses for programs that only read. MCP's tools only read as well.
_READ = re.compile(r"/v1/(?:openapi\.json|collections|documents(?:/.*)?|models(?:/.*)?)|/metrics|/healthz(?:/.*)?")
_ASK = re.compile(r"/v1/(?:answer|check|search|chat/completions)")
_MCP = "/mcp"
_DOCUMENTS = re.compile(r"/v1/documents(?:/.*)?")
# The modules of the page whose events concern only the reader who sends them.
_OWN = ("ui.page", "ui.account", "ui.chat.tab", "ui.check.tab", "ui.settings.tab")
_SHELF = "ui.library.tab"
_ADDER = "ui.library.adder"
_SHELF_READS = ("listed", "opened")
_SHELF_ACTS = ("search", "sort", "page", "only", "all")  # what a click in the list of articles does
_QUALITY = "ui.quality.tab"
_QUALITY_READS = ("opened", "on_tick", "<lambda>")
_OWN_QUESTIONS = "ui.quality.own_tab.html"  # what the page shows when it is opened
_FUNCTIONS = ("article", "report", "lines", "compare")  # they return texts


def of_program(method: str, path: str) -> Role:
    """Return the role that a request of a program needs."""
    if method in ("GET", "HEAD") and _READ.fullmatch(path):
        return Role.READER
    if path == _MCP or (method == "POST" and _ASK.fullmatch(path)):
        return Role.READER
    return Role.EDITOR if _DOCUMENTS.fullmatch(path) else Role.ADMIN


def of_event(handler: str, data: Any) -> Role:
    """Return the role that an event of the page needs.

    Args:
        handler: The module and the name of the function that handles it; empty for what the browser does alone.
        data: What the page says of a click.
    """
    module, _, name = handler.rpartition(".")
    if not handler or module in _OWN or handler == _OWN_QUESTIONS:
        return Role.READER
    if module == _SHELF:
        act = data.get("do") if isinstance(data, dict) else None
        reads = name in _SHELF_READS or (name == "on_act" and act in _SHELF_ACTS)
        return Role.READER if reads else Role.EDITOR
    if module == _ADDER:
        return Role.EDITOR
    return Role.READER if module == _QUALITY and name in _QUALITY_READS else Role.ADMIN


def of_function(name: str) -> Role:
    """Return the role that a call of a function by the page's scripts needs."""
    return Role.READER if name in _FUNCTIONS else Role.ADMIN


UPLOAD = Role.EDITOR  # sending a file to the page
