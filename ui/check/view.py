"""Render a checked text as HTML; pure functions that escape the text and the articles, which are untrusted."""

from __future__ import annotations

from collections import Counter
from html import escape

from rag import CheckedSentence, CheckReport
from ui.chat import render

_ICON = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>'
# For each verdict of a report: its colour's class, its icon, and its word.
_VERDICTS = {
    "supported": ("strong", _ICON.format("M5 13l5 5 9-11"), "Supported"),
    "contradicted": ("weak", _ICON.format("M6 6l12 12M18 6L6 18"), "Contradicted"),
    "not found": ("none", _ICON.format("M5 12h14"), "Not found"),
}


def summary(report: CheckReport, chosen: int = 0) -> str:
    """Return the line that sums up a report.

    Args:
        report: What the library says of each sentence.
        chosen: How many articles the check was limited to; 0 for none.
    """
    count = Counter(item.verdict for item in report.items)
    total = len(report.items)
    if not total:
        return '<p class="dl-summary">There is no sentence in this text</p>'
    parts = [f"{count['supported']} of {total} sentence{'' if total == 1 else 's'} supported"]
    parts += [f"{count[verdict]} {verdict}" for verdict in ("contradicted", "not found") if count[verdict]]
    only = f" in {chosen:,} chosen article{'' if chosen == 1 else 's'}" if chosen else ""
    return f'<p class="dl-summary">{", ".join(parts)}{only}</p>'


def sentences(uid: str, report: CheckReport) -> str:
    """Return each sentence with its verdict, its support and its sources.

    Args:
        uid: Identifies the check on the page; all ids inside start with it.
        report: What the library says of each sentence.
    """
    items = "".join(_sentence(f"{uid}-{n}", item) for n, item in enumerate(report.items, 1))
    return f'<ol class="dl-sentences">{items}</ol>'


def waiting(text: str) -> str:
    """Return the line that is shown while a text is checked."""
    return f'<p class="dl-status">{escape(text)}</p>'


def _sentence(uid: str, item: CheckedSentence) -> str:
    colour, icon, word = _VERDICTS[item.verdict]
    # The nearest sentences of one that is not found say nothing about it.
    citations = () if item.verdict == "not found" else item.citations
    said = render.held(" ".join([escape(item.text), *(render.marker(uid, c) for c in citations)]))
    percent = _percent(item.support)
    return (
        f'<li class="dl-sentence dl-{colour}"><p class="dl-verdict">{icon}<strong>{word}</strong>'
        f'<span class="dl-support">{percent}% support{render.bar(percent)}</span></p>'
        f'<p class="dl-answer" dir="auto">{said}</p>'
        f"{render.source_list(uid, citations, rated=False)}</li>"
    )


def _percent(support: float) -> int:
    """Return `support` (0 to 1) in percent, never rounded up: 50% would look supported."""
    return round(1000 * min(max(support, 0.0), 1.0)) // 10
