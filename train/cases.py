"""Make claims with and without support from sentences: each change makes a true sentence false, or keeps it true.

Every function takes a sentence and the sentences around it and returns changed sentences. They need not be perfect: a
few wrong labels do little harm in fitting. Nothing here is used to answer questions.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from train.scenes import things

NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w-])")
_NAME = re.compile(r"(?:(?<=[a-z,;] )|(?<=[a-z]’s )|(?<=[a-z]'s ))[A-Z][a-z]+(?: (?:of |the |de )?[A-Z][a-z]+)*\b")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_SMALL = "zero one two three four five six seven eight nine ten eleven twelve".split()
_UNITS = (
    ("seconds", "minutes", "hours", "days", "weeks", "months", "years", "decades"),
    ("second", "minute", "hour", "day", "week", "month", "year", "decade"),
    ("thousand", "million", "billion", "trillion"),
    ("dollars", "euros", "pounds", "yen", "francs"),
    ("metres", "kilometres", "centimetres"),
    ("meters", "kilometers", "centimeters"),
    ("miles", "feet", "inches", "yards", "kilometers"),
    ("kilograms", "tons", "grams", "pounds"),
    ("percent", "percentage points"),
    ("people", "families", "children", "men", "women"),
)
# Pairs of words that exclude each other in the same place.
_OPPOSITES = [line.split("/") for line in Path(__file__).with_name("opposites.txt").read_text("utf-8").split()]
_SWAP = {a: b for pair in _OPPOSITES for a, b in (pair, pair[::-1])}
_ADD_NOT = re.compile(
    r"\b(is|are|was|were|has|have|had|will|would|can|could|should|must|may|might|did|does|do)\b(?! not)"
)
_NOT = re.compile(r"\b(?:not |never |no longer )|(?<=\w)n['’]t\b")
_MAYBE = (
    (r"\b(?:may|might|could) (?=[a-z])", "will "),
    (r"\bis (?:expected|likely|planned|due|scheduled|about) to ", "has decided not to "),
    (r"\bare (?:expected|likely|planned|due|scheduled|about) to ", "have refused to "),
    (r"\b(?:plans|hopes|intends|wants|aims) to ", "has already managed to "),
    (r"\b(?:plan|hope|intend|want|aim) to ", "have already managed to "),
    (r"\bwanted to ", "managed to "),
    (r"\btried to ", "managed to "),
    (r"\b(?:proposed|suggested|considered) ", "completed "),
    (r"\bif (?=[a-z])", "because "),
    (r"\bwould (?=[a-z])", "never would "),
    (r"\balleged(?:ly)? ", "proven "),
)
_SCOPE = (
    (r"\b(?:some|many|several|most|a few|few) (?:of )?(?=[a-z])", "all "),
    (r"\b(?:Some|Many|Several|Most|A few|Few) (?:of )?(?=[a-z])", "All "),
    (r"\b(?:almost|nearly|about half of|half of|half) ", "all "),
    (r"\b(?:at least) (?=\w)", "at most "),
    (r"\b(?:up to|at most) (?=\w)", "at least "),
    (r"\bmore than (?=\w)", "less than "),
    (r"\bless than (?=\w)", "more than "),
    (r"\bsometimes\b", "always"),
    (r"\bone of the\b", "the only one of the"),
    (r"\b(?:usually|generally|often|partly)\b", "always"),
    (r"\b(?:is|was) (?=[a-z])", "is the only one that is "),
)
_VERB = r"(?P<said>said|says|told reporters|told the BBC|added|claimed|explained|warned|argued)"
_SAID = re.compile(rf"^(?P<what>.+?),[\"”]? (?P<who>[^,\"“”]{{3,60}}?) {_VERB}\.$")
_SPOKE = re.compile(rf"^(?P<who>[^,\"“”]{{3,60}}?) {_VERB},? (?:that )?(?P<what>.{{15,}})\.[\"”]?$")

_JOINED = re.compile(r"\W*(?:and|or|of|de)?\W*")  # between two names that are one thing, or two of the same

Change = Callable[[str, Sequence[str], random.Random], "str | None"]


def _other(found: Sequence[str], than: str, draw: random.Random) -> str | None:
    rest = sorted({word for word in found if word != than})
    return draw.choice(rest) if rest else None


def _one(pattern: re.Pattern[str], text: str, draw: random.Random) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return draw.choice(found) if found else None


def _put(text: str, match: re.Match[str], new: str) -> str:
    return text[: match.start()] + new + text[match.end() :]


def number(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Put another number in the place of one, mostly one of those nearby."""
    match = _one(NUMBER, text, draw)
    if match is None:
        words = [m for m in re.finditer(r"\b[a-z]+\b", text) if m[0] in _SMALL[2:]]
        return _put(text, word := draw.choice(words), _other(_SMALL[2:], word[0], draw) or "") if words else None
    old = match[0]
    if draw.random() < 0.5 and (near := _other([m[0] for s in around for m in NUMBER.finditer(s)], old, draw)):
        return _put(text, match, near)
    digits = [n for n, sign in enumerate(old) if sign.isdigit()]
    if len(digits) > 1 and draw.random() < 0.4:  # two digits change places
        n = draw.randrange(len(digits) - 1)
        a, b = digits[n], digits[n + 1]
        new = old[:a] + old[b] + old[a + 1 : b] + old[a] + old[b + 1 :]
    else:
        n = draw.choice(digits)
        new = old[:n] + str((int(old[n]) + draw.randint(1, 9)) % 10 or 1) + old[n + 1 :]
    return _put(text, match, new) if new != old else None


def unit(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Put another unit of the same kind in the place of one."""
    found = [(m, units) for units in _UNITS for m in re.finditer(rf"\b(?:{'|'.join(units)})\b", text)]
    if not found:
        return None
    match, units = draw.choice(found)
    new = _other(units, match[0], draw)
    return _put(text, match, new) if new else None


def name(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Put another name in the place of one, one of those nearby if there is any."""
    match = _one(_NAME, text, draw)
    new = _other([m[0] for s in around for m in _NAME.finditer(s)], match[0], draw) if match else None
    return _put(text, match, new) if match and new and new not in match[0] and match[0] not in new else None


def roles(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Let two names change places."""
    found = list(re.finditer(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+)*\b", text))
    found = [m for m in found if m.start() > 0 or " " in m[0] or text.count(m[0]) > 1]
    pairs = [
        (a, b)
        for a in found
        for b in found
        if a.end() < b.start() and a[0] != b[0] and not _JOINED.fullmatch(text[a.end() : b.start()])
    ]
    if not pairs or re.search(r"\b(?:with|between|both)\b", text):
        return None
    a, b = draw.choice(pairs)
    return text[: a.start()] + b[0] + text[a.end() : b.start()] + a[0] + text[b.end() :]


def time(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Put another year, month or day of the week in the place of one."""
    found: list[tuple[re.Match[str], str | None]] = []
    for m in _YEAR.finditer(text):
        found.append(
            (
                m,
                _other([y[0] for s in around for y in _YEAR.finditer(s)], m[0], draw)
                or str(int(m[0]) + draw.choice((-10, -2, -1, 1, 2, 10))),
            )
        )
    for words in (_MONTHS, _DAYS):
        found += [(m, _other(words, m[0], draw)) for m in re.finditer(rf"\b(?:{'|'.join(words)})\b", text)]
    if not found:
        return None
    match, new = draw.choice(found)
    return _put(text, match, new) if new else None


def opposite(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Put a word's opposite in its place."""
    found = [m for m in re.finditer(r"\b[a-z]+\b", text) if m[0] in _SWAP]
    return _put(text, match := draw.choice(found), _SWAP[match[0]]) if found else None


def negation(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Add a "not", or take one away."""
    if match := _one(_NOT, text, draw):
        return _put(text, match, "")
    if match := _one(_ADD_NOT, text, draw):
        return _put(text, match, f"{match[0]} {draw.choice(('not', 'not', 'never'))}")
    return None


def _first_of(rules: Sequence[tuple[str, str]], text: str, draw: random.Random) -> str | None:
    for pattern, new in draw.sample(rules, len(rules)):
        if match := re.search(pattern, text):
            return _put(text, match, new)
    return None


def modality(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Let a plan, a condition or a possibility be a fact."""
    return _first_of(_MAYBE, text, draw)


def scope(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Let a part be the whole, or turn a bound round."""
    return _first_of(_SCOPE[:-1], text, draw) or (_first_of(_SCOPE[-1:], text, draw) if draw.random() < 0.2 else None)


def cause(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Give a sentence a reason that belongs to something else, or turn cause and effect round."""
    if match := re.search(r"(?P<effect>^.{15,}?),? because (?P<cause>[^,]{12,})\.$", text):
        if draw.random() < 0.5:
            what = match["cause"]
            return f"{what[0].upper()}{what[1:]} because {match['effect'][0].lower()}{match['effect'][1:]}."
        text = f"{match['effect']}."
    others = [
        s
        for s in around
        if s.rstrip(".") not in text and 5 <= len(s.split()) <= 16 and s.endswith(".") and "," not in s
    ]
    if not others or not text.endswith(".") or len(text.split()) > 22:
        return None
    other = draw.choice(others)[:-1]
    start = other if _NAME.match(f"a {other}"[2:]) else other[0].lower() + other[1:]
    return f"{text[:-1]} {draw.choice(('because', 'because', 'as a result of the fact that'))} {start}."


def speaker(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Let another person have said it."""
    match = _SAID.match(text) or _SPOKE.match(text)
    people = [m[0] for s in around for m in re.finditer(r"\b[A-Z][a-z]+ [A-Z][a-z]+\b", s)]
    new = _other(people, match["who"], draw) if match else None
    if not match or not new or new in match["who"]:
        return None
    return text[: match.start("who")] + new + text[match.end("who") :]


def event(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Tell of one thing what another sentence tells of another."""
    cut = re.compile(
        r"^(?P<head>.{8,60}?) (?P<tail>(?:is|was|were|are|has|had|will|said|made|became|took|won|began) .{12,})$"
    )
    mine = cut.match(text)
    others = [m for s in around if s != text and (m := cut.match(s))]
    if not mine or not others:
        return None
    other = draw.choice(others)
    if mine["head"].split()[0] in ("It", "He", "She", "They", "This") or other["head"] == mine["head"]:
        return None
    return f"{mine['head']} {other['tail']}"


# Each of these makes what a sentence says false, or at least no longer supported.
FALSE: dict[str, tuple[Change, str]] = {
    "number": (number, "c"),
    "unit": (unit, "c"),
    "entity": (name, "no"),
    "role_swap": (roles, "no"),
    "time": (time, "c"),
    "opposite": (opposite, "no"),
    "negation": (negation, "c"),
    "modality": (modality, "no"),
    "scope": (scope, "no"),
    "cause": (cause, "n"),
    "attribution": (speaker, "no"),
    "wrong_event": (event, "no"),
    "things": (things, "no"),
}


def reported(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Tell who said it in another way."""
    match = _SAID.match(text) or _SPOKE.match(text)
    if match is None:
        return None
    what = match["what"].strip('"“”, ')
    lower = what if re.match(r"(?:[A-Z]\w*\W+){2}|I\b", what) else what[0].lower() + what[1:]
    upper = what[0].upper() + what[1:]
    return draw.choice(
        (
            f"{match['who']} said that {lower}.",
            f"{match['who']} said {lower}.",
            f"According to {match['who']}, {lower}.",
            f"{upper}, according to {match['who']}.",
        )
    )


def shorter(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Leave out what is not needed: something put in between commas or brackets, or added at an end."""
    rules = (
        (r" \([^()]{3,80}\)", ""),
        (r", (?:who|which|where|whose) [^,]{5,90}, ", " "),
        (r", (?:who|which|where|whose|including|such as) [^,]{5,110}\.$", "."),
        (r", (?:an?|the) [^,]{5,60}, (?=[a-z])", " "),
        (
            r"^(?:In|On|At|By|During|After|Before|Since|Last|Late|Early) [^,]{3,40}, (?=(?:the|a|an|it|he|she|they) )",
            "^",
        ),
        (r", (?:and|but|while) [^,]{12,90}\.$", "."),
        (r"^(?:However|But|And|Moreover|In addition|Meanwhile|Also|For example),? ", "^"),
    )
    for pattern, new in draw.sample(rules, len(rules)):
        if match := re.search(pattern, text):
            found = _put(text, match, "" if new == "^" else new)
            if len(found.split()) >= 4:
                return found[0].upper() + found[1:]
    return None


def otherwise(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Write a number, a date, a name or a common word in another way."""
    rules: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
        (r"\b(\d{1,3}),(\d{3})\b", lambda m: m[1] + m[2]),
        (r"\b([2-9]|1[0-2])\b(?![.,:%]\d)", lambda m: _SMALL[int(m[1])]),
        (rf"\b({'|'.join(_SMALL[2:])})\b", lambda m: str(_SMALL.index(m[1]))),
        (r" ?%", lambda m: " percent"),
        (r" (?:percent|per cent)\b", lambda m: "%"),
        (r"\b(\d+(?:\.\d+)?) thousand\b", lambda m: f"{float(m[1]) * 1000:,.0f}"),
        (r"\b(\d{1,3}),000,000\b", lambda m: f"{m[1]} million"),
        (rf"\b({'|'.join(_MONTHS)}) (\d{{1,2}})\b", lambda m: f"{m[2]} {m[1]}"),
        (rf"\b(\d{{1,2}}) ({'|'.join(_MONTHS)})\b", lambda m: f"{m[2]} {m[1]}"),
        (r"\b(?:the )?United States\b", lambda m: "the US"),
        (r"\b(?:the )?United Kingdom\b", lambda m: "the UK"),
        (r"\bU\.S\.", lambda m: "US"),
        (r"\b[A-Z][a-z]+ ([A-Z][a-z]+)(?= (?:said|was|is|had|has|won|told|became))", lambda m: m[1]),
        (r"\b(did|was|is|were|are|has|have|had|would|could) not\b", lambda m: f"{m[1]}n't"),
        (r"\b(did|was|is|were|are|has|have|had|would|could)n['’]t\b", lambda m: f"{m[1]} not"),
        (
            r"\b(began|completed|purchased|assisted|built|located|obtained|ended|created|assists|aided|large|near)\b",
            lambda m: _SAME[m[1]],
        ),
        (
            r"\b(more than|approximately|about|around|nearly|because of|in order to|prior to|led to|such as)\b",
            lambda m: _SAME[m[1]],
        ),
    )
    for pattern, new in draw.sample(rules, len(rules)):
        if match := re.search(pattern, text):
            found = _put(text, match, new(match))
            if found != text:
                return found
    return None


_SAME = {
    "began": "started", "completed": "finished", "purchased": "bought", "assisted": "helped",
    "built": "constructed", "located": "situated", "obtained": "got", "ended": "finished", "created": "made",
    "assists": "helps", "aided": "helped", "large": "big", "near": "close to",
    "more than": "over", "approximately": "about", "about": "roughly", "around": "about", "nearly": "almost",
    "because of": "due to", "in order to": "to", "prior to": "before", "led to": "resulted in", "such as": "like",
}  # fmt: skip


def same(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Leave the sentence as it is."""
    return text


# Each of these keeps what a sentence says.
TRUE: dict[str, Change] = {"verbatim": same, "shorter": shorter, "otherwise": otherwise, "reported": reported}
