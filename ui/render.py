"""Answers as HTML: pure functions from the engine's types to strings.

Questions, answers and articles are untrusted text. Every piece goes through `escape`, nothing is read as Markdown or
HTML, and text never becomes an address or an id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape

from rag import Answer, Citation, Document, Evidence

MARKER = re.compile(r"\[(\d{1,4})\]")
_LINES = re.compile(r"[^\S\n]*\n\s*")  # blank lines around the quote only cost room
RELATED = 3  # passages offered under an abstention
# Below both, the best of the evidence has nothing to do with the question, and showing it would look like an answer.
_NEAR_DENSE, _NEAR_LEXICAL = 0.2, 0.1
_LABEL_CHARS = 400  # a tooltip or a spoken label longer than this helps nobody


def turn(uid: str, question: str, body: str, *, pending: bool = False) -> str:
    """Return one question with what is shown under it.

    Args:
        uid: Identifies the message on the page; all ids inside start with it.
        question: The question as the reader typed it.
        body: HTML from one of the functions below.
        pending: True while the answer is being written.
    """
    state = ' aria-busy="true" class="dl-turn dl-pending"' if pending else ' class="dl-turn"'
    heading = f'<h2 class="dl-question" id="{uid}-q">{escape(question)}</h2>'
    return f'<article id="{uid}" aria-labelledby="{uid}-q"{state}>{heading}{body}</article>'


def answer(uid: str, asked: str, given: Answer, documents: Mapping[str, Document]) -> str:
    """Return a checked answer with its numbered sources, or an abstention with related passages.

    Args:
        uid: As in `turn`.
        asked: The question as typed; the stand-alone question is shown where it differs.
        given: The engine's answer.
        documents: The cited articles by id. A missing one leaves the quote without its passage.
    """
    parts = [_understood(asked, given.question)]
    if given.abstained:
        parts.append(f'<div class="dl-abstained"><p class="dl-label">No answer</p>{_text(given.text)}</div>')
    else:
        parts.append(f'<p class="dl-answer">{_with_markers(uid, given)}</p>')
    parts.extend(f'<p class="dl-notice">{escape(notice)}</p>' for notice in given.notices)
    parts.append(_related(given.evidence) if given.abstained else _sources(uid, given.citations, documents))
    parts.append(_meta(given))
    return "".join(parts)


def draft(text: str, waiting: str) -> str:
    """Return what the model has written so far, marked as not yet checked; `waiting` is said until it writes."""
    if not text.strip():
        return f'<p class="dl-status">{escape(waiting)}</p>'
    return f'<p class="dl-draft">{escape(text)}</p><p class="dl-status">Draft, checking it against the articles…</p>'


def problem(question: str, message: str) -> str:
    """Return a one-line message (an error, a stop) with a button that asks the question again."""
    again = f'<button type="button" class="dl-again" data-ask="{escape(question)}">Ask again</button>'
    return f'<div class="dl-problem" role="alert"><p>{escape(message)}</p>{again if question else ""}</div>'


def welcome(articles: int, examples: Iterable[str]) -> str:
    """Return what an empty conversation shows: what this is, and questions to try."""
    if not articles:
        return (
            '<div class="dl-welcome"><p>The library is empty. Add articles with '
            "<code>rag ingest FOLDER</code>, then reload this page.</p></div>"
        )
    buttons = "".join(
        f'<li><button type="button" class="dl-example" data-ask="{escape(q)}">{escape(q)}</button></li>'
        for q in examples
    )
    tries = f'<p class="dl-label">Try one of these</p><ul class="dl-examples">{buttons}</ul>' if buttons else ""
    return (
        '<div class="dl-welcome"><p>Ask about the articles. Every statement of an answer carries the number of the '
        "sentence it rests on, and where the articles do not say, you are told so.</p>" + tries + "</div>"
    )


def masthead(articles: int, model: str, note: str = "") -> str:
    """Return the page's head: the name, how many articles there are, who answers, and a note while models load."""
    count = "1 article" if articles == 1 else f"{articles:,} articles"
    loading = f'<p class="dl-loading">{escape(note)}</p>' if note else ""
    return (
        f'<header class="dl-masthead"><h1>Dateline</h1><p class="dl-edition">{count} <span aria-hidden="true">·</span> '
        f'answers by {escape(model)}</p><div role="status">{loading}</div></header>'
    )


def support_word(support: float) -> str:
    """Return `support` (0 to 1) as a word."""
    return "strong" if support >= 0.8 else "fair" if support >= 0.5 else "weak"


def highlighted(document: Document, citation: Citation) -> str:
    """Return the citation's passage with exactly the quoted sentence in a `<mark>`."""
    start, end = citation.start, citation.end
    first, last = min(citation.passage.start, start), max(citation.passage.end, end)
    text = document.text
    before, after = _LINES.sub("\n", text[first:start]), _LINES.sub("\n", text[end:last])
    return f"{escape(before)}<mark>{escape(text[start:end])}</mark>{escape(after)}"


def _text(text: str) -> str:
    return f'<p class="dl-answer">{escape(text)}</p>'


def _with_markers(uid: str, given: Answer) -> str:
    """Turn the markers that have a citation into buttons; any other [n] stays the text that it is."""
    cited = {c.marker: c for c in given.citations}
    parts, last = [], 0
    for match in MARKER.finditer(given.text):
        citation = cited.get(int(match[1]))
        if citation:
            parts += [escape(given.text[last : match.start()]), _marker(uid, citation)]
            last = match.end()
    return "".join([*parts, escape(given.text[last:])])


def _marker(uid: str, c: Citation) -> str:
    told = escape(_shortened(f"“{c.quote}” {c.title}"))
    return (
        f'<button type="button" class="dl-marker" data-source="{uid}-s{c.marker}" title="{told}" '
        f'aria-label="Source {c.marker}: {told}">[{c.marker}]</button>'
    )


def _sources(uid: str, citations: Iterable[Citation], documents: Mapping[str, Document]) -> str:
    items = "".join(_source(uid, c, documents.get(c.document_id)) for c in citations)
    return f'<h3 class="dl-label">Sources</h3><ol class="dl-sources">{items}</ol>' if items else ""


def _source(uid: str, c: Citation, document: Document | None) -> str:
    passage = highlighted(document, c) if document else f"<mark>{escape(c.quote)}</mark>"
    places = "; ".join(f"<cite>{escape(p.title)}</cite> ({escape(p.source)})" for p in c.also)
    also = f'<p class="dl-also">Also in {places}</p>' if places else ""
    word, percent = support_word(c.support), round(100 * min(max(c.support, 0.0), 1.0))
    return (
        f'<li class="dl-source" id="{uid}-s{c.marker}" tabindex="-1">'
        f'<span class="dl-number" aria-hidden="true">{c.marker}</span><div class="dl-source-body">'
        f'<div class="dl-source-head"><h4 class="dl-title">{escape(c.title)}</h4>'
        f'<span class="dl-support dl-{word}">{word} support<span class="dl-bar" aria-hidden="true">'
        f'<span style="width:{percent}%"></span></span></span></div>'
        f'<p class="dl-file">{escape(c.source)}</p><blockquote class="dl-passage">{passage}</blockquote>{also}'
        "</div></li>"
    )


def _related(evidence: Iterable[Evidence]) -> str:
    near = [e for e in evidence if e.dense >= _NEAR_DENSE or e.lexical >= _NEAR_LEXICAL]
    items = "".join(
        f'<li><p class="dl-passage">{escape(e.text)}</p>'
        f'<p class="dl-file"><cite>{escape(e.title)}</cite> · {escape(e.source)}</p></li>'
        for e in near[:RELATED]
    )
    if not items:
        return ""
    return (
        '<h3 class="dl-label">Related passages <span class="dl-aside">(found nearby; they do not answer it)</span></h3>'
        f'<ul class="dl-related">{items}</ul>'
    )


def _understood(asked: str, question: str) -> str:
    if question.split() == asked.split():
        return ""
    return f'<p class="dl-understood">Understood as: <q>{escape(question)}</q></p>'


def _meta(given: Answer) -> str:
    stages = {name: seconds for name, seconds in given.timings.items() if name != "total"}
    total = given.timings.get("total", sum(stages.values()))
    detail = ", ".join(f"{escape(name.replace('_', ' '))} {seconds:.2f}" for name, seconds in stages.items())
    detail = f" ({detail})" if len(stages) > 1 else ""
    model = "" if given.model == "none" else f"{escape(given.model)} · "  # refused before any model was asked
    took = f"{total:.1f}" if total >= 0.1 else "under 0.1"
    return f'<p class="dl-meta">{model}{took} s{detail}</p>'


def _shortened(text: str) -> str:
    return text if len(text) <= _LABEL_CHARS else text[: _LABEL_CHARS - 1] + "…"
