"""The Quality tab: its components and how their events reach the eval suite. `ui.quality.view` makes the HTML."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from rag import Engine, RagError
from ui.assets import package_text
from ui.events import QUICK, SLOW
from ui.quality import view as show
from ui.quality.own_tab import OwnDesk
from ui.quality.runner import MOST_QUESTIONS, SYSTEMS, Runner
from ui.settings.preferences import model_name

log = logging.getLogger(__name__)
_EVERY = 1.0  # seconds between checks of a run in progress
_FAULT = "Something went wrong inside Dateline; its log says what."
_INTRO = """<h2>Quality</h2>
<p>Questions with known answers. The shipped ones are asked over the shipped articles in a store of their own; those
that you make below, over your library, which is only read. What is measured is this Dateline with the model and the
settings it was started with.</p>"""
_OWN = """<h3 class="dl-label">Questions about your library</h3><p class="dl-hint">Dateline proposes questions with
their answers, each made from a sentence of an article. Keep the good ones, correct them, or drop them. They are saved
on the server, and everyone who may run the eval sees them.</p>"""
_REPORT = """<div class="dl-report" hidden><div class="dl-report-top"><h3>Report</h3>
<button type="button" class="dl-quiet-button" data-close>Close</button></div>
<iframe title="Report of the run" sandbox></iframe></div><div class="dl-compared"></div>
<p class="dl-said dl-bad" role="alert" hidden></p>"""


@dataclass(frozen=True)
class QualityTab:
    """The tab's components, for the page to connect: `opened` fills `shown` when the tab is opened."""

    desk: _Desk
    shown: list[Any]

    def connect(self, tab: gr.Tab) -> None:
        """Show the current state whenever the tab is opened."""
        tab.select(self.desk.opened, None, self.shown, **QUICK)


class _Desk:
    """The event handlers; all readers share the runner."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def opened(self) -> tuple[Any, ...]:
        """Return the current state: the run in progress, the kept runs, and the number of finished runs."""
        status = self.runner.status
        return (
            show.progress(status),
            show.kept(self.runner.kept.listed()),
            gr.Timer(active=status.running),
            status.finished,
        )

    def on_tick(self, seen: int) -> tuple[Any, ...]:
        """Return what is new in the run in progress."""
        status = self.runner.status
        if status.running and status.finished == seen:
            return show.progress(status), gr.skip(), gr.skip(), gr.skip()
        return self.opened()

    def on_act(self, event: gr.EventData) -> tuple[Any, ...]:
        """Handle a click or a submitted form."""
        data, problem = dict(event._data or {}), ""
        try:
            match data.get("do"):
                case "start":
                    systems = [name for name in SYSTEMS if data.get(f"system-{name}")]
                    self.runner.start(systems, str(data.get("split", "")), _limit(str(data.get("limit", ""))))
                case "cancel":
                    self.runner.cancel()
                case "forget":
                    self.runner.kept.forget(str(data.get("run", "")))
        except RagError as error:
            problem = str(error)
        except Exception:  # a bug must not leave the page without an answer
            log.exception("the Quality tab could not do %s", data.get("do"))
            problem = _FAULT
        _, kept, timer, finished = self.opened()
        return show.progress(self.runner.status, problem), kept, timer, finished

    def file(self, read: Callable[[], str]) -> dict[str, str]:
        """Return a text for the browser, or an error message."""
        try:
            return {"text": read()}
        except RagError as error:
            return {"problem": str(error)}
        except Exception:
            log.exception("a run could not be given")
            return {"problem": _FAULT}


def quality_tab(engine: Engine, runner: Runner | None = None) -> QualityTab:
    """Build the tab inside the current Blocks, with its events.

    Args:
        engine: Its settings are measured.
        runner: Runs the eval suite; uses the shipped questions by default.
    """
    desk = _Desk(runner or Runner(engine))
    own = OwnDesk(engine, desk.runner.own)
    llm = engine.settings.llm

    # The browser must call functions: Gradio sets an attribute on them, which it cannot do on a method.
    def report(run_id: Any) -> dict[str, str]:
        return desk.file(lambda: desk.runner.kept.report(str(run_id)))

    def lines(run_id: Any) -> dict[str, str]:
        return desk.file(lambda: desk.runner.kept.lines(str(run_id)))

    def compare(runs: list[Any]) -> dict[str, str]:
        return desk.file(lambda: show.comparison(desk.runner.kept.compare(str(runs[0]), str(runs[1]))))

    timer, seen, proposing = gr.Timer(_EVERY, active=False), gr.State(0), gr.State(None)
    with gr.Column(elem_classes=["dl-quality"]):
        gr.HTML(_INTRO, apply_default_css=False, js_on_load=None)
        form = _part(show.form(model_name(llm), llm != "extractive"), "${value}")
        status = _part(lambda: desk.opened()[0], '<div class="dl-progress-now">${value}</div>')
        gr.HTML(_OWN, apply_default_css=False, js_on_load=None)
        questions = _part(own.html, '<div class="dl-own">${value}</div>')
        gr.HTML('<h3 class="dl-label">Kept runs</h3>', apply_default_css=False, js_on_load=None)
        kept = _part(lambda: desk.opened()[1], '<div class="dl-kept">${value}</div>')
        _part("", _REPORT, [report, lines, compare])
    shown = [status, kept, timer, seen]
    for part in (form, status, kept):
        part.act(desk.on_act, None, shown, **QUICK)
    questions.act(own.on_own, [proposing], [proposing, questions], **SLOW)
    timer.tick(desk.on_tick, [seen], shown, **QUICK)
    return QualityTab(desk, shown)


def _part(value: Any, template: str, functions: list[Any] | None = None) -> gr.HTML:
    return gr.HTML(
        value,
        html_template=template,
        js_on_load=package_text("quality.js"),
        server_functions=functions,
        apply_default_css=False,
        padding=False,
    )


def _limit(text: str) -> int | None:
    """Return the typed number; 0, which no run accepts, if it is not a number."""
    if not text.strip():
        return None
    return min(int(text), MOST_QUESTIONS + 1) if text.strip().isdecimal() else 0
