"""Build example questions from the library's articles with patterns: always the same ones, and without a model.

A question is offered only if a sentence states its answer explicitly: an amount that someone announced, a number of
people to whom something happened, who holds an office, or what someone said. An article without such a sentence gives
no question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rag import Document, Engine, RagError

MOST = 3
_LOOKED_AT = 40  # articles; the limit keeps the cost the same for large libraries
_CHARS = 20_000  # of each article
_SENTENCE = re.compile(r"[^\n.!?]+(?:[.!?](?![\s\"”’)])[^\n.!?]*)*[.!?]?")
_NAME = r"[A-Z][\w’'-]*[a-z](?: [A-Z][\w’'-]*[a-z]){0,3}"
_NUMBER = r"\d{1,3}(?:[,.]\d{3})+|\d+"
_INFINITIVES = {
    "announced": "announce",
    "pledged": "pledge",
    "promised": "promise",
    "donated": "donate",
    "offered": "offer",
    "approved": "approve",
    "raised": "raise",
    "invested": "invest",
    "lost": "lose",
    "spent": "spend",
    "paid": "pay",
    "received": "receive",
}
_AMOUNT = re.compile(
    rf"\b(?P<who>{_NAME}) (?:has |have |had )?(?:\w+ly )?(?P<did>{'|'.join(_INFINITIVES)}) (?:[a-z]+ ){{0,2}}"
    rf"(?:US ?)?[$€£] ?[\d.,]+ ?(?:million|billion|trillion)? in (?P<what>[a-z][\w’' -]{{3,60}}?)"
    r"(?=[,.;]|$| which| that)"
)
_PEOPLE = re.compile(
    rf"\b(?:{_NUMBER}) (?P<who>(?:[A-Za-z]+ )?(?:people|children|women|men|workers|soldiers|migrants|students|patients"
    r"|residents|players|passengers|civilians|[A-Z][a-z]+ans)) "
    r"(?P<did>(?:have|had|were|are) (?:been )?[a-z]+(?:ed|en|ied|ost|ft))(?P<rest>(?: [\w’'-]+){0,8}?)(?=[,.;]|$)"
)
_OFFICE = re.compile(
    rf"(?<!former )(?<!ex-)\b(?!Republican)(?P<place>[A-Z][a-z]+(?:an|ish|ese|i|ian))(?:’s|'s)? "
    r"(?P<office>(?:[Ff]oreign|[Pp]rime|[Dd]efen[cs]e|[Ff]inance|"
    r"[Hh]ealth|[Ii]nterior) [Mm]inister|[Pp]resident|[Cc]hancellor) "
    rf"(?P<who>{_NAME})\b"
)
_SAID = re.compile(rf"\b(?P<who>{_NAME}) (?:also )?(?P<did>said|wrote|tweeted|told)\b")
_NO_NAME = re.compile(
    r"^(?:The|A|An|In|On|At|But|And|He|She|It|They|We|I|This|That|These|Those|As|If|When|While|Mr|Ms|Mrs|President|After"
    r"|Before|Officials?|Authorities|Police|Some|Many|Most|Who|What|One|Two|There)\b"
)


def examples(engine: Engine) -> tuple[str, ...]:
    """Return up to three questions that the library answers, of different kinds and articles if possible."""
    stated = [(kind, question, d.id) for d in _documents(engine) for kind, question in _questions(d.text[:_CHARS])]
    picked: dict[str, str] = {}  # question: article
    for ask_again in (False, True):  # repeat a kind or an article only if nothing else is left
        for wanted in _KINDS:
            for kind, question, article in stated:
                fresh = question not in picked and (ask_again or article not in picked.values())
                if kind == wanted and fresh and len(picked) < MOST:
                    picked[question] = article
                    break
    return tuple(picked)


def _documents(engine: Engine) -> Iterator[Document]:
    for source in engine.sources()[:_LOOKED_AT]:
        try:
            yield engine.document(source.id)
        except RagError:  # the article was removed in the meantime
            continue


def _questions(text: str) -> Iterable[tuple[str, str]]:
    """Yield (kind, question) for facts in the text, the most reliable kinds first."""
    sentences = [" ".join(match.group().split()) for match in _SENTENCE.finditer(text)]
    for kind, (pattern, ask) in _KINDS.items():
        for sentence in sentences:
            match = pattern.search(sentence)
            if match and (question := ask(match)):
                yield kind, question


def _ask_amount(m: re.Match[str]) -> str:
    if _NO_NAME.match(m["who"]):
        return ""
    return f"How much {m['what'].strip()} did {m['who']} {_INFINITIVES[m['did']]}?"


def _ask_people(m: re.Match[str]) -> str:
    return f"How many {m['who']} {m['did']}{m['rest']}?"


def _ask_office(m: re.Match[str]) -> str:
    if _NO_NAME.match(m["who"]):
        return ""
    return f"Who is the {m['place']} {m['office'].lower()}?"


def _ask_said(m: re.Match[str]) -> str:
    if _NO_NAME.match(m["who"]) or " " not in m["who"]:
        return ""
    return f"What did {m['who']} say?" if m["did"] != "tweeted" else f"What did {m['who']} tweet?"


# The most reliable first.
_KINDS = {
    "amount": (_AMOUNT, _ask_amount),
    "people": (_PEOPLE, _ask_people),
    "office": (_OFFICE, _ask_office),
    "said": (_SAID, _ask_said),
}
