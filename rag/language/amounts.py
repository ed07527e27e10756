"""Find the amounts in a sentence with what they count, so that only amounts of the same thing are compared."""

from __future__ import annotations

import re

from rag.language.questions import Form, asks_time, form
from rag.language.words import content_terms, fold, numbers, terms

_NUMBER_WORD = (
    r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen"
    r"|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
)
_AMOUNT = re.compile(
    rf"(?P<money>[$€£¥₹])?\s?\b(?P<number>\d+(?:[.,]\d+)*|(?:{_NUMBER_WORD})\b)(?P<scale>[\s-]?(?:hundred|thousand|million"
    r"|billion|trillion)\b)?(?P<unit>\s?%|[\s-]?per\s?cent\b|[\s-]?[^\W\d_]+)?",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"\s?%|[\s-]?per\s?cent\b", re.IGNORECASE)
_ABOUT = (
    r"(?:about|almost|around|at (?:least|most)|exactly|just (?:over|under)|(?:less|more|fewer) than|nearly|only|over"
    r"|roughly|under|up to)"
)
_AMOUNT_LIMIT = re.compile(rf"\b{_ABOUT} $", re.IGNORECASE)
_TIME_LIMIT = re.compile(
    rf"\b(?:after|at|before|between|by|during|from|in|on|since|until|within)(?: (?:early|late|mid))?(?: {_ABOUT})? $"
    rf"|\b(?:{_ABOUT}|early|late) $",
    re.IGNORECASE,
)
_MONEY = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee"}
_YEAR = re.compile(r"(?:19|20)\d\d")
_NO_AMOUNT = re.compile(r"\b(?:who|whom|whose|where|why)\b")  # what these ask for is no amount


def amounts(text: str) -> dict[str, set[str]]:
    """Return the amounts in a text by their unit: `{"crown": {"520 million"}, "percent": {"95"}, "year": {"2032"}}`.

    The unit is the word after the number; "" if that is a function word or there is none.
    """
    found: dict[str, set[str]] = {}
    for match in _AMOUNT.finditer(text):
        digits = " ".join(sorted(numbers(match["number"])))
        if not digits:
            continue
        scale = fold(match["scale"] or "").strip(" -")
        unit = match["unit"] or ""
        if match["money"]:
            name = _MONEY[match["money"]]
        elif _PERCENT.match(unit):
            name = "percent"
        elif _YEAR.fullmatch(match["number"]) and not scale:
            name = "year"
        else:
            name = next(iter(content_terms(unit)), "")
        found.setdefault(name, set()).add(f"{digits} {scale}".strip())
    return found


def with_unit(words: str, sentence: str) -> str:
    """Return words that end in a number with the unit that follows it in their sentence: "9 million litres".

    Args:
        words: Words of the sentence, as they are in it.
        sentence: The sentence.
    """
    end = sentence.find(words) + len(words)
    for match in _AMOUNT.finditer(sentence):
        number_ends = match.end("scale") if match["scale"] else match.end("number")
        if end in (match.end("number"), number_ends) and match.start("number") >= end - len(words):
            unit = match["unit"] or ""
            return words + sentence[end : match.end() if content_terms(unit) or _PERCENT.match(unit) else number_ends]
    return words


def with_limits(question: str, words: str, sentence: str) -> str:
    """Return an amount or a time with the words before it that limit it: "more than 9 million", "after 90 years".

    Args:
        question: The question that it answers; where none of these is asked for, nothing is added.
        words: Words of the sentence, as they are in it.
        sentence: The sentence.
    """
    limits = _TIME_LIMIT if asks_time(question) else _AMOUNT_LIMIT if amounts(words) else None
    found = limits.search(sentence[: max(0, sentence.find(words))]) if limits else None
    return f"{found[0]}{words}" if found else words


def disagree(question: str, one: str, other: str, *, loosely: bool = False) -> bool:
    """Return whether two sentences give different amounts of what a question asks for.

    "19 days" does not disagree with "1,200 nurses". Amounts that the question itself gives do not count.

    Args:
        question: The question.
        one: A sentence.
        other: Another one.
        loosely: Whether an amount without a unit ("15 were hurt") can be of anything.
    """
    if form(question) is not Form.SHORT or _NO_AMOUNT.search(fold(question)):
        return False
    first, second = amounts(one), amounts(other)
    given = amounts(question)
    wanted = set(terms(question))
    if loosely:
        for unit in (first.keys() | second.keys()) & (wanted | (first.keys() & second.keys())) - {""}:
            for held in (first, second):
                held[unit] = held.get(unit, set()) | held.get("", set())
        first, second = ({unit: held for unit, held in each.items() if held} for each in (first, second))
    shared = [unit for unit in first if unit and unit in second]
    if named := [unit for unit in shared if unit in wanted]:
        shared = named  # "How many people …?" asks for people, whatever else is counted
    elif asks_time(question):
        shared = [unit for unit in shared if unit == "year"]
    return any(
        first[unit] - given.get(unit, set())
        and second[unit] - given.get(unit, set())
        and not (first[unit] & second[unit])
        for unit in shared
    )
