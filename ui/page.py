"""The web chat's page: its frame, its tabs, and what happens when it is opened."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from rag import Engine, RagError
from ui.account import account_bar
from ui.assets import package_text
from ui.chat import render
from ui.chat.article import article, missing
from ui.chat.layout import chat_tab
from ui.chat.session import OpenChat, Session, open_chat
from ui.chat.tab import ChatTab
from ui.check.tab import check_tab
from ui.events import QUICK
from ui.library.adder import Stock, adder
from ui.library.tab import LibraryTab, library_tab, stock_of
from ui.quality.tab import quality_tab
from ui.server.access import Access
from ui.server.uploads import uploads
from ui.server.visitors import visitor_of
from ui.settings.preferences import model_name
from ui.settings.tab import SettingsTab, settings_tab

log = logging.getLogger(__name__)
_CLOSED_TAB = 24 * 3600  # seconds a session is kept without a question
# The key that encrypts the data stored in the browser. With a random key, which is Gradio's default, the data would be
# lost at the next start. The key adds no protection beyond the browser's own.
_KEPT_WITH = "dateline"
_SANS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans", "sans-serif"]
_MONO = ["ui-monospace", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"]
# Plain names refer to fonts on the reader's machine; Gradio's defaults would be fetched.
THEME = gr.themes.Base(font=_SANS, font_mono=_MONO).set(
    body_background_fill="#faf8f4",
    body_background_fill_dark="#171614",
    body_text_color="#1f1d1a",
    body_text_color_dark="#ebe7df",
)
_PANEL = """<div class="dl-panel" role="dialog" aria-labelledby="dl-article-title" hidden>
<div class="dl-panel-top"><p class="dl-panel-title" aria-hidden="true"></p>
<button type="button" class="dl-quiet-button dl-close">Close</button></div>
<div class="dl-article" tabindex="0" role="group" aria-label="Article"></div></div>"""


class WarmUp:
    """Loads the engine's models in the background and reports whether they are loading; one per server."""

    def __init__(self, engine: Engine) -> None:
        """Store the engine; `start` does the work."""
        self._engine = engine
        self.note = ""
        self.ready = False  # whether the models were loaded

    @property
    def loading(self) -> bool:
        """True while models are loading."""
        return self.note.startswith("Loading")

    def start(self) -> None:
        """Start loading unless it has already started; return at once."""
        if not self.note:
            self.note = "Loading the models. You can ask already; the first answer takes a little longer."
            threading.Thread(target=self._run, name="dateline-warm-up", daemon=True).start()

    def _run(self) -> None:
        try:
            self._engine.warm_up()
            self.ready = True
            self.note = ""
        except RagError as error:
            log.error("the models could not be loaded: %s", error)
            self.note = str(error)
        except Exception:
            log.exception("the models could not be loaded")
            self.note = "The models could not be loaded; Dateline's log says why."


@dataclass(frozen=True)
class Shared:
    """The parts of a page that its tabs share."""

    engine: Engine
    session: gr.State
    kept: gr.BrowserState  # conversations
    set_here: gr.BrowserState  # settings
    chosen: gr.State  # articles that a reader wants to ask
    stock: Stock
    access: Access
    loading: Callable[[], bool]
    examples: Sequence[str] | None
    open_chat: OpenChat


@dataclass(frozen=True)
class Tab:
    """A tab of the page.

    Args:
        name: Its label; its element's id is `dl-tab-` plus the name in lower case.
        build: Creates its components inside the current Blocks. It gets the parts that the tabs share and the tab
            itself, whose `select` event fires when a reader opens it. `build` connects its result with other tabs.
        changes: Whether it changes something on the server; a read-only page leaves it out.
    """

    name: str
    build: Callable[[Shared, gr.Tab], Any]
    changes: bool = False


# In the order of display. To add a tab, add a module and an entry here.
TABS = (
    Tab(
        "Chat",
        lambda page, _: chat_tab(
            page.engine,
            page.session,
            page.kept,
            loading=page.loading,
            offered=page.examples,
            open_chat=page.open_chat,
            chosen=page.chosen,
            read_only=page.access.read_only,
            adding=None if page.access.read_only else lambda: adder(page.stock, "dl-drop-chat"),
        ),
    ),
    Tab("Check", lambda page, tab: check_tab(page.engine, tab, page.chosen, page.loading)),
    Tab(
        "Library",
        lambda page, _: library_tab(page.engine, page.chosen, stock=page.stock, read_only=page.access.read_only),
    ),
    # A run uses the CPU for minutes and is saved to disk.
    Tab("Quality", lambda page, tab: quality_tab(page.engine).connect(tab), changes=True),
    Tab(
        "Settings",
        lambda page, _: settings_tab(page.engine, page.session, page.set_here, loopback=page.access.private),
    ),
)


def _build_tabs(shared: Shared) -> dict[str, tuple[Any, gr.Tab]]:
    """Build the tabs; return for each name the result of its `build` and the tab."""
    built = {}
    for tab in TABS:
        if not (tab.changes and shared.access.read_only):
            with gr.Tab(tab.name, elem_id=f"dl-tab-{tab.name.lower()}") as opened:
                built[tab.name] = tab.build(shared, opened), opened
    return built


def build(
    engine: Engine,
    *,
    examples: Sequence[str] | None = None,
    warm_up: WarmUp | None = None,
    chat: OpenChat = open_chat,
    access: Access | None = None,
) -> gr.Blocks:
    """Return the web chat of `engine`, ready to be served (`ui.launch` does that).

    Args:
        engine: Answers the questions and holds the library.
        examples: Questions to ask with one click; made from the library's articles by default.
        warm_up: Tells the page whether models are loading.
        chat: Opens a conversation; tests pass their own.
        access: How the page is served; only `read_only` and `private` matter here.
    """
    uploads()  # must run before Gradio's components read the upload folder
    access = access or Access()
    warm_up = warm_up or WarmUp(engine)

    def head(asked: Engine) -> str:
        try:
            return render.masthead(asked.counts()[0], model_name(asked.settings.llm), warm_up.note)
        except RagError as error:
            return render.masthead(0, model_name(asked.settings.llm), str(error))

    def read_article(wanted: list[Any]) -> str:
        try:
            document_id, start, end, *where = wanted
            document = engine.collection(str(where[0]) if where else "").document(str(document_id))
            return article(document, int(start), int(end))
        except (RagError, TypeError, ValueError, OverflowError):
            return missing()

    read_article.__name__ = "article"  # the name that the page's script calls

    with gr.Blocks(title="Dateline", analytics_enabled=False, fill_width=True) as page:
        session = gr.State(Session(), time_to_live=_CLOSED_TAB, delete_callback=Session.close)
        kept = gr.BrowserState(storage_key="dateline-conversations", secret=_KEPT_WITH)
        set_here = gr.BrowserState(storage_key="dateline-settings", secret=_KEPT_WITH)
        chosen = gr.State(())
        stock = stock_of(engine)  # here, since Tabs take everything inside them for a tab
        timer = gr.Timer(1.0, active=False)
        account_bar(page)
        masthead = gr.HTML(head(engine), elem_id="dl-head", apply_default_css=False, js_on_load=None)
        with gr.Tabs(elem_id="dl-tabs"):
            tabs = _build_tabs(
                Shared(engine, session, kept, set_here, chosen, stock, access, lambda: warm_up.loading, examples, chat)
            )
        chatting: ChatTab
        library: LibraryTab
        settings: SettingsTab
        (chatting, chat_opened), (library, library_opened) = tabs["Chat"], tabs["Library"]
        settings, _ = tabs["Settings"]
        gr.HTML(
            "",
            html_template=_PANEL,
            js_on_load=package_text("article.js"),
            server_functions=[read_article],
            apply_default_css=False,
            elem_id="dl-panel",
        )

        def on_load(
            session: Session, conversations: Any, preferences: Any, request: gr.Request | None = None
        ) -> tuple[Any, ...]:
            filled = settings.opened(session, preferences)
            shown = chatting.opened(session, conversations, visitor_of(request).id)
            choice = chatting.choice(())
            return head(session.own or engine), gr.Timer(active=warm_up.loading), *filled, *shown, choice

        def on_library(session: Session) -> str:
            return head(session.own or engine)

        def on_chat(session: Session, chosen: Sequence[str]) -> tuple[Any, ...]:
            return *chatting.view(session), *chatting.only_chosen(chosen)

        def on_tick(session: Session) -> tuple[Any, ...]:
            return head(session.own or engine), gr.Timer(active=warm_up.loading)

        chatting.connect()
        library.connect(library_opened, *chatting.added)
        # Changes in the library show in the page header at once, and in the chat when it is opened.
        library.listing.change(on_library, [session], [masthead], **QUICK)
        opened = chat_opened.select(on_chat, [session, chosen], [*chatting.shown, *chatting.narrowed], **QUICK)
        settings.connect(masthead, chatting.outbox, head)
        filled = [masthead, timer, *settings.filled, *chatting.shown, chatting.collection]
        loaded = page.load(on_load, [session, kept, set_here], filled, **QUICK)
        added = [event.then(chatting.view, [session], chatting.shown, **QUICK) for event in chatting.added]
        chatting.suggest_after(loaded, opened, *added)
        page.load(None, None, [settings.appearance], js="() => dateline.appearance()", show_progress="hidden")
        timer.tick(on_tick, [session], [masthead, timer], **QUICK)
    return page
