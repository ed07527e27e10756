"""The names of weekdays and months, which bylines mix with the names of writers."""

from __future__ import annotations

from functools import cache

_KEYS = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december"
).split()
_LEAST = 3  # letters; a shorter abbreviation is a word of its own in some language


def is_day_or_month(word: str, language: str = "") -> bool:
    """Return whether a word names a day of the week or a month, in English or in the given language.

    Args:
        word: One word, in any case.
        language: A code such as `de` or `en-GB`; empty for English only.
    """
    return word.lower() in _names(language.replace("_", "-").split("-")[0].lower())


@cache
def _names(language: str) -> frozenset[str]:
    from dateparser.data.languages_info import language_order  # few articles need it
    from dateparser.languages.loader import default_loader

    spoken = {language, "en"} & set(language_order)
    infos = [default_loader.get_locale(name).info for name in spoken]
    return frozenset(name for info in infos for key in _KEYS for name in info.get(key, ()) if len(name) >= _LEAST)
