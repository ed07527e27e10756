"""Render the Quality tab as HTML; pure functions that escape all untrusted names, questions and answers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from ui.quality.runner import OWN, Status
from ui.quality.runs import Kept

if TYPE_CHECKING:
    from eval.records import Header
    from eval.report.compare import Change, Comparison, Difference

SPLITS = (
    ("dev", "dev", "shipped, to tune on"),
    ("test", "test", "shipped, to report and never to tune on"),
    ("all", "all", "shipped, both halves"),
    (OWN, "Your library", "the questions that you keep below"),
)
# As the chat says it: "answered by quoting".
NAMES = {"dateline": "Dateline", "extractive": "Answered by quoting", "naive": "Naive"}
_CHANGES = 50  # the most questions shown as better, and as worse
_WORDS = {"better": "better", "worse": "worse", "no difference": "no difference"}


def form(model: str, has_model: bool) -> str:
    """Return the form that starts a run.

    Args:
        model: The answer model in words.
        has_model: False if answers are only quotes; the naive system needs a model.
    """
    systems = (
        ("dateline", f"as it is set up here: {model}", True),
        ("extractive", "the best sentence, no language model", True),
        (
            "naive",
            "LlamaIndex's CitationQueryEngine with the same model" if has_model else "needs an answer model",
            has_model,
        ),
    )
    boxes = "".join(
        f'<label class="dl-option"><input type="checkbox" name="system-{key}"{" checked" if key == "dateline" else ""}'
        f"{'' if usable else ' disabled'}><span>{NAMES[key]} <small>{escape(words)}</small></span></label>"
        for key, words, usable in systems
    )
    halves = "".join(
        f'<label class="dl-option"><input type="radio" name="split" value="{key}"{" checked" if key == "dev" else ""}>'
        f"<span>{name} <small>{words}</small></span></label>"
        for key, name, words in SPLITS
    )
    return (
        '<form class="dl-run" data-do="start">'
        f"<fieldset><legend>Systems</legend>{boxes}</fieldset><fieldset><legend>Questions</legend>{halves}</fieldset>"
        '<div class="dl-run-last"><label>At most <input name="limit" type="number" min="1" max="10000" value="20" '
        'inputmode="numeric"> questions</label> <button class="dl-solid-button">Run</button></div></form>'
    )


def progress(status: Status, problem: str = "") -> str:
    """Return the progress of the run, or how the last one ended."""
    told = f'<p class="dl-said dl-bad">{escape(problem)}</p>' if problem else ""
    if not status.running:
        said = (
            f'<p class="dl-said{" dl-bad" if status.failed else ""}">{escape(status.said)}</p>' if status.said else ""
        )
        return f'<div role="status">{told or said}</div>'
    share = f' value="{status.done}" max="{status.total}"' if status.total else ""
    stop = (
        "<p>Ending after the questions that are being asked…</p>"
        if status.cancelled
        else ""
        if status.what == "report"
        else '<button type="button" class="dl-quiet-button" data-do="cancel">Cancel the run</button>'
    )
    return (
        f'<div role="status">{told}<p class="dl-status">{escape(_doing(status))}</p></div>'
        f'<progress class="dl-progress" aria-label="Run of the eval suite"{share}></progress>'
        f'<div class="dl-run-now">{stop}<p class="dl-hint">One run at a time, for everyone who uses this Dateline. '
        "You can go on asking; answers take longer meanwhile.</p></div>"
    )


def kept(runs: Sequence[Kept]) -> str:
    """Return the kept runs, and the form that compares two of them."""
    if not runs:
        return '<p class="dl-hint">No run is kept yet.</p>'
    rows = "".join(_row(run) for run in runs)
    table = (
        '<div class="dl-scroll" tabindex="0" role="group" aria-label="Runs"><table><thead><tr>'
        '<th scope="col">System</th>'
        '<th scope="col">Questions</th><th scope="col">Right</th><th scope="col">Median time</th>'
        '<th scope="col">Started (UTC)</th><th scope="col"><span class="dl-unseen">Actions</span></th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    return table + (_choice(runs) if len(runs) > 1 else "")


def comparison(found: Comparison) -> str:
    """Return the comparison of two runs: the verdict, every metric, and the questions that got better and worse."""
    from eval.report.words import label, number

    main = next(d for d in found.differences if d.metric == found.metric)
    verdict = (
        "No difference that is more than chance"
        if main.verdict == "no difference"
        else f"The second run is {main.verdict}"
    )
    only = (
        f" {found.only_a} were asked in the first only, {found.only_b} in the second only."
        if found.only_a or found.only_b
        else ""
    )
    rows = "".join(
        _difference(d, label(d.metric), number(d.metric, d.a), number(d.metric, d.b)) for d in found.differences
    )
    return (
        '<section class="dl-comparison" aria-labelledby="dl-compared" tabindex="-1">'
        f'<h3 id="dl-compared">{verdict}</h3><p>{escape(_about(found))} {found.shared} questions in both; '
        f"answered right {number('correct', main.a)} and {number('correct', main.b)} (p = {main.p:.3f}).{only}</p>"
        '<div class="dl-scroll" tabindex="0" role="group" aria-label="Metrics of both runs"><table><thead><tr>'
        '<th scope="col">Metric</th><th scope="col">First</th><th scope="col">Second</th><th scope="col">p</th>'
        f'<th scope="col">Second is</th></tr></thead><tbody>{rows}</tbody></table></div>'
        f"{_changes('Better in the second run', found.better)}"
        f"{_changes('Worse in the second run', found.worse)}</section>"
    )


def _doing(status: Status) -> str:
    if status.what == "starting":
        return "Starting: reading the questions and loading the models…"
    if status.what == "articles":
        return f"Reading the articles into a store of the run's own: {status.done} of {status.total}"
    if status.what == "report":
        return "Drawing the report…"
    right = f", {status.right} of {status.judged} right" if status.judged else ""
    return f"{NAMES.get(status.what, status.what)}: {status.done} of {status.total} questions{right}"


def _row(run: Kept) -> str:
    right = "–" if run.right is None else f"{100 * run.right:.0f} %"
    seconds = "–" if run.seconds is None else f"{run.seconds:.2f} s"
    name, key = escape(_name(run)), escape(run.id)
    model = "" if run.model == "extractive" else escape(run.model)  # its name says it already
    return (
        f'<tr><th scope="row">{escape(NAMES.get(run.system, run.system))} <small>{model}</small></th>'
        f"<td>{run.questions:,} <small>{escape(run.split)}</small></td><td>{right}</td><td>{seconds}</td>"
        f"<td>{escape(_when(run))}</td>"
        '<td class="dl-actions">'
        f'<button type="button" class="dl-link" data-report="{key}" aria-label="Show report of {name}">Show report'
        "</button>"
        f'<button type="button" class="dl-link" data-save="report" data-run="{key}" '
        f'aria-label="HTML report of {name}">HTML</button>'
        f'<button type="button" class="dl-link" data-save="lines" data-run="{key}" '
        f'aria-label="JSON lines of {name}">JSON lines</button>'
        f'<button type="button" class="dl-link dl-danger" data-sure="forget" data-run="{key}" '
        f'aria-label="Delete {name}">Delete</button></td></tr>'
    )


def _choice(runs: Sequence[Kept]) -> str:
    def options(chosen: int) -> str:
        return "".join(
            f'<option value="{escape(run.id)}"{" selected" if n == chosen else ""}>{escape(_name(run))}</option>'
            for n, run in enumerate(runs)
        )

    return (
        '<form class="dl-compare" data-compare><label>Compare <select name="first">'
        f'{options(1)}</select></label><label>with <select name="second">{options(0)}</select></label>'
        '<button class="dl-quiet-button">Compare</button></form>'
    )


def _difference(d: Difference, label: str, first: str, second: str) -> str:
    word = _WORDS[d.verdict]
    style = f' class="dl-{word}"' if d.verdict != "no difference" else ""
    return (
        f'<tr><th scope="row">{escape(label)}</th><td>{first}</td><td>{second}</td><td>{d.p:.3f}</td>'
        f"<td{style}>{word}</td></tr>"
    )


def _changes(title: str, found: Sequence[Change]) -> str:
    if not found:
        return ""
    items = "".join(
        f'<li><p class="dl-asked">{escape(c.a.question.turns[-1])}</p><p><b>First</b> {escape(c.a.answer.text)}</p>'
        f"<p><b>Second</b> {escape(c.b.answer.text)}</p></li>"
        for c in found[:_CHANGES]
    )
    more = f"<p>and {len(found) - _CHANGES:,} more</p>" if len(found) > _CHANGES else ""
    return f"<details><summary>{title}: {len(found)}</summary><ul>{items}</ul>{more}</details>"


def _about(found: Comparison) -> str:
    return f"{_system(found.a)} and then {_system(found.b)}."


def _system(header: Header) -> str:
    model = "" if header.model == "extractive" else f" ({header.model})"
    return f"{NAMES.get(header.system, header.system)}{model}"


def _name(run: Kept) -> str:
    return f"{NAMES.get(run.system, run.system)}, {run.split}, {run.questions:,} questions, {_when(run)}"


def _when(run: Kept) -> str:
    return run.started[:16].replace("T", " ")
