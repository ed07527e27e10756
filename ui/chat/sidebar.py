"""Render the list of conversations as HTML; a pure function that escapes the untrusted titles."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ui.chat.conversations import Conversation

KINDS = (("markdown", "Markdown"), ("json", "JSON"), ("html", "Page to print"))
_DOTS = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="5" cy="12" r="2"/><circle cx="12" cy="12" r="2"/>'
    '<circle cx="19" cy="12" r="2"/></svg>'
)


def sidebar(
    found: Iterable[Conversation], current: Conversation, *, search: str = "", deleted: Conversation | None = None
) -> str:
    """Return the conversations found, newest first, each with a menu.

    Args:
        found: The conversations to list.
        current: The open conversation, which may not be in `found`.
        search: The search text.
        deleted: The conversation that was deleted last, with an offer to undo.
    """
    items = "".join(_item(c, c.id == current.id) for c in found)
    none = "No conversation holds these words." if search.strip() else "Your conversations stay in this browser."
    listed = f'<ul class="dl-list">{items}</ul>' if items else f'<p class="dl-hint">{none}</p>'
    undo = ""
    if deleted:
        undo = (
            f'<p class="dl-hint">Deleted “<bdi>{escape(deleted.title)}</bdi>”. '
            '<button type="button" class="dl-link" data-do="undo">Undo</button></p>'
        )
    return f'<div role="status">{undo}</div>{listed}'


def _item(c: Conversation, is_open: bool) -> str:
    current = ' aria-current="true"' if is_open else ""
    button = (
        f'<button type="button" class="dl-open" dir="auto" data-do="open" data-conversation="{c.id}"{current}>'
        f"{escape(c.title)}</button>"
    )
    return f"<li>{button}{_more(c)}</li>"


def _more(c: Conversation) -> str:
    exports = "".join(
        f'<button type="button" class="dl-link" data-do="export" data-conversation="{c.id}" data-kind="{kind}">{label}'
        "</button>"
        for kind, label in KINDS
    )
    about = f'<span class="dl-unseen">Rename, export or delete “<bdi>{escape(c.title)}</bdi>”</span>'
    return (
        f'<details class="dl-more"><summary title="Rename, export, delete">{_DOTS}{about}</summary>'
        f'<form data-do="rename" data-conversation="{c.id}"><input name="name" aria-label="Name of the conversation" '
        f'maxlength="200" value="{escape(c.title)}"><button class="dl-quiet-button">Rename</button></form>'
        f'<p class="dl-exports">Export as {exports}</p>'
        f'<p><button type="button" class="dl-link" data-do="delete" data-conversation="{c.id}">Delete</button></p>'
        "</details>"
    )
