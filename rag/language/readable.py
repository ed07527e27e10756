"""Write a sentence of an article as it reads in an answer: on one line, without the place of a dateline before it."""

from __future__ import annotations

import re

from rag.language.characters import usual

# Other words in brackets after a place may be its country.
_AGENCIES = "AAP|AFP|ANSA|AP|Associated Press|Bloomberg|dpa|EFE|IANS|Kyodo|PA|PA Media|PTI|Reuters|TASS|UPI|Xinhua"
_DAY = r"(?=[^\n(—–]{0,24}\d)[^\n(—–]{3,25}?"
# "PORT ALDOUS, Sept. 30 (Reuters) —", "LONDON (AP) —", "PORT ALDOUS (Coast Wire) Sept. 30, 2025 -"
DATELINE = re.compile(
    r"(?P<place>[^\W\d_a-z][^\n,(—–]{1,40}(?:,\s[A-Z][^\n,(—–\d]{1,25})?)"
    rf"(?:,\s+(?P<date>{_DAY}))?"
    rf"\s*(?:(?:\((?P<agency>(?i:{_AGENCIES}))\)|\([^()\n]{{1,30}}\))(?:,?\s+(?P<later>{_DAY}))?)?\s*(?:—|–|--|-)\s"
)


def readable(sentence: str) -> str:
    """Return a sentence in one line, with its characters as they are usually written, without its dateline."""
    line = " ".join(usual(sentence).split())
    found = DATELINE.match(line)
    # "The mayor — who resigned —" only looks like one.
    sure = found and (found["date"] or found["later"] or found["agency"] or found["place"].isupper())
    return line[found.end() :] if found and sure else line
