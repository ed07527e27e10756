"""Render answers as HTML with pure functions from the engine's types to strings.

What articles say runs in the direction of its letters (`ui.chat.marked.direction`), what readers type in that of its
first letter (`dir="auto"`).

Questions, answers and articles are untrusted text. Every piece goes through `escape`, nothing is parsed as Markdown or
HTML, and text is never used as an address or an id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from rag import Answer, Citation, Evidence, Usage, readable_date
from ui.chat.conversations import Turn, with_markers
from ui.chat.export import UNCONFIRMED, markdown_answer
from ui.chat.marked import direction
from ui.chat.reading import answer_as_read, as_read, begun, published, shortened
from ui.chat.related import near
from ui.chat.timeline import events

_TALK = "talk"  # the `model` of what is said to a message that asks nothing
_TIP_CHARS = 500  # a tooltip longer than this hides what it explains
_QUESTION_CHARS = 200  # a longer question is folded, so that its answer stays in view
_VOTES = (("up", "Good answer"), ("down", "Bad answer"))
_BETWEEN = ' <span aria-hidden="true">·</span> '
_MARKER = r'<button type="button" class="dl-marker"[^>]*>\[\d+\]</button>'
# A word and the markers after it. A no-break space would not do: a line breaks before any button.
_HELD = re.compile(rf"[^\s<>]{{1,30}}(?: {_MARKER})+[,.;:]?")
_THUMB = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 11v9H4v-9zm2 9h8l3-7v-3h-6l1-5-1-1-5 6z"/></svg>'


def turn(done: Turn) -> str:
    """Return a finished question with the content shown under it."""
    if done.answer:
        body = answer(done.id, done.asked, done.answer) + _actions(done, done.answer)
    else:
        body = problem(done.problem, done.id)
    return _turn(done.id, done.asked, body, collection=done.collection)


def pending(uid: str, question: str, written: str, waiting: str) -> str:
    """Return a question whose answer is being written."""
    return _turn(uid, question, draft(written, waiting), busy=True)


def answer(uid: str, asked: str, given: Answer) -> str:
    """Return a checked answer with its numbered sources, or an abstention with related passages.

    Args:
        uid: Identifies the turn on the page; all ids inside start with it.
        asked: The question as typed; the stand-alone question is shown if it differs.
        given: The engine's answer.
    """
    parts = [_understood(asked, given.question)]
    if given.abstained:
        said = f'<p class="dl-answer" dir="auto">{escape(given.text)}</p>'
        label = '<p class="dl-label">No answer in the articles</p>'
        parts.append(said if given.model == _TALK else f'<div class="dl-abstained">{label}{said}</div>')
    else:
        parts.append(_said(uid, given))
    parts.extend(f'<p class="dl-notice">{escape(notice)}</p>' for notice in given.notices)
    parts.append(_unconfirmed(given.unconfirmed))
    parts.append(_related(near(given.related)) if given.abstained else _sources(uid, given.citations))
    return "".join(parts)


def _said(uid: str, given: Answer) -> str:
    """Return an answer's text with its markers; a course of events as a list with the dates beside it."""

    def marked(text: str) -> str:
        return held(with_markers(plain(text), given.citations, escape, lambda c: marker(uid, c)))

    def plain(text: str) -> str:
        return answer_as_read(text, sources)

    sources = [c.source for c in given.citations]
    items = "".join(
        f'<li><time class="dl-when" dir="auto">{escape(date)}</time><p dir="{direction(said)}">{marked(said)}</p></li>'
        for date, said in events(given)
    )
    if items:
        return f'<ol class="dl-answer dl-timeline" aria-label="Course of events">{items}</ol>'
    return f'<p class="dl-answer" dir="{direction(given.text)}">{marked(given.text)}</p>'


def held(html: str) -> str:
    """Return an answer in which no line begins with a marker: each keeps to the word before it."""
    return _HELD.sub(r'<span class="dl-held">\g<0></span>', html)


def draft(text: str, waiting: str) -> str:
    """Return the model's text so far, marked as not yet checked; `waiting` is shown until there is any."""
    if not text.strip():
        return f'<p class="dl-status">{escape(waiting)}</p>'
    status = '<p class="dl-status">Draft, checking it against the articles…</p>'
    return f'<p class="dl-draft" dir="auto">{escape(text)}</p>{status}'


def problem(message: str, uid: str = "") -> str:
    """Return a one-line message (an error or a stop), with a button that asks again if `uid` is given."""
    again = f'<button type="button" class="dl-quiet-button" data-do="retry" data-turn="{uid}">Ask again</button>'
    return f'<div class="dl-problem" role="alert"><p>{escape(message)}</p>{again if uid else ""}</div>'


def welcome(articles: int, examples: Iterable[str], *, can_add: bool = True) -> str:
    """Return the HTML of an empty conversation: an introduction and questions to try.

    Args:
        articles: How many articles the library holds.
        examples: The questions.
        can_add: Whether the reader may add articles.
    """
    if not articles:
        add = (
            "<p>Drop files here, paste a text, or give the address of a page.</p><p><button "
            'type="button" class="dl-solid-button" data-add>Add articles</button></p>'
        )
        return (
            '<div class="dl-welcome"><h2>Your library is empty</h2><p>Dateline answers from articles only, so it needs '
            f"some first.</p>{add if can_add else ''}</div>"
        )
    return (
        '<div class="dl-welcome"><h2>Ask the articles</h2><p>Every statement of an answer carries the number of the '
        "sentence it rests on; one click shows that sentence in its article. Where the articles do not say, Dateline "
        f"says so.</p>{suggestions(examples, 'Try one of these')}</div>"
    )


def suggestions(questions: Iterable[str] | None, label: str = "Ask next") -> str:
    """Return buttons that ask these questions; an empty string if there are none."""
    buttons = "".join(
        f'<li><button type="button" class="dl-example" dir="auto" data-do="ask" data-question="{escape(q)}">'
        f"{escape(q)}</button></li>"
        for q in questions or ()
    )
    return f'<div><p class="dl-label">{label}</p><ul class="dl-examples">{buttons}</ul></div>' if buttons else ""


def masthead(articles: int, model: str, note: str = "") -> str:
    """Return the page header: the name, the number of articles, the answer model, and a note while models load."""
    count = "1 article" if articles == 1 else f"{articles:,} articles"
    loading = f'<p class="dl-loading">{escape(note)}</p>' if note else ""
    return (
        f'<header class="dl-masthead"><h1>Dateline</h1><p class="dl-edition">{count} <span aria-hidden="true">·</span> '
        f'answers by {escape(model)}</p></header><div role="status">{loading}</div>'
    )


def chosen_note(count: int) -> str:
    """Return the line that says how many articles the questions are limited to."""
    return f"<p>Only {count:,} chosen article{'' if count == 1 else 's'}</p>" if count else ""


def filter_label(since: str = "", until: str = "", publisher: str = "") -> str:
    """Return the label of the filters: what they are, so that a closed one is not forgotten."""
    named = {"from": since, "to": until, "of": publisher}
    said = ", ".join(f"{name} {shortened(value.strip(), 40)}" for name, value in named.items() if value.strip())
    return f"Only articles {said}" if said else "Filter by date or publisher"


def support_word(support: float) -> str:
    """Return `support` (0 to 1) as a word."""
    return "strong" if support >= 0.8 else "fair" if support >= 0.5 else "weak"


def marker(uid: str, c: Citation) -> str:
    """Return the number of a source, which opens the article at the sentence; see `source_list`."""
    return (
        f'<button type="button" class="dl-marker" aria-label="Source {c.marker}" '
        f'aria-describedby="tip-{uid}-{c.marker}" {_place(c)}>[{c.marker}]</button>'
    )


def source_list(uid: str, citations: Iterable[Citation], *, rated: bool = True) -> str:
    """Return numbered sources with their sentences; an empty string if there are none.

    Args:
        uid: Identifies the markers that they belong to.
        citations: The sources.
        rated: Show how far each sentence supports its statement.
    """
    items = "".join(_source(uid, c, rated) for c in citations)
    return f'<ol class="dl-sources">{items}</ol>' if items else ""


def bar(percent: int) -> str:
    """Return a bar that is filled to a percentage; the text beside it must say the same."""
    return f'<span class="dl-bar" aria-hidden="true"><span style="width:{percent:d}%"></span></span>'


def _turn(uid: str, question: str, body: str, busy: bool = False, collection: str = "") -> str:
    where = f' data-collection="{escape(collection)}"' if collection else ""
    state = ' aria-busy="true" class="dl-turn dl-pending"' if busy else ' class="dl-turn"'
    edit = "" if busy else _edit(uid, question)
    heading = f'<h2 class="dl-question" dir="auto" id="q-{uid}">{escape(begun(question, _QUESTION_CHARS))}</h2>'
    if len(question) > _QUESTION_CHARS:
        heading += (
            f'<details class="dl-whole"><summary>Whole question</summary><p dir="auto">{escape(question)}</p></details>'
        )
    return f'<article id="t-{uid}" aria-labelledby="q-{uid}"{state}{where}>{heading}{edit}{body}</article>'


def _edit(uid: str, question: str) -> str:
    return (
        '<details class="dl-edit"><summary><span class="dl-begin">Edit<span class="dl-unseen"> the question</span>'
        f'</span><span class="dl-end">Cancel</span></summary><form data-do="edit" data-turn="{uid}">'
        f'<label>Edit the question <textarea name="question" dir="auto" rows="2">{escape(question)}</textarea></label>'
        '<button class="dl-solid-button">Ask this</button></form></details>'
    )


def _place(at: Citation | Evidence) -> str:
    return f'data-article="{escape(at.document_id)}" data-start="{at.start:d}" data-end="{at.end:d}"'


def _sources(uid: str, citations: Iterable[Citation]) -> str:
    listed = source_list(uid, citations)
    return f'<h3 class="dl-label">Sources</h3>{listed}' if listed else ""


def _source(uid: str, c: Citation, rated: bool) -> str:
    places = "; ".join(
        f"<bdi><cite>{escape(as_read(p.title, p.source))}</cite></bdi>{_in_brackets(published(p.publisher, p.date))}"
        for p in c.also
    )
    also = f'<p class="dl-also">Also in {places}</p>' if places else ""
    word, percent = support_word(c.support), round(100 * min(max(c.support, 0.0), 1.0))
    support = f'<span class="dl-support dl-{word}">{word} support{bar(percent)}</span>' if rated else ""
    title, quote = as_read(c.title, c.source), as_read(c.quote, c.source)
    named = _BETWEEN.join(filter(None, (escape(shortened(title, 120)), published(c.publisher, c.date))))
    tip = escape(shortened(f"“{quote}”", _TIP_CHARS)) + f"<cite>{named}</cite>"
    return (
        f'<li class="dl-source" dir="{direction(quote)}"><span class="dl-number" aria-hidden="true">{c.marker}</span>'
        f'<div class="dl-source-body"><div class="dl-source-head">'
        f"{_title(c, title)}{support}</div>"
        f"{_quote(quote)}{_times(c)}{_from(c)}{also}"
        f'</div><div class="dl-tip" dir="{direction(quote)}" role="tooltip" id="tip-{uid}-{c.marker}">{tip}</div></li>'
    )


def _title(at: Citation | Evidence, title: str) -> str:
    """Return the title of an article, which opens it at the sentence."""
    return f'<button type="button" class="dl-title" dir="{direction(title)}" {_place(at)}>{escape(title)}</button>'


def _quote(quote: str) -> str:
    return f'<blockquote class="dl-quote" dir="{direction(quote)}">{escape(quote)}</blockquote>'


def _from(c: Citation | Evidence) -> str:
    """Return the line under a quote: who published it and when, its file, and a link to where it appeared."""
    facts = [published(c.publisher, c.date), f"<bdi>{escape(c.source)}</bdi>"]
    if (c.url or "").lower().startswith(("https://", "http://")):
        address = escape(c.url or "")
        facts.append(f'<a href="{address}" target="_blank" rel="noopener noreferrer nofollow">original</a>')
    return f'<p class="dl-file">{_BETWEEN.join(filter(None, facts))}</p>'


def _times(c: Citation) -> str:
    """Return what the quote's relative dates mean: "yesterday" is another day when it is read."""
    said = "; ".join(f"<q><bdi>{escape(words)}</bdi></q> is {escape(readable_date(meant))}" for words, meant in c.times)
    return f'<p class="dl-times"><span dir="ltr">{said}</span></p>' if said else ""


def _in_brackets(html: str) -> str:
    return f" ({html})" if html else ""


def _related(evidence: Iterable[Evidence]) -> str:
    items = "".join(
        f'<li dir="{direction(e.text)}">{_title(e, as_read(e.title, e.source))}{_quote(as_read(e.text, e.source))}'
        f"{_from(e)}</li>"
        for e in evidence
    )
    if not items:
        return ""
    return (
        '<h3 class="dl-label">Related passages <span class="dl-aside">(nearby; they do not answer it)</span></h3>'
        f'<ul class="dl-related">{items}</ul>'
    )


def _unconfirmed(said: Iterable[str]) -> str:
    """Return, folded, what the model said besides and the articles do not confirm."""
    items = "".join(f'<li dir="auto">{escape(text)}</li>' for text in said)
    if not items:
        return ""
    return f'<details class="dl-unconfirmed"><summary>{UNCONFIRMED}</summary><ul>{items}</ul></details>'


def _understood(asked: str, question: str) -> str:
    if question.split() == asked.split():
        return ""
    return f'<p class="dl-understood">Understood as: <q><bdi>{escape(question)}</bdi></q></p>'


def _actions(done: Turn, given: Answer) -> str:
    """Return the row under an answer: copy, retry, the two thumbs, the model and the time it took."""
    votes = "".join(
        f'<button type="button" class="dl-action dl-{vote}" data-do="vote" data-turn="{done.id}" data-vote="{vote}" '
        f'aria-pressed="{str(done.vote == vote).lower()}" title="{label}">{_THUMB}'
        f'<span class="dl-unseen">{label}</span></button>'
        for vote, label in _VOTES
    )
    copied = escape(markdown_answer(done))
    return (
        f'<div class="dl-actions"><button type="button" class="dl-action" data-copy="{copied}">Copy</button>'
        f'<button type="button" class="dl-action" data-do="retry" data-turn="{done.id}">Retry</button>{votes}'
        f"{_meta(given)}</div>{_note(done) if done.vote else ''}"
    )


def _note(done: Turn) -> str:
    asks = "What was good? (optional)" if done.vote == "up" else "What was wrong? (optional)"
    unsaid = ""
    if done.vote == "down" and done.answer and not done.answer.abstained:
        checked = " checked" if done.unsaid else ""
        unsaid = f'<label><input type="checkbox" name="unsaid"{checked}> The articles do not say this at all</label>'
    return (
        f'<form class="dl-note" data-do="note" data-turn="{done.id}"><label>{asks}<textarea name="note" rows="2">'
        f'{escape(done.note)}</textarea></label>{unsaid}<button class="dl-quiet-button">Save note</button></form>'
    )


def _meta(given: Answer) -> str:
    total = given.timings.get("total", sum(given.timings.values()))
    # An abstention before any model was asked names none.
    named = {"none": "", _TALK: "", "extractive": "answered by quoting · "}
    model = named.get(given.model, f"{escape(given.model)} · ")
    took = f"{total:.1f}" if total >= 0.1 else "under 0.1"
    return f'<p class="dl-meta">{model}{took} s{_cost(given.usage)}</p>'


def _cost(usage: Usage) -> str:
    if not usage.calls:
        return ""
    calls = "1 call" if usage.calls == 1 else f"{usage.calls} calls"
    return f" · {calls}, {usage.prompt_tokens + usage.answer_tokens:,} tokens"
