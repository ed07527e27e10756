"""The Chat tab: how its events reach the session. `ui.chat.layout` builds its components, `ui.chat.render` the HTML."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from rag import Engine, Filters, RagError
from ui.chat import feedback, render
from ui.chat.conversations import Conversation, open_book
from ui.chat.export import exported
from ui.chat.session import OpenChat, Run, Session, ask, narrowed
from ui.chat.sidebar import sidebar
from ui.chat.suggest import Suggester
from ui.events import QUICK, SLOW
from ui.server.visitors import Visitor, visitor_of

log = logging.getLogger(__name__)
_KEEP = gr.skip()


@dataclass(frozen=True)
class ChatTab:
    """The tab's components and handlers, which the page connects to other tabs."""

    engine: Engine
    loading: Callable[[], bool]
    offered: Sequence[str] | None  # questions for an empty conversation; made from the library if None
    suggester: Suggester
    open_chat: OpenChat
    session: gr.State
    store: gr.BrowserState
    chosen: gr.State
    side: gr.HTML
    thread: gr.HTML
    only: gr.HTML
    everything: gr.Button
    narrow: gr.Accordion
    filters: tuple[gr.Textbox, ...]  # since, until and publisher
    collection: gr.Dropdown
    box: gr.Textbox
    send: gr.Button
    stop: gr.Button
    outbox: gr.HTML
    read_only: bool
    added: tuple[Any, ...]  # the events that add articles to the library

    @property
    def shown(self) -> list[Any]:
        """The outputs that `view` fills."""
        return [self.session, self.side, self.thread, self.send, self.stop, self.store]

    @property
    def narrowed(self) -> list[Any]:
        """The outputs that `only_chosen` fills."""
        return [self.only, self.everything, self.collection]

    def view(self, session: Session, *, save: bool = False) -> tuple[Any, ...]:
        """Return the current view; `save` also writes the conversations to the browser."""
        busy = session.run is not None
        listed = sidebar(
            session.book.search(session.search), session.current, search=session.search, deleted=session.deleted
        )
        stored = session.book.stored(session.current.id) if save else _KEEP
        return session, listed, self.frames(session), gr.update(visible=not busy), gr.update(visible=busy), stored

    def frames(self, session: Session) -> list[str]:
        """Return the HTML of the open conversation, or the welcome if it is empty."""
        frames = [render.turn(turn) for turn in session.current.turns]
        if session.run:
            run: Run = session.run
            frames.append(render.pending(run.id, run.asked, run.draft, run.waiting))
        elif session.current.turns:
            frames.append(render.suggestions(session.current.turns[-1].next))
        if frames:
            return frames
        try:
            return [self._welcome(session)]
        except RagError as error:
            return [render.problem(str(error))]

    def _welcome(self, session: Session) -> str:
        offered = session.opening if self.offered is None else self.offered
        articles = self.engine.collection(session.collection).counts()[0]
        return render.welcome(articles, offered, can_add=bool(self.added))

    def opened(self, session: Session, stored: object, owner: str = "") -> tuple[Any, ...]:
        """Return the view after the page has loaded, with the conversations that the browser of `owner` stored."""
        session.book, current = open_book(stored, owner)
        if not session.runs and not session.current.turns:  # otherwise the reader asked before the page had loaded
            session.open(session.book.find(current))
        return self.view(session)

    def connect(self) -> None:
        """Attach the handlers."""
        asks = [self.session, self.chosen, *self.filters, self.collection]
        typed = gr.on(
            [self.box.submit, self.send.click], self.on_ask, [self.box, *asks], [*self.shown, self.box], **SLOW
        )
        clicked = self.thread.ask(self.on_ask_here, asks, self.shown, **SLOW)
        self.stop.click(self.on_stop, [self.session], None, **QUICK)
        self.suggest_after(typed, clicked)
        for where in (self.thread, self.side):
            self.suggest_after(where.act(self.on_act, [self.session], [*self.shown, self.outbox], **QUICK))
        for field in self.filters:
            gr.on([field.blur, field.submit], self.on_narrow, [*self.filters], [self.narrow], **QUICK)
        self.everything.click(self.on_everything, None, [self.chosen, *self.narrowed], **QUICK)
        self.suggest_after(
            self.collection.input(self.on_collection, [self.session, self.collection], self.shown, **QUICK)
        )

    def suggest_after(self, *events: Any) -> None:
        """Make suggestions after each of these events, if the conversation then shown lacks them."""
        for event in events:
            asked = [self.session, self.chosen, *self.filters, self.collection]
            event.then(self.on_suggest, asked, self.shown, **QUICK)

    async def on_suggest(
        self,
        session: Session,
        chosen: Sequence[str],
        since: str = "",
        until: str = "",
        publisher: str = "",
        collection: str = "",
        request: gr.Request | None = None,
    ) -> tuple[Any, ...]:
        """Add suggestions to the open conversation once they are made; nothing waits for them."""
        conversation, visitor = session.current, visitor_of(request)
        filters = narrowed(chosen, since, until, publisher, collection)

        def stopped() -> bool:
            return bool(session.runs) or session.current is not conversation or visitor.gone()

        if (
            stopped()
            or not await self.suggester.complete(session, conversation, filters, stopped, self.offered)
            or stopped()
        ):
            return (_KEEP,) * len(self.shown)
        return self.view(session, save=bool(conversation.turns))

    async def on_ask(
        self,
        question: str,
        session: Session,
        chosen: Sequence[str],
        since: str = "",
        until: str = "",
        publisher: str = "",
        collection: str = "",
        request: gr.Request | None = None,
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Answer the typed question; the box is emptied only once, since the reader may already type the next one."""
        first = True
        filters = narrowed(chosen, since, until, publisher, collection)
        async for view in self._ask(question, session, filters, visitor_of(request)):
            yield *view, "" if first else _KEEP
            first = False

    async def on_ask_here(
        self,
        session: Session,
        chosen: Sequence[str],
        event: gr.EventData,
        since: str = "",
        until: str = "",
        publisher: str = "",
        collection: str = "",
        request: gr.Request | None = None,
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Answer an example question, retry a question, or answer an edited one."""
        sent = event._data or {}
        turn = session.current.find(str(sent.get("turn", "")))
        question = str(sent.get("question", turn.asked if turn else ""))
        if turn and question.strip() and not session.run:
            session.begin_again(turn.id)
        filters = narrowed(chosen, since, until, publisher, collection)
        async for view in self._ask(question, session, filters, visitor_of(request)):
            yield view

    async def _ask(
        self, question: str, session: Session, filters: Filters | None, visitor: Visitor
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        engine = session.own or self.engine
        waiting = "Loading the models…" if self.loading() else "Searching the articles…"
        asked_in = session.current
        steps = ask(engine, session, question, filters=filters, waiting=waiting, chat=self.open_chat, visitor=visitor)
        try:
            async for _ in steps:
                done = asked_in.id not in session.runs
                if done or session.current is asked_in:
                    yield self.view(session, save=done)
        finally:
            await steps.aclose()

    def on_stop(self, session: Session) -> None:
        """Stop the question that is being answered."""
        session.stop()

    def on_act(self, session: Session, event: gr.EventData, request: gr.Request | None = None) -> tuple[Any, ...]:
        """Handle a click in the conversation or in the list of conversations."""
        sent = {name: str(value) for name, value in (event._data or {}).items()}
        file: Any = _KEEP
        do = sent.get("do")
        conversation = session.book.find(sent.get("conversation", ""))
        if do == "search":
            session.search = sent.get("search", "")
        elif do == "new":
            session.open()
        elif do == "undo":
            session.undo()
        elif do == "export":
            file = exported(conversation or session.current, sent.get("kind", ""))
        elif do in ("vote", "note"):
            self._judge(session, sent, visitor_of(request).name)
        elif conversation:
            self._change(session, conversation, sent)
        if do not in ("undo", "delete", "search"):
            session.deleted = None
        return *self.view(session, save=do not in ("search", "export")), file

    def _change(self, session: Session, conversation: Conversation, sent: dict[str, str]) -> None:
        if sent["do"] == "open":
            session.open(conversation)
        elif sent["do"] == "rename":
            conversation.name = " ".join(sent.get("name", "").split())[:200]
        elif sent["do"] == "delete":
            session.delete(conversation)

    def _judge(self, session: Session, sent: dict[str, str], user: str) -> None:
        turn = session.current.find(sent.get("turn", ""))
        if not turn or not turn.answer:
            return
        if sent["do"] == "vote" and sent.get("vote") in ("up", "down"):
            turn.vote = "" if turn.vote == sent["vote"] else "up" if sent["vote"] == "up" else "down"
        elif sent["do"] == "note":
            turn.note, turn.unsaid = sent.get("note", "").strip()[:2000], "unsaid" in sent
        if self.read_only:  # only the reader's browser keeps it
            return
        try:
            feedback.save(self.engine.settings, turn, user)
        except RagError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def on_narrow(self, since: str | None, until: str | None, publisher: str | None) -> Any:
        """Say on the closed filter what it is."""
        return gr.update(label=render.filter_label(since or "", until or "", publisher or ""))

    def on_collection(self, session: Session, collection: str) -> tuple[Any, ...]:
        """Show the example questions of the collection that is asked from now on."""
        session.collection = collection
        return self.view(session)

    def on_everything(self) -> tuple[Any, ...]:
        """Go back to asking all articles."""
        return (), *self.only_chosen(())

    def only_chosen(self, chosen: Sequence[str]) -> tuple[Any, ...]:
        """Return the note that only some articles are asked, the button that goes back to all, and the collections."""
        note = gr.update(value=render.chosen_note(len(chosen)), visible=bool(chosen))
        return note, gr.update(visible=bool(chosen)), self.choice(chosen)

    def choice(self, chosen: Sequence[str]) -> Any:
        """Return the collections to choose from; chosen articles are of the server's own, so there is no choice."""
        names = self.engine.collections()
        return gr.update(choices=list(names), visible=len(names) > 1 and not chosen)
