"""The page: Gradio components and how their events reach the session. What is shown is made in `ui.render`."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import PurePath
from typing import Any

import gradio as gr

from rag import Engine, RagError
from ui import render
from ui.session import OpenChat, Session, ask, open_chat

log = logging.getLogger(__name__)
AT_ONCE = 16  # questions in progress at the same time, all readers together; more wait in Gradio's queue
_CLOSED_TAB = 24 * 3600  # seconds a conversation is kept without a question
_KEEP = gr.skip()
_SANS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans", "sans-serif"]
_MONO = ["ui-monospace", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"]
# Plain names are the reader's own fonts; Gradio's defaults would be fetched.
THEME = gr.themes.Base(font=_SANS, font_mono=_MONO).set(
    body_background_fill="#faf8f4",
    body_background_fill_dark="#171614",
    body_text_color="#1f1d1a",
    body_text_color_dark="#ebe7df",
)


class WarmUp:
    """Loads the engine's models in the background and says how that goes. One for the whole server."""

    def __init__(self, engine: Engine) -> None:
        """Remember the engine; `start` does the work."""
        self._engine = engine
        self.note = ""

    @property
    def loading(self) -> bool:
        """True while models load."""
        return self.note.startswith("Loading")

    def start(self) -> None:
        """Begin, unless begun; return at once."""
        if not self.note:
            self.note = "Loading the models. You can ask already; the first answer takes a little longer."
            threading.Thread(target=self._run, name="dateline-warm-up", daemon=True).start()

    def _run(self) -> None:
        try:
            self._engine.warm_up()
            self.note = ""
        except RagError as error:
            self.note = str(error)
        except Exception:
            log.exception("the models could not be loaded")
            self.note = "The models could not be loaded; Dateline's log says why."


def package_text(name: str) -> str:
    """Return a text file that travels with this package."""
    return resources.files("ui").joinpath(name).read_text(encoding="utf-8")


def default_examples(engine: Engine) -> list[str]:
    """Return the example questions whose article is in the library: the shipped ones, or none."""
    held = {PurePath(source.source).name for source in engine.sources()}
    return [e["question"] for e in json.loads(package_text("examples.json")) if e["source"] in held]


def model_name(llm: str) -> str:
    """Return the setting `llm` in words."""
    known = {
        "local": "the built-in model, on this machine",
        "local:small": "the small built-in model, on this machine",
        "extractive": "quoting (no language model)",
    }
    if llm.startswith("openai:"):
        return llm.removeprefix("openai:")
    return known.get(llm) or PurePath(llm).stem


def build(
    engine: Engine,
    *,
    examples: Sequence[str] | None = None,
    warm_up: WarmUp | None = None,
    chat: OpenChat = open_chat,
) -> gr.Blocks:
    """Return the web chat of `engine`, ready to be served (`ui.launch` does that).

    Args:
        engine: Answers the questions and knows the library.
        examples: Questions that one click asks; by default those of the shipped articles, where the library has them.
        warm_up: Tells the page that models are loading.
        chat: Opens a conversation; tests put their own here.
    """
    warm_up = warm_up or WarmUp(engine)

    def head() -> str:
        try:
            return render.masthead(len(engine.sources()), model_name(engine.settings.llm), warm_up.note)
        except RagError as error:
            return render.masthead(0, model_name(engine.settings.llm), str(error))

    def frames(session: Session) -> list[str]:
        """The conversation, or the welcome while there is none."""
        try:
            offered = default_examples(engine) if examples is None else examples
            return session.frames() or [render.welcome(len(engine.sources()), offered)]
        except RagError as error:
            return [render.problem("", str(error))]

    def view(session: Session, text: Any = _KEEP) -> tuple[Any, ...]:
        busy = session.run is not None
        return session, frames(session), text, gr.update(visible=not busy), gr.update(visible=busy)

    def run(question: str, session: Session) -> Iterator[None]:
        waiting = "Loading the models…" if warm_up.loading else "Searching the articles…"
        return ask(engine, session, question, waiting=waiting, chat=chat)

    def on_ask(question: str, session: Session) -> Iterator[tuple[Any, ...]]:
        for step, _ in enumerate(run(question, session)):
            yield view(session, _KEEP if step else "")  # the box is emptied once, and never while one types

    def on_pick(session: Session, event: gr.EventData) -> Iterator[tuple[Any, ...]]:
        for _ in run(str(event._data["ask"]), session):
            yield view(session)

    def on_stop(session: Session) -> None:
        session.stop()

    def on_new(session: Session) -> tuple[Any, ...]:
        session.clear()
        return view(session)

    def on_load(session: Session) -> tuple[Any, ...]:
        return head(), gr.Timer(active=warm_up.loading), *view(session)

    def on_tick() -> tuple[Any, ...]:
        return head(), gr.Timer(active=warm_up.loading)

    with gr.Blocks(title="Dateline", analytics_enabled=False, fill_width=True) as page:
        session = gr.State(Session(), time_to_live=_CLOSED_TAB)
        timer = gr.Timer(1.0, active=False)
        with gr.Row(elem_id="dl-top"):
            masthead = gr.HTML(head(), elem_id="dl-head", apply_default_css=False, js_on_load=None)
            new = gr.Button("New chat", size="sm", scale=0, min_width=88, elem_id="dl-new")
        thread = gr.HTML(
            [],
            # The log's messages are morphed one by one, so what has the focus keeps it while others stream.
            html_template='<div class="dl-thread" role="log" aria-label="Conversation">${value.join("")}</div>',
            js_on_load=package_text("chat.js"),
            apply_default_css=False,
            elem_id="dl-thread",
        )
        with gr.Row(elem_id="dl-composer"):
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

        shown = [session, thread, box, send, stop]
        slow: dict[str, Any] = {
            "concurrency_limit": AT_ONCE,
            "concurrency_id": "ask",
            "show_progress": "hidden",
            "api_visibility": "private",
        }
        quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        gr.on([box.submit, send.click], on_ask, [box, session], shown, **slow)
        thread.click(on_pick, [session], shown, **slow)
        stop.click(on_stop, [session], None, **quick)
        new.click(on_new, [session], shown, **quick)
        page.load(on_load, [session], [masthead, timer, *shown], **quick)
        timer.tick(on_tick, None, [masthead, timer], **quick)
    return page
