"""Who is logged in, and the way to log out; empty where there are no users."""

from __future__ import annotations

from html import escape

import gradio as gr

from ui.events import QUICK
from ui.server.visitors import sender_of


def account_bar(page: gr.Blocks) -> None:
    """Build the bar inside the current Blocks; it is filled when the page is opened."""

    def account(request: gr.Request | None = None) -> str:
        sender = sender_of(request)
        return signed_in(sender.name, sender.role.value) if sender and sender.name else ""

    bar = gr.HTML("", elem_id="dl-account", apply_default_css=False, js_on_load=None)
    page.load(account, None, [bar], **QUICK)


def signed_in(name: str, role: str) -> str:
    """Return the HTML of the bar. The styles hide what this role may not do; the guard refuses it."""
    return (
        f'<form class="dl-signed-in" method="post" action="logout" data-role="{escape(role)}">'
        f"<span>{escape(name)} ({escape(role)})</span>"
        '<button class="dl-link">Log out</button></form>'
    )
