"""Find the time that a question asks about, such as "now", "in June 2023", "since March" or "before the strike".

Relative times and months without a year count from the date of the newest article, not from today: a library ends
where its articles end, and the same question over the same articles always means the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from rag.language.dates import iso
from rag.language.day_names import is_day_or_month
from rag.language.relative import relative

_NEWEST = re.compile(
    r",?\s*\b(?:right now|as of (?:now|today)|now|currently|current|latest|newest|most recent(?:ly)?|at present"
    r"|at the moment|nowadays|these days|so far|to date|up to now|today)\b,?",
    re.IGNORECASE,
)
_WITHIN, _SINCE = ("in", "on", "during", "at", "of", "for", "from", "throughout"), ("since", "after")
_BEFORE = ("before", "until", "till", "by", "up to")
_PREPOSITION = re.compile(
    rf"\b(?P<how>{'|'.join((*_WITHIN, *_SINCE, *_BEFORE))})\s+(?:the\s+)?(?:(?:early|late|mid|summer|winter|spring"
    r"|autumn|fall|month|year|end|beginning|start)\s+(?:of\s+)?)?$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\b(?:between|from)\s+(?P<first>.{3,20}?)\s+(?:and|to|until)\s+(?P<last>.{3,20}?)(?=[\s?.,]*$)")
_EVENT = re.compile(
    r",?\s+\b(?P<how>before|after|since)\s+(?P<event>(?:the|its|their|his|her)\s+[^?,\d]{3,60}?)(?=\s*[?,.]*$)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w'’.-]*\w")
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_MOST_WORDS = 4  # of a date: "5th of March 2025"


@dataclass(frozen=True, slots=True)
class AskedTime:
    """The time that a question asks about.

    Args:
        rest: The question without the words that say when.
        words: These words.
        since: The first date asked about, ISO 8601: a day, month or year; empty if there is none.
        until: The last one.
        newest: Whether the latest state is asked for.
        event: What it was before or after, where a question names that instead of a date; `since` and `until` are
            empty, and `before` says which.
        before: Whether the time before `event` is asked about, not that after it.
    """

    rest: str
    words: str
    since: str = ""
    until: str = ""
    newest: bool = False
    event: str = ""
    before: bool = False

    def meets(self, published: str) -> bool:
        """Return whether an article of this date (ISO 8601) is from the time asked about; never if it is empty."""
        if not published or (self.since and published[: len(self.since)] < self.since):
            return False
        return not self.until or published[: len(self.until)] <= self.until


def asked_time(question: str, newest: str) -> AskedTime | None:
    """Return the time that a question in English asks about, or None.

    Args:
        question: The question.
        newest: The date of the newest article, ISO 8601, from which "last week" counts; empty if it is not known.
    """
    if found := _between(question, newest):
        return found
    if found := _period(question, newest):
        return found
    if match := _EVENT.search(question):
        before = match["how"].lower() == "before"
        rest = _joined(question[: match.start()], question[match.end() :])
        return AskedTime(rest, match[0].strip(" ,"), event=match["event"], before=before)
    if match := _NEWEST.search(question):
        rest = _joined(question[: match.start()], question[match.end() :])
        return AskedTime(rest, match[0].strip(" ,"), newest=True)
    return None


def period(words: str, newest: str) -> tuple[str, str]:
    """Return the first and last date that words name, such as "June 2023", "2024" or "last week"; else empty ones."""
    if _YEAR.fullmatch(words):
        return words, words
    plain = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", words).replace(" of ", " ")
    if found := iso(plain, "en"):
        return found[:10], found[:10]
    # Without a year, the last such month or day up to the newest article is meant.
    names = [word for word in plain.split() if word.isalpha() and word[0].isupper() and is_day_or_month(word)]
    if len(names) == 1 and newest and not _YEAR.search(plain):
        for year in (int(newest[:4]), int(newest[:4]) - 1):
            found = iso(f"{plain} {year}", "en")[:10]
            if found and found <= newest[: len(found)]:
                return found, found
    said = relative(words, newest)
    if len(said) == 1 and said[0][0] == words:
        first, _, last = said[0][1].partition("/")
        return first, last or first
    return "", ""


def _period(question: str, newest: str) -> AskedTime | None:
    words = list(_WORD.finditer(question))
    for size in range(_MOST_WORDS, 0, -1):
        for first, last in zip(words, words[size - 1 :], strict=False):
            said = question[first.start() : last.end()]
            how = _PREPOSITION.search(question[: first.start()])
            if not _may_be_date(said):
                continue
            since, until = period(said, newest)
            # "May" without "in", "the 2023 budget": these may be something else.
            named = said[0].isupper() or said[0].isdigit()
            if not since or (named and (how is None or how[0].lower().endswith("the "))):
                continue
            start = how.start() if how else first.start()
            rest = _joined(question[:start], question[last.end() :])
            asked = AskedTime(rest, question[start : last.end()], since, until)
            return _bounded(asked, how["how"].lower() if how else "in")
    return None


def _bounded(asked: AskedTime, how: str) -> AskedTime:
    if how in _SINCE:
        since = moved(asked.until, 1) if how == "after" else asked.since
        return AskedTime(asked.rest, asked.words, since=since)
    if how in _BEFORE:
        until = moved(asked.since, -1) if how == "before" else asked.until
        return AskedTime(asked.rest, asked.words, until=until)
    return asked


def moved(iso_date: str, by: int) -> str:
    """Return the next (1) or previous (-1) day, month or year of one in ISO 8601."""
    year, month, day = (int(part) for part in (*iso_date.split("-"), "0", "0")[:3])
    if not month:
        return f"{year + by:04d}"
    if not day:
        count = 12 * year + month - 1 + by
        return f"{count // 12:04d}-{count % 12 + 1:02d}"
    return (date(year, month, day) + timedelta(days=by)).isoformat()


def _between(question: str, newest: str) -> AskedTime | None:
    if (match := _BETWEEN.search(question)) is None:
        return None
    last = period(match["last"], newest)[1]
    first = (last and period(f"{match['first']} {last[:4]}", newest)[0]) or period(match["first"], newest)[0]
    if not first or not last:
        return None
    rest = _joined(question[: match.start()], question[match.end() :])
    return AskedTime(rest, match[0], first, last)


def _may_be_date(said: str) -> bool:
    """Return whether words can name a date at all, before they are parsed."""
    parts = said.split()
    return any(c.isdigit() for c in said) or any(is_day_or_month(part) for part in parts) or parts[0].islower()


def _joined(before: str, after: str) -> str:
    joined = " ".join(f"{before.rstrip(' ,')} {after.lstrip(' ,')}".split())
    joined = re.sub(r"\s+([?.!])", r"\1", joined)
    return joined[:1].upper() + joined[1:]
