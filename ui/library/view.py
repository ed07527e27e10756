"""Render the library as HTML; pure functions that escape all untrusted titles, names, texts and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rag import readable_date
from ui.chat.marked import direction
from ui.chat.reading import as_read
from ui.library.intake import Intake, Result, Undo
from ui.library.shelf import SORTS, Page, Row, View

_LABEL_CHARS = 120  # of a button's label for screen readers; a longer one would not help
_NAMED = 3  # articles that a line names; the rest are only counted
_STATES = {"added": "Added", "replaced": "Replaced", "unchanged": "Unchanged", "failed": "Refused"}
_SHOWN_LEFT = 20  # files that are still to come; the rest are only counted


def listing(page: Page, view: View, chosen: Sequence[str], notice: str = "", *, read_only: bool = False) -> str:
    """Return the list of articles with the last notice, the sort order and the pages.

    Args:
        page: The rows.
        view: The reader's search, order and page.
        chosen: Ids of the articles that the chat is limited to; empty for all.
        notice: HTML from one of the functions below.
        read_only: Whether removing is disabled.
    """
    told = f'<div role="status" class="dl-told">{notice}</div>'
    if not page.total:
        return told + _empty(read_only)
    if not page.rows:
        return f'{told}<p class="dl-none">No article holds “{escape(view.query)}”.</p>'
    rows = "".join(_row(row, row.info.id in chosen, read_only) for row in page.rows)
    return f'{told}{_head(page, view)}<ul class="dl-entries">{rows}</ul>{_pager(page)}'


def asked_only(titles: Sequence[str]) -> str:
    """Return the line that says which articles the chat is limited to; empty if it is not limited."""
    if not titles:
        return ""
    return (
        f'<p class="dl-only"><span>The chat looks only in {_articles(titles)}.</span> '
        '<button type="button" class="dl-link" data-tab="dl-tab-chat">Go to the chat</button> '
        '<button type="button" class="dl-link" data-do="all">Ask all again</button></p>'
    )


def taken_out(undo: Undo) -> str:
    """Return the line that says which articles were removed or replaced, with an undo button."""
    if not undo.documents:
        return ""
    titles = [document.title for document in undo.documents]
    return (
        f'<p class="dl-undo"><span>{escape(undo.verb)} {_articles(titles)}.</span> '
        '<button type="button" class="dl-link" data-do="undo">Undo</button></p>'
    )


def said(text: str, *, bad: bool = False) -> str:
    """Return a line that reports what was done or what is wrong."""
    return f'<p class="dl-said{" dl-bad" if bad else ""}">{escape(text)}</p>'


def put_back(undo: Undo, failed: Sequence[Result]) -> str:
    """Return the line that reports whether the articles were put back."""
    if failed:
        return said(f"“{failed[0].title}” could not be put back: {failed[0].reason}", bad=True)
    return said(f"Put back {_plain([document.title for document in undo.documents])}.")


def results(intake: Intake, working: str = "", *, waits: bool = False) -> str:
    """Return a line for each file or address, and a progress bar while work is in progress.

    Args:
        intake: The results so far.
        working: What is being done now; empty when everything is done.
        waits: Whether other readers' uploads come first.
    """
    lines = "".join(_result(result) for result in intake.results)
    for number, name in enumerate(intake.left[:_SHOWN_LEFT]):
        lines += _coming(name, "Waiting" if waits or number else "Reading")
    listed = f'<ul class="dl-results" tabindex="0" aria-label="What was added">{lines}</ul>' if lines else ""
    if not working:
        return f'<p role="status" class="dl-status">{escape(_summary(intake.results))}</p>{listed}'
    done = f' value="{len(intake.results)}" max="{intake.total}"' if intake.total > 1 else ""
    now = min(len(intake.results) + (not waits), intake.total)  # while it waits, none is being read
    count = f" {now} of {intake.total}" if intake.total > 1 else ""
    return (
        f'<p role="status" class="dl-status">{escape(working)}{count}</p>'
        f'<progress class="dl-progress" aria-label="Adding articles"{done}></progress>{listed}'
    )


def _head(page: Page, view: View) -> str:
    options = "".join(
        f'<option value="{key}"{" selected" if key == view.sort else ""}>{label}</option>'
        for key, label in SORTS.items()
    )
    count = f"{page.found:,} of {page.total:,} articles" if view.query.strip() else _count(page.total)
    return (
        f'<div class="dl-list-head"><p class="dl-count">{count}</p>'
        f'<label class="dl-sort">Order <select data-change="sort">{options}</select></label></div>'
    )


def _row(row: Row, asked: bool, read_only: bool) -> str:
    info = row.info
    title = as_read(info.title, info.source)
    spoken = escape(_short(title))
    facts = [
        escape(info.source),
        escape(", ".join(filter(None, [info.author, info.publisher]))),
        f"published {escape(readable_date(info.date))}" if info.date else "",
        "1 passage" if info.passages == 1 else f"{info.passages:,} passages",
        f"added {escape(readable_date(info.added))}" if info.added else "",
        f"also in {escape(_plain(info.copies))}" if info.copies else "",
        f"nearly the same as {escape(_plain(info.similar))}" if info.similar else "",
    ]
    about = ' <span aria-hidden="true">·</span> '.join(fact for fact in facts if fact)
    badge = ' <span class="dl-badge">asked</span>' if asked else ""
    snippet = ""
    if row.snippet:
        before, match, after = map(escape, row.snippet)
        runs = direction("".join(row.snippet))
        snippet = f'<p class="dl-snippet" dir="{runs}">{before}<mark>{match}</mark>{after}</p>'
    return (
        f'<li class="dl-entry"><label class="dl-tick"><input type="checkbox" value="{escape(info.id)}" '
        f'aria-label="Choose {spoken}"></label><div class="dl-entry-body">'
        f'<h3><button type="button" class="dl-entry-title" dir="{direction(title)}" '
        f'data-article="{escape(info.id)}">{escape(title)}</button>{badge}</h3>'
        f'<p class="dl-file">{about}</p>{snippet}</div>'
        f"{'' if read_only else _remove(info.id, spoken)}</li>"
    )


def _remove(document_id: str, spoken: str) -> str:
    return (
        f'<button type="button" class="dl-link dl-danger" data-do="remove" data-id="{escape(document_id)}" '
        f'aria-label="Remove {spoken}">Remove</button>'
    )


def _pager(page: Page) -> str:
    if page.pages == 1:
        return ""
    last = page.pages - 1

    def turn(label: str, number: int, spoken: str) -> str:
        off = ' aria-disabled="true"' if number == page.number else ""
        return (
            f'<button type="button" class="dl-quiet-button" data-do="page" data-page="{number}" '
            f'aria-label="{spoken}"{off}>{label}</button>'
        )

    return (
        '<nav class="dl-pager" aria-label="Pages of the list">'
        f"{turn('«', 0, 'First page')}{turn('Previous', max(0, page.number - 1), 'Previous page')}"
        f"<span>Page {page.number + 1:,} of {page.pages:,}</span>"
        f"{turn('Next', min(last, page.number + 1), 'Next page')}{turn('»', last, 'Last page')}</nav>"
    )


def _empty(read_only: bool) -> str:
    if read_only:
        return '<div class="dl-welcome"><p>The library is empty.</p></div>'
    return (
        '<div class="dl-welcome"><p>The library is empty. Drop files of articles above, or give the address of one on '
        "the web.</p><p>For a whole folder, stop Dateline and run <code>rag ingest FOLDER</code>; without a folder it "
        "adds five articles to try.</p></div>"
    )


def _result(result: Result) -> str:
    title = f"“{escape(result.title)}”" if result.title else ""
    title = f"{result.articles:,} articles" if result.articles > 1 else title
    passages = {0: "", 1: "1 passage"}.get(result.passages, f"{result.passages:,} passages")
    # The engine's messages name the file, but here the name already comes before the message.
    reason = escape(result.reason.removeprefix(f"{result.name} "))
    about = "; ".join(filter(None, [", ".join(filter(None, [title, passages])), reason]))
    read = (
        f' <button type="button" class="dl-link" data-article="{escape(result.id)}" '
        f'aria-label="Read {escape(result.title[:_LABEL_CHARS])}">Read</button>'
        if result.id
        else ""
    )
    return (
        f'<li class="dl-result dl-{result.state}"><span class="dl-state">{_STATES[result.state]}</span> '
        f'<span class="dl-result-name">{escape(result.name)}</span> <span class="dl-result-about">{about}</span>{read}'
        "</li>"
    )


def _coming(name: str, state: str) -> str:
    return (
        f'<li class="dl-coming"><span class="dl-state">{state}</span> '
        f'<span class="dl-result-name">{escape(name)}</span></li>'
    )


def _summary(found: Sequence[Result]) -> str:
    counts = {said: sum(result.state == state for result in found) for state, said in _STATES.items()}
    return ", ".join(f"{count} {said.lower()}" for said, count in counts.items() if count) or "Nothing was added"


def _articles(titles: Sequence[str]) -> str:
    return escape(_plain(titles))


def _plain(titles: Sequence[str]) -> str:
    if len(titles) == 1:
        return f"“{_short(titles[0])}”"
    named = ", ".join(f"“{_short(title)}”" for title in titles[:_NAMED])
    more = len(titles) - _NAMED
    return f"{len(titles)} articles: {named}{f' and {more:,} more' if more > 0 else ''}"


def _short(title: str) -> str:
    return title if len(title) <= _LABEL_CHARS else title[: _LABEL_CHARS - 1] + "…"


def _count(number: int) -> str:
    return "1 article" if number == 1 else f"{number:,} articles"
