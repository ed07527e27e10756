"""Build the chat tab: its components, and the `ChatTab` that handles their events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from rag import Engine
from ui.assets import package_text
from ui.chat import render
from ui.chat.session import OpenChat
from ui.chat.suggest import Suggester
from ui.chat.tab import ChatTab

_FIELDS = (
    ("From", "2024-07-12", 1),
    ("To", "2024-07", 1),
    ("Publisher or file", "Valley Courier, reuters", 2),
)
_SIDE = """<div class="dl-side"><div class="dl-side-top">
<button type="button" class="dl-quiet-button" data-do="new">New conversation</button>
<button type="button" class="dl-quiet-button dl-toggle" aria-expanded="false" aria-controls="dl-book">Conversations
</button></div><nav class="dl-book dl-shut" id="dl-book" aria-label="Conversations">
<input type="search" placeholder="Search" aria-label="Search the conversations">${value}</nav></div>"""


def chat_tab(
    engine: Engine,
    session: gr.State,
    store: gr.BrowserState,
    *,
    loading: Callable[[], bool],
    offered: Sequence[str] | None,
    open_chat: OpenChat,
    chosen: gr.State,
    read_only: bool = False,
    adding: Callable[[], tuple[Any, ...]] | None = None,
) -> ChatTab:
    """Build the tab's components inside the current Blocks; `ChatTab.connect` attaches their events.

    `adding` builds a place for adding articles, and returns its events.
    """
    with gr.Row(elem_id="dl-chat"):
        with gr.Column(scale=0, min_width=0, elem_id="dl-side"):
            side = gr.HTML(
                "",
                html_template=_SIDE,
                js_on_load=package_text("sidebar.js"),
                apply_default_css=False,
                elem_id="dl-side-list",
            )
        with gr.Column(min_width=0, elem_id="dl-main"):
            thread = gr.HTML(
                [],
                # The messages are updated one by one, so a focused element keeps the focus while other messages stream.
                html_template='<div class="dl-thread" role="log" aria-live="polite" aria-label="Conversation">'
                '${value.join("")}</div>',
                js_on_load=package_text("chat.js"),
                apply_default_css=False,
                elem_id="dl-thread",
            )
            with gr.Column(elem_id="dl-composer"):
                with gr.Row(elem_id="dl-only"):
                    only = gr.HTML("", visible=False, apply_default_css=False, js_on_load=None)
                    everything = gr.Button("Ask all articles", size="sm", scale=0, visible=False)
                with gr.Row(elem_id="dl-extras"):
                    with gr.Accordion(render.filter_label(), open=False, elem_id="dl-narrow") as narrow, gr.Row():
                        fields = tuple(
                            gr.Textbox(
                                label=label, placeholder=example, max_length=200, value="", scale=scale, min_width=120
                            )
                            for label, example, scale in _FIELDS
                        )
                    added: tuple[Any, ...] = ()
                    if adding:
                        with gr.Accordion("Add articles", open=False, elem_id="dl-add", elem_classes=["dl-library"]):
                            added = adding()
                    names = list(engine.collections())
                    own = engine.settings.collection
                    collection = gr.Dropdown(
                        names, value=own, label="Collection", visible=len(names) > 1, elem_id="dl-collection"
                    )
                with gr.Row(elem_id="dl-ask"):
                    box = gr.Textbox(
                        label="Your question",
                        placeholder="Ask about the articles…",
                        show_label=False,
                        container=False,
                        lines=1,
                        max_lines=6,
                        autofocus=True,
                        scale=1,
                        elem_id="dl-box",
                    )
                    send = gr.Button("Send", variant="primary", scale=0, min_width=72, elem_id="dl-send")
                    stop = gr.Button("Stop", variant="stop", scale=0, min_width=72, visible=False, elem_id="dl-stop")
    outbox = gr.HTML(
        None,
        html_template="",
        js_on_load='watch("value", () => props.value && dateline.download(props.value));',
        apply_default_css=False,
        elem_id="dl-outbox",
    )
    return ChatTab(
        engine, loading, offered, Suggester(engine), open_chat, session, store, chosen, side, thread, only, everything,
        narrow, fields, collection, box, send, stop, outbox, read_only, added,
    )  # fmt: skip
