"""The Settings tab with each reader's own settings. A key stays on the server, in the reader's session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from rag import Engine, RagError
from ui.chat import feedback
from ui.chat.conversations import new_id
from ui.chat.session import Session
from ui.events import QUICK
from ui.settings.endpoint import try_endpoint, url_problem
from ui.settings.preferences import (
    BUILT_IN,
    ENDPOINT,
    MOST_SOURCES,
    SERVER,
    Preferences,
    choices,
    model_name,
    own_endpoints,
    read_preferences,
    refused,
    view,
)

_NO_KEY = "The key is not kept in the browser: enter it again if the address wants one."


@dataclass(frozen=True)
class SettingsTab:
    """The tab's components and event handlers."""

    engine: Engine
    session: gr.State
    store: gr.BrowserState
    model: gr.Radio
    endpoint: gr.Column
    url: gr.Textbox
    name: gr.Textbox
    key: gr.Textbox
    caution: gr.Slider
    sources: gr.Slider
    test: gr.Button
    save: gr.Button
    status: gr.HTML
    appearance: gr.Radio
    judged: gr.Button
    exported: gr.HTML
    loopback: bool = True

    @property
    def wanted(self) -> list[Any]:
        """The inputs that make up the preferences, and the key."""
        return [self.model, self.url, self.name, self.caution, self.sources, self.key]

    @property
    def filled(self) -> list[Any]:
        """The outputs of `opened`."""
        return [*self.wanted, self.endpoint, self.status]

    def connect(self, masthead: gr.HTML, outbox: gr.HTML, head: Callable[[Engine], str]) -> None:
        """Attach the handlers; `head` makes the page header for an engine."""

        def on_save(session: Session, *values: Any) -> tuple[Any, ...]:
            said = self.on_save(session, *values)
            return head(session.own or self.engine), *said

        self.model.change(self.on_model, [self.model], [self.endpoint], **QUICK)
        self.save.click(on_save, [self.session, *self.wanted], [masthead, self.store, self.key, self.status], **QUICK)
        self.test.click(lambda: note("Testing…"), None, [self.status], **QUICK).then(
            self.on_test, [self.session, *self.wanted], [self.status], **QUICK
        )
        # The appearance concerns only the browser.
        applied = "(value) => { dateline.appearance(value); return []; }"
        self.appearance.input(None, [self.appearance], None, js=applied, show_progress="hidden")
        self.judged.click(self.on_judged, [self.session], [outbox, self.exported], **QUICK)

    def opened(self, session: Session, stored: object) -> tuple[Any, ...]:
        """Return the values of the fields after the page has loaded, from what the browser stored."""
        wanted = read_preferences(stored)
        if wanted.model == ENDPOINT and not self._has_endpoint:  # stored when endpoints were still allowed
            wanted = replace(wanted, model=SERVER)
        said = note(_NO_KEY) if wanted.model == ENDPOINT else ""
        try:
            session.use(view(self.engine, wanted, session.key, self.loopback))
        except RagError as error:
            said = note(str(error), bad=True)
        settings = (session.own or self.engine).settings
        model = wanted.model if wanted != Preferences() else _own_model(self.engine)
        caution, sources = settings.caution, min(settings.evidence, MOST_SOURCES)
        return model, wanted.url, wanted.name, caution, sources, "", gr.update(visible=model == ENDPOINT), said

    def on_model(self, model: str) -> Any:
        """Show the endpoint's fields if an endpoint is selected."""
        return gr.update(visible=model == ENDPOINT and self._has_endpoint)

    @property
    def _has_endpoint(self) -> bool:
        return own_endpoints(self.engine.settings, self.loopback)

    def on_save(self, session: Session, *values: Any) -> tuple[Any, ...]:
        """Use these settings from the next question on, and empty the key field."""
        wanted, key = self._read(session, values)
        try:
            session.use(view(self.engine, wanted, key, self.loopback))
        except RagError as error:
            return gr.skip(), gr.skip(), note(str(error), bad=True)
        session.key, session.key_for = key, wanted.url
        answers = model_name((session.own or self.engine).settings.llm)
        return asdict(wanted), "", note(f"Saved. The next answer is by {answers}.")

    async def on_test(self, session: Session, *values: Any) -> str:
        """Return whether the model works, and what is wrong if it does not; nothing is saved."""
        wanted, key = self._read(session, values)
        if wanted.model == ENDPOINT:
            problem = url_problem(wanted.url) or refused(self.engine.settings, wanted.url, self.loopback)
            problem = problem or await try_endpoint(wanted.url, wanted.name, key)
            return note(problem, bad=True) if problem else note("It works.")
        try:
            await asyncio.to_thread(self._load, wanted)
        except RagError as error:
            return note(f"It does not work: {error}.", bad=True)
        return note("It works.")

    def _load(self, wanted: Preferences) -> None:
        own = view(self.engine, wanted, "", self.loopback)
        try:
            _ = (own or self.engine).llm
        finally:
            if own:
                own.close()

    def _read(self, session: Session, values: tuple[Any, ...]) -> tuple[Preferences, str]:
        model, url, name, caution, sources, key = values
        if model not in (SERVER, ENDPOINT, *BUILT_IN):
            model = SERVER
        url, name = (url or "").strip(), (name or "").strip()
        key = (key or "").strip()
        if not key and url == session.key_for:  # a key is only ever sent to the address that it was given for
            key = session.key
        return Preferences(model, url, name, float(caution), int(sources)), key

    def on_judged(self, session: Session) -> tuple[Any, str]:
        """Return this browser's feedback as questions of the eval suite."""
        text = feedback.to_questions(session.book.conversations)
        if not text:
            return gr.skip(), note("There is no feedback to export yet: use the thumbs under an answer.")
        file = {"name": "feedback-questions.jsonl", "mime": "application/jsonl", "text": text, "id": new_id()}
        return file, note(f"Exported {text.count(chr(10))} questions.")


def note(text: str, bad: bool = False) -> str:
    """Return a line that reports what was done or what is wrong."""
    return f'<p class="dl-said{" dl-bad" if bad else ""}">{escape(text)}</p>'


def _own_model(engine: Engine) -> str:
    return engine.settings.llm if engine.settings.llm in BUILT_IN else SERVER


@contextmanager
def _part(heading: str, about: str) -> Iterator[None]:
    """Build a part of the tab: what it is about, and beside it the components that are made meanwhile."""
    with gr.Row(elem_classes=["dl-part"]):
        gr.HTML(f"<h2>{heading}</h2><p>{about}</p>", apply_default_css=False, js_on_load=None)
        with gr.Column(min_width=0):
            yield


def _told(elem_id: str) -> gr.HTML:
    """Build the place for a line of `note`."""
    return gr.HTML(
        "", html_template='<div role="status">${value}</div>', apply_default_css=False, js_on_load=None, elem_id=elem_id
    )


def settings_tab(engine: Engine, session: gr.State, store: gr.BrowserState, loopback: bool = True) -> SettingsTab:
    """Build the tab's components inside the current Blocks; `SettingsTab.connect` attaches their events.

    Args:
        engine: The server's engine.
        session: The reader's session.
        store: The settings that the browser stores.
        loopback: Whether the page is served to this machine only; see the setting `reader_endpoints`.
    """
    has_endpoint = own_endpoints(engine.settings, loopback)
    with gr.Column(elem_id="dl-settings", elem_classes=["dl-settings"]):
        with _part("Answers", "These settings are yours alone."):
            model = gr.Radio(choices(engine.settings.llm, has_endpoint), value=_own_model(engine), label="Answer model")
            with gr.Column(visible=False, elem_id="dl-endpoint") as endpoint:
                url = gr.Textbox(label="Address", placeholder="http://127.0.0.1:8000/v1", max_lines=1)
                name = gr.Textbox(label="Name of the model there", max_lines=1)
                key = gr.Textbox(
                    label="Key",
                    info="Stays in this session on the server; it is not shown again and not kept in the browser.",
                    type="password",
                    max_lines=1,
                    elem_id="dl-key",
                )
            caution = gr.Slider(
                0, 1, engine.settings.caution, step=0.05, label="Caution",
                info="0 answers all it can; 1 answers only what it is sure of.",
            )  # fmt: skip
            sources = gr.Slider(
                1, MOST_SOURCES, min(engine.settings.evidence, MOST_SOURCES), step=1, label="Sentences to answer from",
                info="More find more and take longer.",
            )  # fmt: skip
            with gr.Row(elem_id="dl-settings-do"):
                save = gr.Button("Save", variant="primary", scale=0, min_width=96)
                test = gr.Button("Test the model", scale=0, min_width=150)
            status = _told("dl-settings-status")
        with _part("Appearance", "Kept in this browser."):
            appearance = gr.Radio(
                [("As the system", "system"), ("Light", "light"), ("Dark", "dark")], value="system", label="Colours"
            )
        with _part("Your feedback", "Good answers, and refusals you confirmed, as questions of the eval suite."):
            judged = gr.Button("Download as eval questions", scale=0)
            exported = _told("dl-settings-exported")
    return SettingsTab(
        engine,
        session,
        store,
        model,
        endpoint,
        url,
        name,
        key,
        caution,
        sources,
        test,
        save,
        status,
        appearance,
        judged,
        exported,
        loopback,
    )
