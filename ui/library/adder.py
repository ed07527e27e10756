"""The places of the page where a reader adds articles: files, a pasted text, or the address of a web page."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from rag import Engine, RagError
from ui.assets import package_text
from ui.chat.session import in_line
from ui.events import SLOW
from ui.library import view as show
from ui.library.intake import MOST_CHARS, Intake, add_files, add_text, add_url
from ui.library.shelf import Shelf
from ui.library.turns import Adding, in_turns
from ui.server.queue import library_queue
from ui.server.uploads import Own, uploads
from ui.server.visitors import Visitor, visitor_of

_KEEP = gr.skip()
_FORMS = f"""<form class="dl-url" data-do="url"><label for="URL">From the web</label>
<input id="URL" name="url" type="url" inputmode="url" autocomplete="off" maxlength="2000"
placeholder="https://…" required><button class="dl-quiet-button">Add</button></form>
<details class="dl-paste"><summary>Paste a text</summary><form data-do="text" data-lines><label>The first line is the
title.<textarea name="text" rows="6" dir="auto" maxlength="{MOST_CHARS}" required></textarea></label>
<button class="dl-quiet-button">Add this text</button></form></details>"""


@dataclass(frozen=True)
class Stock:
    """What the places for adding share: the shelf, how to undo what was replaced, and a number of changes."""

    engine: Engine
    shelf: Shelf
    undo: gr.State
    changes: gr.State


def adder(stock: Stock, name: str = "dl-drop") -> tuple[Any, ...]:
    """Build a place for adding articles inside the current Blocks; return its events, to go on from.

    Args:
        stock: What it shares with other such places.
        name: The id of its drop zone.
    """
    handlers = _Handlers(stock)
    drop = gr.File(
        file_count="multiple", label="Files", show_label=False, height=120, elem_id=name, elem_classes=["dl-drop"]
    )
    forms = gr.HTML(
        "",
        html_template=_FORMS.replace("URL", f"{name}-url"),
        js_on_load=package_text("library.js"),
        apply_default_css=False,
        padding=False,
    )
    # Apart from the forms, so that what a reader is writing there outlasts the news of an upload.
    intake = gr.HTML(
        "",
        html_template='<div class="dl-intake">${value}</div>',
        js_on_load=None,
        apply_default_css=False,
        padding=False,
    )
    added = [drop, intake, stock.undo, stock.changes]
    return (
        drop.upload(handlers.on_files, [drop, stock.changes], added, **SLOW),
        forms.ask(handlers.on_form, [stock.changes], added, **SLOW),
    )


class _Handlers:
    """The event handlers. They keep no state of a reader; each event passes it in and out."""

    def __init__(self, stock: Stock) -> None:
        self._engine, self._shelf = stock.engine, stock.shelf

    async def on_files(
        self, paths: list[str] | None, changes: int, request: gr.Request | None = None
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Add the uploaded files and show the progress."""
        adding, visitor = Adding(), visitor_of(request)
        own = Own(uploads(), visitor.id)
        steps = add_files(self._engine, self._shelf, paths or [], own, lambda: adding.stopped, visitor)
        async with contextlib.aclosing(self._added(steps, "Reading file", changes, adding, visitor)) as views:
            async for view in views:
                yield view

    async def on_form(
        self, changes: int, event: gr.EventData, request: gr.Request | None = None
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Add the article at a web address, or a pasted text."""
        data, visitor = event._data or {}, visitor_of(request)
        if data.get("do") == "text":
            text = str(data.get("text", ""))
            steps, said = add_text(self._engine, self._shelf, text, visitor), "Reading the text"
        else:
            url = str(data.get("url", "")).strip()
            steps, said = add_url(self._engine, self._shelf, url, visitor), f"Fetching {url[:200]}"
        async with contextlib.aclosing(self._added(steps, said, changes, Adding(), visitor)) as views:
            async for view in views:
                yield view

    async def _added(
        self, steps: Generator[Intake, None, None], working: str, changes: int, adding: Adding, visitor: Visitor
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        intake = Intake()
        taken: Any = None  # empties the drop zone at once: the lines under it say what becomes of each file
        try:
            async with contextlib.aclosing(
                in_turns(steps, library_queue(self._engine.settings), adding, visitor)
            ) as done:
                async for step in done:
                    intake = step if isinstance(step, Intake) else intake
                    waits = isinstance(step, int)
                    said = in_line(step, "upload") if isinstance(step, int) else working
                    yield taken, show.results(intake, said, waits=waits), _KEEP, _KEEP
                    taken = _KEEP
        except RagError as error:
            yield None, show.said(str(error), bad=True), _KEEP, _KEEP
            return
        changed = any(result.state != "failed" for result in intake.results)
        yield None, show.results(intake), intake.undo, changes + 1 if changed else _KEEP
