"""The Check tab: its components and how a text reaches the engine. `ui.check.view` makes the HTML."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from rag import CheckReport, Engine, Filters, RagError
from ui.assets import package_text
from ui.chat import render
from ui.chat.conversations import new_id
from ui.chat.session import in_line, pump, turn_of
from ui.check import view as show
from ui.events import QUICK, SLOW
from ui.server import metrics
from ui.server.queue import queue_of
from ui.server.visitors import Visitor, visitor_of

log = logging.getLogger(__name__)
_FAULT = "Something went wrong inside Dateline; its log says what. Your text is kept."
_STOPPED = "Stopped before the text was checked."
_INTRO = """<h2>Check</h2>
<p>Paste a text of up to 20,000 characters. Dateline looks for each sentence in the articles and says whether they
support it, contradict it or do not have it.</p>"""
# What is said and what is found; the first is read out by screen readers.
_SHOWN = '<div role="status">${value[0]}</div>${value[1]}'


@dataclass
class Run:
    """A text that is being checked. Other events set `stopped`."""

    stopped: bool = False


@dataclass
class Reader:
    """One reader's check in progress, kept in a `gr.State` on the server; the page's events share it."""

    run: Run | None = None


class _Desk:
    """The event handlers. The server's engine checks for everyone: no setting of a reader changes a check."""

    def __init__(self, engine: Engine, loading: Callable[[], bool]) -> None:
        self._engine = engine
        self._loading = loading

    async def on_check(
        self, text: str, reader: Reader, chosen: Sequence[str], request: gr.Request | None = None
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Check a text; yield what to show, and which of the two buttons."""
        if reader.run:
            yield gr.skip(), gr.skip(), gr.skip()
            return
        run = reader.run = Run()
        said, body = "", render.problem(_STOPPED)
        try:
            async with contextlib.aclosing(self._steps(text, run, chosen, visitor_of(request))) as steps:
                async for step in steps:
                    if isinstance(step, CheckReport):
                        metrics.checked("chat")
                        said, body = show.summary(step, len(chosen)), show.sentences(new_id(), step)
                    else:
                        yield self._view(run, show.waiting(step))
            if not self._engine.counts()[0]:
                said, body = "", render.welcome(0, ())  # that nothing was found says nothing
        except RagError as error:
            body = render.problem(str(error))
        except Exception:  # a bug must not leave the page without an answer
            log.exception("a text could not be checked")
            body = render.problem(_FAULT)
        finally:
            reader.run = None
        yield self._view(None, said, body)

    async def _steps(
        self, text: str, run: Run, chosen: Sequence[str], visitor: Visitor
    ) -> AsyncGenerator[str | CheckReport, None]:
        """Yield what the reader waits for, and finally the report; only what is said last if the run is stopped."""
        filters = Filters(documents=tuple(chosen)) if chosen else None
        ticket = queue_of(self._engine.settings).join(visitor.id)
        try:
            async with contextlib.aclosing(turn_of(ticket, run, visitor)) as places:
                async for ahead in places:
                    yield in_line(ahead)
            yield "Loading the models…" if self._loading() else "Checking each sentence…"
        except BaseException:
            ticket.leave()
            raise
        stream = pump(lambda: iter([self._engine.check(text, filters)]), run, ticket, visitor)
        async with contextlib.aclosing(stream) as batches:
            async for reports in batches:
                for report in reports:
                    yield report

    @staticmethod
    def _view(run: Run | None, said: str, body: str = "") -> tuple[Any, ...]:
        return [said, body], gr.update(visible=not run), gr.update(visible=bool(run))

    def on_stop_check(self, reader: Reader) -> None:
        """Stop the check in progress."""
        if reader.run:
            reader.run.stopped = True

    def on_open_check(self, chosen: Sequence[str]) -> Any:
        """Return the note that only some articles are searched."""
        return gr.update(value=render.chosen_note(len(chosen)), visible=bool(chosen))


def check_tab(engine: Engine, tab: gr.Tab, chosen: gr.State, loading: Callable[[], bool]) -> None:
    """Build the tab inside the current Blocks, with its events.

    Args:
        engine: Checks the texts.
        tab: The tab itself.
        chosen: The ids of the articles that the reader wants to ask; empty for all.
        loading: Tells whether models are loading.
    """
    desk, reader = _Desk(engine, loading), gr.State(Reader())
    with gr.Column(elem_id="dl-check"):
        gr.HTML(_INTRO, apply_default_css=False, js_on_load=None)
        text = gr.Textbox(
            label="Text to check",
            placeholder="Paste a text…",
            show_label=False,
            container=False,
            lines=8,
            max_lines=16,
            elem_id="dl-check-text",
        )
        with gr.Row(elem_id="dl-check-do"):
            check = gr.Button("Check", variant="primary", scale=0, min_width=96)
            stop = gr.Button("Stop", variant="stop", scale=0, min_width=96, visible=False)
            only = gr.HTML("", visible=False, apply_default_css=False, js_on_load=None, elem_id="dl-check-only")
        shown = gr.HTML(
            ["", ""],
            html_template=_SHOWN,
            js_on_load=package_text("check.js"),
            apply_default_css=False,
            elem_id="dl-checked",
        )
    gr.on([check.click, text.submit], desk.on_check, [text, reader, chosen], [shown, check, stop], **SLOW)
    stop.click(desk.on_stop_check, [reader], None, **QUICK)
    tab.select(desk.on_open_check, [chosen], [only], **QUICK)
