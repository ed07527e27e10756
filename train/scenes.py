"""Make claims together with their evidence: who said what, and what is a plan and what a fact.

`train.cases` changes a claim and leaves the evidence as it is. Some differences are too rare in encyclopedias to be
learnt so: here the evidence is written as well, around sentences of public texts. Nothing here is used to answer
questions.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_ROLES = (
    "mayor|police chief|prime minister|head of the union|spokeswoman for the company|chief executive|analyst|opposition"
    " leader|director of the museum|chairman of the board|finance minister|coach|union leader|scientist|lawyer for the"
    " family|governor|farmer|resident|engineer|judge|head of the hospital|bishop|spokesman for the ministry|teacher"
).split("|")
_SURNAMES = (
    "Almeida Berg Castell Dunmore Eklund Farrow Grau Holt Ibarra Jansen Keane Lindqvist Moreau Novak Okafor Petrov"
    " Quinn Roen Sato Tully Usman Varga Whitlock Yilmaz Zeller Bauer Conti Duarte Hassan Kimura"
).split()
_FIRST = (
    "Anna Boris Carla Daniel Elena Farid Greta Hugo Ines Jonas Karim Lena Marco Nadia Oscar Paula Rafael Sofia Tomas"
    " Vera"
).split()
_PLAIN = re.compile(r"(?!(?:He|She|They|It|I|We|You|But|And|However|His|Her)\b)[A-Z][^\"“”();:?!]{25,170}\.")
_OPENING = frozenset(
    "The A An This These Those There In On At After Before During When While Most Many Some Several Both All For From"
    " By With As If Although Because Since Other One Two".split()
)
_PASSIVE = re.compile(
    r"\b(?P<was>was|were) (?P<done>[a-z]{3,}ed|built|held|made|sold|taken|given|written|found|chosen|sent|moved"
    r"|closed|opened|paid|won|shown|begun|cut|put|set)\b(?! (?:to|as|that|like)\b)"
)
_PLANS = (
    "{be} to be", "will be", "may be", "could be", "{be} planned to be", "{be} expected to be", "{be} due to be",
    "might be", "should be", "{be} to have been",
)  # fmt: skip
_FACTS = ("has already been", "was", "has been")
_SAME = (("{be} to be", "will be", "{be} due to be", "{be} planned to be"), ("may be", "could be", "might be"))
_PHRASE = re.compile(
    r"\b(?:[Tt]he|[Aa]n?|[Ii]ts|[Tt]heir|[Hh]is|[Hh]er) (?P<noun>(?:[a-z]+ )?[a-z]{3,})(?= (?:is|are|was|were|has|"
    r"had|have|will|would|of|in|on|at|and|to|for|from|by|with|that|said|when|where|who|which)\b|[,.])"
)


class Scene(NamedTuple):
    """A claim, its evidence, the label of `train.claims.Claim`, and the words that make the claim wrong."""

    claim: str
    evidence: str
    label: str
    wrong: str


class _Speaker(NamedTuple):
    name: str
    role: str
    pronoun: str


def spoken(sentences: Sequence[str], draw: random.Random) -> Iterator[Scene]:
    """Yield what two or three people said of these sentences: one of them, or another."""
    plain = [s for s in sentences if _PLAIN.fullmatch(s)]
    if len(plain) < 2:
        return
    said = draw.sample(plain, min(len(plain), draw.choice((2, 2, 3))))
    last = draw.sample(_SURNAMES, len(said))
    speakers = [
        _Speaker(f"{draw.choice(_FIRST)} {name}", role, draw.choice(("he", "she")))
        for name, role in zip(last, draw.sample(_ROLES, len(said)), strict=True)
    ]
    evidence = " ".join(_told(who, what, draw) for who, what in zip(speakers, said, strict=True))
    n = draw.randrange(len(said))
    if draw.random() < 0.45:
        yield Scene(_claimed(speakers[n], said[n], draw)[0], evidence, "e", "")
    else:
        other = draw.choice([who for who in speakers if who is not speakers[n]])
        claim, wrong = _claimed(other, said[n], draw)
        yield Scene(claim, evidence, "no", wrong)


def _lower(sentence: str) -> str:
    first = sentence.split(" ", 1)[0]
    kept = sentence if first not in _OPENING else sentence[0].lower() + sentence[1:]
    return kept.rstrip(".")


def _told(who: _Speaker, what: str, draw: random.Random) -> str:
    quoted = what.rstrip(".")
    full = draw.choice((f"{who.name}, the {who.role},", f"The {who.role}, {who.name},"))
    return draw.choice(
        (
            f"“{quoted},” said {who.name}, the {who.role}.",
            f"{full} said that {_lower(what)}.",
            f"{full} said {_lower(what)}.",
            f"{full} took another view. “{quoted},” {who.pronoun} said.",
            f"{full} spoke to reporters on {draw.choice(('Monday', 'Friday'))}. “{quoted}.”",
            f"{full} answered questions. {who.pronoun.capitalize()} said that {_lower(what)}.",
            f"According to the {who.role}, {who.name}, {_lower(what)}.",
        )
    )


def _claimed(who: _Speaker, what: str, draw: random.Random) -> tuple[str, str]:
    """Return a claim that someone said this, and the words for that person."""
    person = draw.choice((who.name, who.name, who.name.split()[1], f"the {who.role}", f"the {who.role}, {who.name},"))
    start = person[0].upper() + person[1:]
    verb = draw.choice(("said", "said", "stated", "told reporters"))
    claim = draw.choice(
        (
            f"{start} {verb} that {_lower(what)}.",
            f"According to {person.rstrip(',')}, {_lower(what)}.",
            f"“{what.rstrip('.')},” {verb} {person.rstrip(',')}.",
            f"{what.rstrip('.')}, {person.rstrip(',')} {verb}.",
        )
    )
    at = claim.lower().find(person.rstrip(",").lower())
    return claim, claim[at : at + len(person.rstrip(","))]


def planned(sentences: Sequence[str], draw: random.Random) -> Iterator[Scene]:
    """Yield a plan told as a fact, a fact told as a plan, or a plan in other words."""
    usable = [n for n, s in enumerate(sentences) if _PASSIVE.search(s) and 6 <= len(s.split()) <= 35]
    if not usable:
        return
    n = draw.choice(usable)
    found = _PASSIVE.search(sentences[n])
    assert found is not None
    be = "is" if found["was"] == "was" else "are"

    def told(form: str) -> str:
        auxiliary = form.format(be=be)
        if be == "are":
            auxiliary = auxiliary.replace("has ", "have ").replace("was", "were")
        return f"{sentences[n][: found.start()]}{auxiliary} {found['done']}{sentences[n][found.end() :]}"

    way = draw.random()
    if way < 0.45:
        real, claimed, label = draw.choice(_PLANS), draw.choice(_FACTS), "no"
    elif way < 0.6:
        real, claimed, label = draw.choice(_FACTS), draw.choice(_PLANS), "no"
    else:
        real, claimed = draw.sample(draw.choice((*_SAME, _FACTS)), 2)
        label = "e"
    around = [s if m != n else told(real) for m, s in enumerate(sentences)][max(0, n - 1) : n + 2]
    claim = told(claimed)
    wrong = claim[found.start() : len(claim) - len(sentences[n]) + found.end()] if label == "no" else ""
    yield Scene(claim, " ".join(around), label, wrong)


def things(text: str, around: Sequence[str], draw: random.Random) -> str | None:
    """Let two things change places, or put another one of those nearby in the place of one."""
    mine = list(_PHRASE.finditer(text))
    if not mine:
        return None
    here = draw.choice(mine)
    others = [m for m in mine if m["noun"] != here["noun"]]
    if others and draw.random() < 0.5:
        first, second = sorted((here, draw.choice(others)), key=lambda m: m.start())
        a, b = first.span("noun"), second.span("noun")
        if re.fullmatch(r"\W*(?:and|or)\W*(?:the|a|an)?\W*", text[a[1] : b[0]]):
            return None
        return text[: a[0]] + second["noun"] + text[a[1] : b[0]] + first["noun"] + text[b[1] :]
    near = sorted({m["noun"] for s in around for m in _PHRASE.finditer(s)} - {m["noun"] for m in mine})
    if not near:
        return None
    return text[: here.start("noun")] + draw.choice(near) + text[here.end("noun") :]
