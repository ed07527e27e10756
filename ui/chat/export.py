"""Export conversations as Markdown, JSON, or a self-contained printable page with footnotes.

The functions are pure. Questions, answers and articles are untrusted text, so they are escaped in HTML and in Markdown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

from rag import Answer, Citation, readable_date
from ui.chat.conversations import Conversation, Turn, new_id, with_markers
from ui.chat.reading import answer_as_read, as_read, published
from ui.chat.timeline import events

# Above what the model said besides its answer. It is never part of the answer's text.
UNCONFIRMED = "The model also said, but the articles do not confirm it:"
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&])")
_LINE_START = re.compile(r"^([-+=#])")
_NUMBERED = re.compile(r"^(\d+)([.)])")
_SPACE = re.compile(r"\s+")
_STYLE = """
body { max-width: 42rem; margin: 2rem auto; padding: 0 1rem; color: #1f1d1a; font: 1rem/1.6 Georgia, serif; }
h1 { font-size: 1.8rem; line-height: 1.2; border-bottom: 4px double #8b8377; padding-bottom: .6rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; break-after: avoid; }
p, li, h1, h2 { overflow-wrap: anywhere; white-space: pre-wrap; }
.note, footer, .footnotes { font-size: .875rem; color: #5c564d; }
.footnotes { padding-left: 1.5rem; } .footnotes li { break-inside: avoid; margin-bottom: .4rem; white-space: normal; }
aside { margin: 1rem 0; padding: .1rem 1rem; border-left: 2px dashed #8b8377; }
sup a { text-decoration: none; color: #8c1d18; }
"""


def markdown_answer(turn: Turn) -> str:
    """Return an answer with its citations as Markdown, for the Copy button."""
    if not turn.answer:
        return _plain(turn.problem)
    lines = [_markdown_said(turn.answer, lambda c: f"[{c.marker}]"), ""]
    lines += [
        f"[{c.marker}] {_plain(_named(c))}: “{_plain(_quote(c))}”{_plain(_times(c))}  " for c in turn.answer.citations
    ]
    return "\n".join(lines).strip()


def to_markdown(conversation: Conversation) -> str:
    """Return the conversation as Markdown with footnotes."""
    parts = [f"# {_plain(conversation.title)}"]
    for number, turn in enumerate(conversation.turns, 1):
        parts += _markdown_turn(turn, number)
    return "\n\n".join(parts) + "\n"


def _markdown_turn(turn: Turn, number: int) -> list[str]:
    given = turn.answer
    parts = [f"## {_plain(turn.asked)}"]
    if not given:
        return [*parts, f"*{_plain(turn.problem)}*"]
    if given.question.split() != turn.asked.split():
        parts.append(f"*Understood as: {_plain(given.question)}*")
    parts.append(_markdown_said(given, lambda c: f"[^{number}-{c.marker}]"))
    parts += [f"*{_plain(notice)}*" for notice in given.notices]
    if given.unconfirmed:
        # A quotation, so that no reader takes it for the answer.
        parts.append("\n".join([f"> *{UNCONFIRMED}*", ">", *(f"> - {_plain(said)}" for said in given.unconfirmed)]))
    notes = (
        f"{_plain(_named(c))} ({_plain(c.source)}): “{_plain(_quote(c))}”{_plain(_times(c))}" for c in given.citations
    )
    return parts + [f"[^{number}-{c.marker}]: {note}" for c, note in zip(given.citations, notes, strict=True)]


def _markdown_said(given: Answer, reference: Callable[[Citation], str]) -> str:
    """Return an answer's text: a list of dated lines if it is a course of events, else a paragraph for each line."""

    def marked(text: str) -> str:
        return with_markers(text, given.citations, _plain, reference)

    if told := events(replace(given, text=_text(given))):
        return "\n".join(f"- {_plain(date)}: {marked(said)}" for date, said in told)
    return "\n\n".join(marked(line) for line in _text(given).splitlines() if line.strip())


def to_json(conversation: Conversation) -> str:
    """Return the conversation as JSON: each question with its answer, sources and offsets."""
    turns = [
        {
            "question": turn.asked,
            "answer": turn.answer.to_dict() if turn.answer else None,
            "problem": turn.problem or None,
            "vote": turn.vote or None,
            "note": turn.note or None,
        }
        for turn in conversation.turns
    ]
    data = {"title": conversation.title, "started": conversation.started, "turns": turns}
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def to_html(conversation: Conversation) -> str:
    """Return the conversation as a printable page with footnotes; the page loads nothing."""
    title = escape(conversation.title)
    notes: list[Citation] = []
    body = "".join(_html_turn(turn, notes) for turn in conversation.turns)
    items = "".join(
        f'<li id="note-{n}" dir="auto"><cite>{escape(as_read(c.title, c.source))}</cite>{_html_origin(c)} '
        f"(<bdi>{escape(c.source)}</bdi>): “<bdi>{escape(_quote(c))}</bdi>”{escape(_times(c))} "
        f'<a href="#ref-{n}" aria-label="Back to the text">↩</a></li>'
        for n, c in enumerate(notes, 1)
    )
    footnotes = f'<hr><ol class="footnotes">{items}</ol>' if items else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width"><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"style-src 'unsafe-inline'\"><title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
        f"{body}{footnotes}</main><footer>Made with Dateline, {escape(conversation.started[:10])}</footer></body>"
        "</html>\n"
    )


def _html_turn(turn: Turn, notes: list[Citation]) -> str:
    given = turn.answer
    heading = f'<h2 dir="auto">{escape(turn.asked)}</h2>'
    if not given:
        return f'{heading}<p class="note">{escape(turn.problem)}</p>'
    first = len(notes)
    notes.extend(given.citations)
    numbers = {c.marker: first + n for n, c in enumerate(given.citations, 1)}
    linked: set[int] = set()

    def reference(c: Citation) -> str:
        n = numbers[c.marker]
        anchor = "" if n in linked else f' id="ref-{n}"'
        linked.add(n)
        return f'<sup{anchor}><a href="#note-{n}">{n}</a></sup>'

    understood = given.question if given.question.split() != turn.asked.split() else ""
    about = f'<p class="note">Understood as: {escape(understood)}</p>' if understood else ""
    told = "".join(
        f'<li dir="auto"><time>{escape(date)}</time>: {with_markers(said, given.citations, escape, reference)}</li>'
        for date, said in events(replace(given, text=_text(given)))
    )
    whole = f'<p dir="auto">{with_markers(_text(given), given.citations, escape, reference)}</p>' if not told else ""
    said = whole or f"<ul>{told}</ul>"
    notices = "".join(f'<p class="note">{escape(n)}</p>' for n in given.notices)
    return heading + about + said + notices + _html_unconfirmed(given.unconfirmed)


def _html_unconfirmed(said: Sequence[str]) -> str:
    items = "".join(f'<li dir="auto">{escape(text)}</li>' for text in said)
    return f'<aside class="note"><p>{UNCONFIRMED}</p><ul>{items}</ul></aside>' if items else ""


_FILES: dict[str, tuple[Callable[[Conversation], str], str, str]] = {
    "markdown": (to_markdown, "md", "text/markdown"),
    "json": (to_json, "json", "application/json"),
    "html": (to_html, "html", "text/html"),
}


def exported(conversation: Conversation, kind: str) -> dict[str, str] | None:
    """Return a file for the browser to save: name, mime and text; None for an unknown kind."""
    if kind not in _FILES:
        return None
    make, ending, mime = _FILES[kind]
    name = re.sub(r"[^\w-]+", "-", conversation.title).strip("-")[:60] or "conversation"
    return {"name": f"{name}.{ending}", "mime": mime, "text": make(conversation), "id": new_id()}


def _named(c: Citation) -> str:
    return as_read(c.title, c.source) + _origin(c)


def _quote(c: Citation) -> str:
    return as_read(c.quote, c.source)


def _text(given: Answer) -> str:
    return answer_as_read(given.text, [c.source for c in given.citations])


def _origin(c: Citation) -> str:
    return f", {c.origin}" if c.origin else ""


def _html_origin(c: Citation) -> str:
    known = published(c.publisher, c.date)
    return f", {known}" if known else ""


def _times(c: Citation) -> str:
    return "".join(f" ({said}: {readable_date(meant)})" for said, meant in c.times)


def _plain(text: str) -> str:
    """Return text on one line with all Markdown syntax escaped."""
    return _LINE_START.sub(r"\\\1", _NUMBERED.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", _SPACE.sub(" ", text))))
