"""Render the questions about the reader's own library as HTML; pure functions that escape all untrusted text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from ui.chat.marked import direction
from ui.chat.reading import as_read
from ui.quality.own import MOST_CHARS
from ui.quality.propose import Proposal

if TYPE_CHECKING:
    from eval.datasets.dataset import Question

_ANSWER_HINT = "Several accepted answers: put | between them. Leave it empty if the articles must not answer."


def own(kept: Sequence[Question], card: str = "", said: str = "", *, bad: bool = False) -> str:
    """Return the part about the library: what was said last, the question to decide on, and the kept ones.

    Args:
        kept: The kept questions.
        card: HTML of `card` or `looking`; empty if the reader decides on none.
        said: What was done last, or what is wrong.
        bad: Whether it is wrong.
    """
    told = f'<p class="dl-said{" dl-bad" if bad else ""}">{escape(said)}</p>' if said else ""
    buttons = (
        ""
        if card
        else '<div class="dl-own-do"><button type="button" class="dl-quiet-button" data-do="propose">Propose questions'
        '</button><button type="button" class="dl-quiet-button" data-do="write">Write one</button></div>'
    )
    return f'<div role="status">{told}</div>{card}{buttons}{_kept(kept)}'


def card(uid: str, question: str, answer: str, made_from: Proposal | None) -> str:
    """Return a form with a question and its answer, for the reader to keep, correct or drop.

    Args:
        uid: Identifies the card.
        question: The question in it.
        answer: The answer in it.
        made_from: The proposal with the sentence; None for a question that the reader writes.
    """
    drop = '<button type="button" class="dl-quiet-button" data-do="propose">Drop</button>' if made_from else ""
    return (
        f'<form class="dl-own-card" data-do="keep" data-card="{uid}">{_source(made_from) if made_from else ""}'
        f'<label>Question <textarea name="question" rows="2" maxlength="{MOST_CHARS}" dir="auto" required>'
        f"{escape(question)}</textarea></label>"
        f'<label>Answer <input name="answer" maxlength="{2 * MOST_CHARS}" dir="auto" value="{escape(answer)}" '
        f'aria-describedby="dl-own-hint"></label><p class="dl-hint" id="dl-own-hint">{_ANSWER_HINT}</p>'
        f'<div class="dl-own-do"><button class="dl-solid-button">Keep</button>{drop}'
        '<button type="button" class="dl-quiet-button" data-do="end">Done</button></div></form>'
    )


def looking() -> str:
    """Return what is shown while a question is looked for."""
    return '<p class="dl-status" role="status">Looking for a question that an article answers…</p>'


def _source(found: Proposal) -> str:
    place = found.sentence
    title, quote = as_read(found.title, place.source), as_read(place.quote, place.source)
    return (
        f'<div class="dl-own-source"><blockquote class="dl-quote" dir="{direction(quote)}">{escape(quote)}</blockquote>'
        f'<button type="button" class="dl-title" dir="{direction(title)}" data-article="{escape(found.document_id)}" '
        f'data-start="{place.start:d}" data-end="{place.end:d}">{escape(title)}</button></div>'
    )


def _kept(kept: Sequence[Question]) -> str:
    if not kept:
        return '<p class="dl-hint">No question is kept yet.</p>'
    items = "".join(_row(one) for one in reversed(kept))
    count = "1 question is kept" if len(kept) == 1 else f"{len(kept):,} questions are kept"
    return f'<details class="dl-own-kept"><summary>{count}</summary><ul>{items}</ul></details>'


def _row(one: Question) -> str:
    asked = one.turns[0]
    answers = " · ".join(map(escape, one.answers)) or "<i>must not be answered</i>"
    return (
        f'<li><div><p class="dl-asked" dir="{direction(asked)}">{escape(asked)}</p>'
        f'<p dir="{direction(" ".join(one.answers))}">{answers}</p></div>'
        f'<button type="button" class="dl-link dl-danger" data-sure="forget" data-question="{escape(one.id)}" '
        f'aria-label="Delete {escape(asked[:120])}">Delete</button></li>'
    )
