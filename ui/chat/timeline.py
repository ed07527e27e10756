"""Recognise an answer that tells a course of events, one dated line for each."""

from __future__ import annotations

import re

from rag import Answer
from ui.chat.conversations import MARKER

# A line that begins with a short text with a year in it, as "12 Jul 2024: The bridge opened [1]" does.
_DATED = re.compile(r"[-*•\s]*(?P<date>(?=[^:\[\]]{0,24}\b\d{4}\b)[^:\[\]]{4,30}?)\s*(?::|\s[–—-])\s+(?P<said>\S.*)")
_FEWEST = 2  # lines


def events(given: Answer) -> list[tuple[str, str]]:
    """Return the events of an answer, in its order: each one's date as it is written, and the text with its markers.

    The list is empty unless every line of the answer has a date and the marker of a citation.
    """
    cited = {c.marker for c in given.citations}
    lines = [line for line in given.text.splitlines() if line.strip()]
    found = [_DATED.fullmatch(line) for line in lines]
    if len(lines) < _FEWEST or given.abstained:
        return []
    told = [(match["date"].strip(), match["said"].strip()) for match in found if match]
    proven = [any(int(number) in cited for number in MARKER.findall(said)) for _, said in told]
    return told if len(told) == len(lines) and all(proven) else []
