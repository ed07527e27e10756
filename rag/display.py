"""How answers look at a Python prompt, in a terminal and in a notebook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.origin import readable_date

if TYPE_CHECKING:
    from rag.types import Answer, Citation, Statement

_LONGEST = 60  # characters of a text in a `repr`
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
# Notebooks read what is between backslashes or dollar signs as mathematics, also where Markdown escapes them.
_NOT_ESCAPED = {"\\": "&#92;", "$": "<span>&#36;</span>"}


def answer_repr(answer: Answer) -> str:
    """Return an answer in one short line."""
    said = "abstained" if answer.abstained else f"{len(answer.citations)} cited"
    sure = "" if answer.confidence is None else f", confidence {answer.confidence:.2f}"
    return f"Answer({_short(answer.text)!r}, {said}{sure})"


def citation_repr(citation: Citation) -> str:
    """Return a citation in one short line."""
    return f"Citation([{citation.marker}] {citation.source!r}, {_short(citation.quote)!r})"


def statement_repr(statement: Statement) -> str:
    """Return a statement in one short line."""
    return f"Statement({_short(statement.text)!r}, {list(statement.markers)}, support {statement.support:.2f})"


def plain(answer: Answer) -> str:
    """Return an answer's text followed by its numbered sources, for a terminal."""
    lines = [answer.text]
    for c in answer.citations:
        about = f" ({c.origin})" if c.origin else ""
        lines.append(f"  [{c.marker}] {c.source}{about}: “{c.quote}”{_times(c)}")
    if answer.unconfirmed:
        lines.append(f"  (not confirmed by the articles: {' '.join(answer.unconfirmed)})")
    lines.extend(f"  ({notice})" for notice in answer.notices)
    return "\n".join(lines)


def markdown(answer: Answer) -> str:
    """Return an answer as Markdown, with its sources under it; nothing in the text of articles becomes markup."""
    blocks = ["  \n".join(escaped(line) for line in answer.text.splitlines())]
    for c in answer.citations:
        about = f" ({escaped(c.origin)})" if c.origin else ""
        blocks.append(f"> **[{c.marker}]** {escaped(c.title or c.source)}{about}: “{escaped(c.quote + _times(c))}”")
    if answer.unconfirmed:
        blocks.append(f"*Not confirmed by the articles:* {escaped(' '.join(answer.unconfirmed))}")
    blocks.extend(f"*{escaped(notice)}*" for notice in answer.notices)
    return "\n\n".join(blocks)


def escaped(text: str) -> str:
    """Return a text on one line of Markdown, in which every character stands for itself."""
    one_line = " ".join(text.split())
    return _PUNCTUATION.sub(lambda found: _NOT_ESCAPED.get(found[0], f"\\{found[0]}"), one_line)


def _times(citation: Citation) -> str:
    return "".join(f" ({said}, that is {readable_date(meant)})" for said, meant in citation.times)


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _LONGEST else f"{one_line[: _LONGEST - 1].rstrip()}…"
