"""Find relative dates such as "yesterday" in a sentence, and resolve them by the date of its article."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from rag.language.dates import readable

_UNITS = ("day", "week", "month", "year")
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
# A weekday of an article in English. With a word such as "every" or "the following" it is not the nearest one, and a
# date that follows says by itself which one it is. "For Monday" says what was planned.
_ALONE = re.compile(
    r"(?<![\w-])(?:(?:an?|another|any|each|every|following|for|last|next|one|previous|that|the|this) )?"
    rf"(?P<day>{'|'.join(day.capitalize() for day in _WEEKDAYS)})(?![\w-]|,? (?:\d|[A-Z][a-z]+\.? \d))"
)
_PLANNED = re.compile(r"\b(?:will|would|shall|should|may|might|could|due|expected|planned|scheduled|set|supposed) ")
_NUMBER = re.compile(r"\(\\d[^)]*\)")
_FULL, _MONTH = len("2024-07-12"), len("2024-07")
_AS = {"last night": "yesterday"}  # what dateparser does not know
# These words mean the morning too.
_UNSURE = frozenset(("morgen", "mañana"))
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|«[^»]*»|„[^“”]*[“”]")


def relative(text: str, published: str, language: str = "") -> tuple[tuple[str, str], ...]:
    """Return the relative dates in a sentence as (words, ISO 8601), in the order in which they occur.

    A day is `2024-07-11`, a week `2024-07-01/2024-07-07`, a month `2024-06` and a year `2023`. What is said in
    quotation marks may be older than the article, and a bare weekday may be past or to come (see `weekday`); these are
    left out.

    Args:
        text: A sentence.
        published: The date of its article in ISO 8601; nothing is resolved if it is empty.
        language: The language of the article, `en` if it is not known.
    """
    if len(published) < _MONTH:
        return ()
    name = readable(language)[0]
    base = datetime.fromisoformat(published[:_FULL] if len(published) >= _FULL else f"{published[:_MONTH]}-15")
    quoted = _quotations(text)
    found: dict[str, str] = {}
    for match in _pattern(name).finditer(text):
        said, unit = match[0], str(match.lastgroup)
        if any(first <= match.start() < last for first, last in quoted) or said.lower() in _UNSURE:
            continue
        if len(published) < _FULL and unit in ("day", "week"):
            continue
        if meant := _resolve(said, name, base, unit):
            found.setdefault(said, meant)
    return tuple(found.items())


def weekday(text: str, published: str, past: bool) -> tuple[str, str] | None:
    """Return the weekday that a sentence in English names as (word, ISO 8601 day); None if it may be another one.

    Args:
        text: A sentence.
        published: The date of its article in ISO 8601.
        past: Whether it happened by then, so that the last such day is meant, and not the next one.
    """
    found = list(_ALONE.finditer(text))
    if len(found) != 1 or len(published) < _FULL:
        return None
    day, start = found[0]["day"], found[0].start()
    if found[0][0] != day or any(first <= start < last for first, last in _quotations(text)):
        return None
    if past == bool(_PLANNED.search(text[:start])):
        return None
    base = datetime.fromisoformat(published[:_FULL])
    away = (_WEEKDAYS.index(day.lower()) - base.weekday()) % 7
    return day, (base + timedelta(days=away - 7 if past and away else away)).isoformat()[:_FULL]


def _quotations(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _QUOTED.finditer(text)]


def _resolve(said: str, language: str, base: datetime, unit: str) -> str:
    import dateparser  # takes 65 ms, which every start would pay

    words = _AS.get(said.lower(), said)
    moment: datetime | None = dateparser.parse(words, languages=[language], settings={"RELATIVE_BASE": base})
    if moment is None:
        return ""
    if unit == "week":
        monday = moment - timedelta(days=moment.weekday())
        return f"{monday:%Y-%m-%d}/{monday + timedelta(days=6):%Y-%m-%d}"
    return moment.isoformat()[: {"day": _FULL, "month": _MONTH, "year": 4}[unit]]


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """Return the relative dates of a language as dateparser knows them, with a group for each unit."""
    from dateparser.languages.loader import default_loader

    info: dict[str, Any] = default_loader.get_locale(language).info
    known: dict[str, list[str]] = {unit: [] for unit in _UNITS}
    number = "(?:" + "|".join([r"\d{1,3}", *_number_words(info)]) + ")"
    for meaning, forms in info.get("relative-type", {}).items():
        if unit := _unit(meaning):
            known[unit] += [re.escape(form) for form in forms]
    for meaning, forms in info.get("relative-type-regex", {}).items():
        if unit := _unit(meaning):
            known[unit] += [_NUMBER.sub(lambda _: number, form) for form in forms]
    if language == "en":
        known["day"] += _AS
    groups = "|".join(
        f"(?P<{unit}>{'|'.join(sorted(forms, key=len, reverse=True))})" for unit, forms in known.items() if forms
    )
    # Where words are written without spaces, any place may be the start of one.
    spaced = str(info.get("no_word_spacing", "False")) != "True"
    return re.compile(rf"(?<![\w-])(?:{groups})(?![\w-])" if spaced else groups, re.IGNORECASE)


def _unit(meaning: str) -> str:
    """Return the unit of a meaning such as `1 day ago` or `last tuesday`; empty for hours, and for unsure ones."""
    words = meaning.split()
    if words[0] == "last" and words[-1] in _WEEKDAYS:
        return "day"
    return next((unit for unit in _UNITS if unit in words), "")


def _number_words(info: dict[str, Any]) -> list[str]:
    pairs = (pair for each in info.get("simplifications") or () for pair in each.items())
    return [word for word, digits in pairs if word.isalpha() and str(digits).isdigit()]
