"""The Library tab: its components and how their events reach the library. `ui.library.view` makes the HTML."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from rag import Engine, RagError
from ui.assets import package_text
from ui.events import QUICK
from ui.library import view as show
from ui.library.adder import Stock, adder
from ui.library.intake import MOST_BYTES, Undo, put_back, remove
from ui.library.shelf import PAGE, SORTS, Shelf, View
from ui.server.visitors import visitor_of

log = logging.getLogger(__name__)
_KEEP = gr.skip()
_MOST_WORDS = 200  # the most characters of a search
_FAULT = "Something went wrong inside Dateline; its log says what."
_INTRO = f"""<h2>Library</h2>
<p><span class="dl-changes">What you add or remove here changes the library for everyone who uses this Dateline. </span>
Which articles you choose to ask is yours alone.</p><h3 class="dl-label">Add articles</h3>
<p class="dl-hint">Text, Markdown, web pages, PDF, Word, EPUB, e-mail, tables (.csv, .jsonl), feeds, or
a .zip of these, up to {MOST_BYTES // 1_000_000} MB each.</p>"""
_INTRO_READ_ONLY = """<h2>Library</h2>
<p>This library is read only. Which articles you choose to ask is yours alone.</p>"""
_LIST = """<div class="dl-search"><input type="search" placeholder="Search titles, sources and texts"
aria-label="Search the library" autocomplete="off"></div><div class="dl-picked" hidden>
<label><input type="checkbox" class="dl-every"> This page</label><span class="dl-picked-count" role="status"></span>
<button type="button" class="dl-quiet-button" data-pick="only">Ask only these</button>
<button type="button" class="dl-quiet-button" data-pick="remove">Remove</button>
<button type="button" class="dl-link" data-pick="none">Choose none</button></div><div class="dl-shelf">${value}</div>"""


_REMOVE = '<button type="button" class="dl-quiet-button" data-pick="remove">Remove</button>\n'
_LIST_READ_ONLY = _LIST.replace(_REMOVE, "")


@dataclass(frozen=True)
class LibraryTab:
    """The parts of the tab that the page connects to other tabs.

    `chosen` holds the ids of the articles that this reader asks (a tuple, empty for all); `changes` is a number that
    grows when this reader changes the library.
    """

    chosen: gr.State
    changes: gr.State
    listing: gr.HTML
    refresh: Callable[..., str]
    shown: list[Any]

    def connect(self, tab: gr.Tab, *added: Any) -> None:
        """Refresh the list whenever the tab is opened, so that it shows what others changed, and after these events."""
        tab.select(self.refresh, self.shown, [self.listing], **QUICK)
        for event in added:
            event.then(self.refresh, self.shown, [self.listing], **QUICK)


class _Desk:
    """The event handlers. They keep no state of a reader; each event passes it in and out."""

    def __init__(self, engine: Engine, shelf: Shelf, read_only: bool) -> None:
        self._engine = engine
        self._shelf = shelf
        self._read_only = read_only

    def listed(self, view: View, chosen: tuple[str, ...], undo: Undo, notice: str = "") -> str:
        """Return the list as this reader sees it."""
        try:
            told = notice or show.taken_out(undo)
            only = show.asked_only(self._shelf.titles(chosen))
            return show.listing(self._shelf.page(view), view, chosen, told + only, read_only=self._read_only)
        except RagError as error:
            return show.said(str(error), bad=True)

    def opened(self) -> str:
        """Return the list for a newly opened page."""
        return self.listed(View(), (), Undo())

    def on_act(
        self,
        view: View,
        chosen: tuple[str, ...],
        undo: Undo,
        changes: int,
        event: gr.EventData,
        request: gr.Request | None = None,
    ) -> tuple[Any, ...]:
        """Handle a click in the list."""
        by = visitor_of(request)
        before, notice = (chosen, changes), ""
        data = dict(event._data or {})
        try:
            match data.get("do"):
                case "search":
                    view = replace(view, query=str(data.get("search", ""))[:_MOST_WORDS], page=0)
                case "sort" if data.get("value") in SORTS:
                    view = replace(view, sort=str(data["value"]), page=0)
                case "page":
                    view = replace(view, page=int(data.get("page", 0)))
                case "only":
                    held = {entry.id for entry in self._shelf.entries()}
                    chosen = tuple(i for i in _ids(data) if i in held)
                case "all":
                    chosen, notice = (), show.said("The chat looks in all articles again.")
                case "remove" | "undo" if self._read_only:
                    notice = show.said("This library is read only.", bad=True)
                case "remove":
                    undo, changes = remove(self._engine, self._shelf, _ids(data), by), changes + 1
                    left = tuple(i for i in chosen if i not in {document.id for document in undo.documents})
                    notice = self._gone(undo, bool(chosen) and not left)
                    chosen = left
                case "undo":
                    failed = put_back(self._engine, self._shelf, undo, by)
                    notice, undo, changes = show.put_back(undo, failed), Undo(), changes + 1
        except RagError as error:
            notice = show.said(str(error), bad=True)
        except Exception:  # a bug must not leave the page without an answer
            log.exception("the library could not do %s", data.get("do"))
            notice = show.said(_FAULT, bad=True)
        given = (_KEEP if now == old else now for now, old in zip((chosen, changes), before, strict=True))
        return view, undo, self.listed(view, chosen, undo, notice), *given

    def _gone(self, undo: Undo, ask_all: bool) -> str:
        if not undo.documents:
            return show.said("That article was removed already.")
        return show.taken_out(undo) + (show.said("The chat looks in all articles again.") if ask_all else "")


def stock_of(engine: Engine) -> Stock:
    """Return what the places for adding articles share; call it inside a Blocks."""
    return Stock(engine, Shelf(engine), gr.State(Undo()), gr.State(0))


def library_tab(
    engine: Engine, chosen: gr.State | None = None, *, stock: Stock | None = None, read_only: bool = False
) -> LibraryTab:
    """Build the tab inside the current Blocks, with its events.

    Args:
        engine: The engine with the library.
        chosen: Holds the ids of the articles that a reader wants to ask; created by default.
        stock: What the tab shares with other places for adding articles; created by default.
        read_only: Whether adding and removing are disabled.
    """
    stock = stock or stock_of(engine)
    desk = _Desk(engine, stock.shelf, read_only)
    view, undo, changes = gr.State(View()), stock.undo, stock.changes
    chosen = gr.State(()) if chosen is None else chosen
    shown = [view, chosen, undo]
    with gr.Column(elem_classes=["dl-library"]):
        gr.HTML(_INTRO_READ_ONLY if read_only else _INTRO, apply_default_css=False, js_on_load=None)
        added = () if read_only else adder(stock)
        listing = _part(desk.opened, _LIST_READ_ONLY if read_only else _LIST)
    for event in added:
        # A separate event draws the list: adding may take minutes, and the reader may browse in the meantime.
        event.then(desk.listed, shown, [listing], **QUICK)
    listing.act(desk.on_act, [*shown, changes], [view, undo, listing, chosen, changes], **QUICK)
    return LibraryTab(chosen, changes, listing, desk.listed, shown)


def _part(value: Any, template: str) -> gr.HTML:
    return gr.HTML(
        value, html_template=template, js_on_load=package_text("library.js"), apply_default_css=False, padding=False
    )


def _ids(data: dict[str, Any]) -> list[str]:
    """Return the ids that the browser sent, at most as many as the list can show."""
    wanted = data.get("ids") or [data.get("id", "")]
    return [str(i) for i in wanted][: 40 * PAGE] if isinstance(wanted, list) else []
