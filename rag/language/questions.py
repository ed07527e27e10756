"""Analyse a question's words: its form, the kind of thing that would answer it, and its parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from rag.language.grammar import ENGLISH
from rag.language.identify import detect_short
from rag.language.words import content_terms, fold, names, numbers

_OPENING = r"^(?:[^,?]{0,60}, )?(?:and |but |so |or )?"
_AUXILIARY = (
    r"(?:did|does|do|is|are|was|were|has|have|had|can|could|will|would|should|may|might|must)(?:n't)?\b(?! not to\b)"
)
_YES_NO = re.compile(_OPENING + _AUXILIARY)
_SAYING = (
    r"(?:say|said|think|want|promise|vow|plan|argue|claim|warn|announce|propose|hope|tell|call for|demand|ask|respond)"
)
_OPEN = re.compile(
    r"\bwhy\b|\bhow come\b|\bwhat (?:.* )?for\b\W*$|\breasons?\b|\bwhat (?:made|led|caused|happened)\b|\bin what way\b"
    + rf"|{_OPENING}how (?:did|does|do|was|were|is|are|has|have|had|would|will|could|can)\b"
    + r"|\bwhat (?:was|were|is|are) .*\b(?:response|reaction|excuse|explanation|opinion|view)\b"
    + r"|\bwhat (?:is|are|was|were) (?:the|his|her|its|their|this|that|a|an) .*\babout\W*$"
    + r"|\bwhat (?:else )?(?:did|does|do|has|have|had|was|were|is|would|will) .*"
    + rf"\b{_SAYING}\b"
)
_REASON = re.compile(r"\bwhy\b|\bhow come\b|\bwhat (?:.* )?for\b\W*$|\breasons?\b|\bwhat (?:made|led|caused)\b")
_PART = re.compile(
    r"(?:,? and|;) (?=(?:to |for |with |by |in |on |at |from )?(?:who|whom|whose|what|when|where|why|how|which)\b)"
)
_LEANS_BACK = re.compile(r"\b(?:it|its|they|them|their|he|him|his|she|her|there|this|that|these|those)\b")
# A clause of time: "after it hit the pier".
_WHILE = re.compile(r",? (?:after|before|when|while|since|once|until|during|following)\b[^?]*", re.IGNORECASE)
# Questions for everything that the articles say about something.
_TOPIC = re.compile(
    r"(?:and |so )?(?:please |can you |could you )?"
    r"(?:what (?:do|does|did|else do) (?:the|these|those|your|all|all the)"
    r" (?:articles?|news|reports?|papers?|sources|stories|texts?|documents?|archive|library)"
    r"(?: all)? (?:say|tell(?: us| me)?|report|mention|write|have)"
    r"|what (?:is|was|has been) (?:said|known|reported|written)(?: in the (?:articles|news|reports))?"
    r"|what (?:do|can) (?:we|you|i) (?:know|tell me|say|learn|read)"
    r"|(?:tell|give) me(?: more| something| everything| all| an overview)?"
    r"|summari[sz]e what (?:is|was|the articles) (?:said|say))"
    r" (?:about|on|of|regarding|concerning) (?P<topic>.+?)\W*$"
)
# Questions about what one particular source said.
_TOLD_BY = re.compile(
    r"\baccording to (?:the )?(?P<source>[^,;?]+)"
    r"|\b(?:did|does|do) (?:the )?(?P<teller>[\w&.'’ -]{2,40}?) (?:say|report|give|put|write|describe|print)\b"
    r"|\bin (?:the )?(?P<owner>[\w&. -]{2,40}?)['’]s? (?:report|article|account|story|version)\b",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"\bhow (?:many|much|old|far|long|tall|big|large|high|fast|often)\b|\b(?:share|number|amount|percentage)\b"
)
_TIME = re.compile(r"\bwhen\b|\b(?:what|which) (?:year|day|date|month|century|decade|time)\b")
_TENSE = re.compile(r"\b(?:did|was|were|has|had|have|will)\b")
_NAME = re.compile(
    r"\bwho(?:m|se|s)?\b|\bwhere\b|\b(?:what|which) (?:country|city|place|town|region|river|state|part)\b"
)
_AMOUNTS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundreds?|thousands?|millions?|billions?|dozens?|half"
    r"|percent)\b"
)
_TIMES = re.compile(
    r"\b(?:1[5-9]\d\d|20\d\d|january|february|march|april|may|june|july|august|september|october|november|december|monday"
    r"|tuesday|wednesday|thursday|friday|saturday|sunday|yesterday|today|tomorrow|century|weeks?|months?|years?|days?|hours?"
    r"|early|late|since|until|before|after)\b"
)
_REASONS = re.compile(r"\b(?:because|due to|so that|in order|as a result|led to|leading|since)\b")


class Form(Enum):
    """How a question is answered: with a few words, with a whole statement, or with yes or no."""

    SHORT = "short"
    OPEN = "open"
    YES_NO = "yes_no"


def form(question: str) -> Form:
    """Return the form of a question; short for a choice ("by phone or by video") and for any in another language."""
    if detect_short(question) not in ("", ENGLISH):
        return Form.SHORT  # German "was" asks for a thing
    asked = fold(question).strip()
    if _YES_NO.match(asked) and " or " not in asked:
        return Form.YES_NO
    return Form.OPEN if _OPEN.search(asked) else Form.SHORT


def topic(question: str) -> str | None:
    """Return the topic of a question such as "What do the articles say about the ferry?"; None for other questions."""
    question = question.strip()
    asked = _TOPIC.match(fold(question))
    if asked is None or re.search(r"\b(?:who|whom|whose|what|when|where|why|how|which|whether)\b", asked["topic"]):
        return None
    # Keep the typed form, because capitals mark names, unless folding changed the number of characters.
    return question[asked.start("topic") : asked.end("topic")] if len(asked.string) == len(question) else asked["topic"]


def parts(question: str) -> list[str]:
    """Return the questions contained in one: "Who runs it, and what does it cost?" gives two.

    Every part has its own question word and ends in a question mark.
    """
    pieces = [piece.strip(" ,;?") for piece in _PART.split(question)]
    if len(pieces) < 2 or not all(re.search(r"\bwh\w+|\bhow\b", fold(piece)) for piece in pieces):
        return [question]
    return [f"{piece[0].upper()}{piece[1:]}?" for piece in pieces]


def main_clause(question: str) -> str:
    """Return a question without its clauses of time, such as "after it hit the pier"."""
    shorter = _WHILE.sub("", question)
    return shorter if len(content_terms(shorter)) > 1 else question


def leans_on(part: str, before: str) -> bool:
    """Return whether a part of a question depends on the answer to the part before: "how many work there"."""
    return bool(_LEANS_BACK.search(fold(part)) and re.search(r"\b(?:which|where)\b", fold(before)))


def looked_up(asked: Sequence[str]) -> list[str]:
    """Return the words to search with for each part of a question: "there" needs the parts before it."""
    return [" ".join(asked[: n + 1]) if n and _LEANS_BACK.search(fold(part)) else part for n, part in enumerate(asked)]


def own_words(question: str) -> str:
    """Return a follow-up without the question before it, which a conversation puts after it: "Who else? (Who won?)"."""
    return question.split(" (", 1)[0] if question.endswith("?)") else question


def told_by(question: str) -> str | None:
    """Return the source whose account a question asks for, such as "the Courier" or a person, or None."""
    found = _TOLD_BY.search(question)
    return next(filter(None, found.groups()), None) if found else None


def holds_kind(question: str, sentence: str) -> bool:
    """Return whether a sentence has the kind of thing that a question asks for: an amount, a time, a name, a reason.

    Amounts and names in the question itself do not count. False for questions that ask for none of these.
    """
    asked, text = fold(question), fold(sentence)
    if _AMOUNT.search(asked):
        return bool(numbers(sentence) - numbers(question) or _AMOUNTS.search(text))
    if _TIME.search(asked):
        return bool(_TIMES.search(text))
    if _REASON.search(asked):
        return bool(_REASONS.search(text))
    if _NAME.search(asked):
        return bool(set(names(sentence)) - set(content_terms(question)))
    return False


def values(question: str, text: str) -> set[str]:
    """Return the amounts or times in a text if a question asks for these; empty for other questions."""
    asked, said = fold(question), fold(text)
    if _AMOUNT.search(asked):
        return numbers(text)
    if _TIME.search(asked):
        return numbers(text) | set(_TIMES.findall(said))
    return set()


def asks_reason(question: str) -> bool:
    """Return whether a question asks for a reason or a purpose."""
    return bool(_REASON.search(fold(question)))


def lacks_reason(question: str, sentence: str) -> bool:
    """Return whether a question asks for a reason and the sentence gives none by its words."""
    return asks_reason(question) and not holds_kind(question, sentence)


def asks_time(question: str) -> bool:
    """Return whether a question asks for a time."""
    return bool(_TIME.search(fold(question)))


def in_past(question: str) -> bool | None:
    """Return whether a question in English asks about the past; False for what is to come, None if it does not say."""
    found = _TENSE.search(fold(question))
    return None if found is None else found[0] != "will"
