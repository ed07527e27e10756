"""Make questions from articles by patterns, each with the place of its answer; no model is used.

In English articles, a sentence that states an amount, a number of people, who holds an office or what someone said
gives a question for that fact. In every language that `_ABOUT` has, names give questions about them, and so does the
title of an article without names. Whether the engine answers a question is for `ui.chat.suggest` to find out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from rag import Document
from ui.chat.reading import as_read

_CHARS = 20_000  # of each article
_TITLE_CHARS = 80  # a longer title makes no question that one reads at a glance
_SENTENCE = re.compile(r"[^\n.!?。！？؟।]+(?:[.!?](?![\s\"”’)])[^\n.!?。！？؟।]*)*[.!?。！？؟।]?")
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
    rf"(?P<answer>(?:US ?)?[$€£] ?[\d.,]+(?: ?(?:million|billion|trillion))?) in (?P<what>[a-z][\w’' -]{{3,60}}?)"
    r"(?=[,.;]|$| which| that)"
)
_PEOPLE = re.compile(
    rf"\b(?P<answer>{_NUMBER}) (?P<who>(?:[A-Za-z]+ )?(?:people|children|women|men|workers|soldiers|migrants|students"
    r"|patients|residents|players|passengers|civilians|[A-Z][a-z]+ans)) "
    r"(?P<did>(?:have|had|were|are) (?:been )?[a-z]+(?:ed|en|ied|ost|ft))(?P<rest>(?: [\w’'-]+){0,8}?)(?=[,.;]|$)"
)
_OFFICE = re.compile(
    rf"(?<!former )(?<!ex-)\b(?!Republican)(?P<place>[A-Z][a-z]+(?:an|ish|ese|i|ian))(?:’s|'s)? "
    r"(?P<office>(?:[Ff]oreign|[Pp]rime|[Dd]efen[cs]e|[Ff]inance|"
    r"[Hh]ealth|[Ii]nterior) [Mm]inister|[Pp]resident|[Cc]hancellor) "
    rf"(?P<who>(?P<answer>{_NAME}))\b"
)
_SAID = re.compile(rf"\b(?P<who>{_NAME}) (?:also )?(?P<did>said|wrote|tweeted|told)\b")
_NO_NAME = re.compile(
    r"^(?:The|A|An|In|On|At|But|And|He|She|It|They|We|I|This|That|These|Those|As|If|When|While|Mr|Ms|Mrs|President|After"
    r"|Before|Officials?|Authorities|Police|Some|Many|Most|Who|What|One|Two|There)\b"
)


# What asks for everything about a name or a title, by language. Function words only, where a language can do it:
# languages other than English are searched by their words.
_ABOUT = {
    "en": "What do the articles say about {}?",
    "ar": "ماذا عن {}؟",
    "da": "Hvad ved man om {}?",
    "de": "Was ist über {} bekannt?",
    "es": "¿Qué se sabe de {}?",
    "fr": "Que sait-on de {} ?",
    "it": "Che cosa si sa di {}?",
    "nl": "Wat is er bekend over {}?",
    "pt": "O que se sabe de {}?",
    "sv": "Vad är känt om {}?",
    "zh": "关于{}",
}
# Words inside a name that have no capital.
_PARTICLES = frozenset("al bin da de del della di do dos du el ibn la le van".split())
_ADJECTIVE = re.compile(r"(?:ian|ican|ean|ish|ese)$")  # "Central American" is no name by itself
_SHORT = 3  # letters
_QUOTES = "\"'“”‘’«»„"
_EDGES = f"{_QUOTES}()[]"
_ENDS = ",;:.!?"


@dataclass(frozen=True)
class Proposed:
    """A question that `document.text[start:end]` should answer.

    `kind` is amount, people, office, said, name or title. An answer to it quotes `says`, which is empty for facts.
    `answer` is the short answer to a fact, as the sentence says it; empty where there is none.
    """

    text: str
    kind: str
    document: str
    start: int
    end: int
    says: str = ""
    answer: str = ""


def facts(document: Document) -> Iterator[Proposed]:
    """Yield questions for the facts that an English article states, the most reliable kinds first."""
    if document.language not in ("", "en"):
        return
    sentences = [(m.start(), m.end(), " ".join(m.group().split())) for m in _sentences(document)]
    for kind, (pattern, ask) in _KINDS.items():
        for start, end, sentence in sentences:
            match = pattern.search(sentence)
            if match and (question := ask(match)):
                yield Proposed(question, kind, document.id, start, end, answer=match.groupdict().get("answer") or "")


def sentences(document: Document) -> Iterator[tuple[int, int]]:
    """Yield where each sentence of an article begins and ends, about as a reader would divide it."""
    for match in _sentences(document):
        text = match.group()
        if text.strip():
            yield match.start() + len(text) - len(text.lstrip()), match.end() - len(text) + len(text.rstrip())


def abouts(document: Document) -> Iterator[Proposed]:
    """Yield questions about the names in an article, the most frequent first, or about its title if it has no names."""
    wording = _ABOUT.get(document.language or "en")
    if not wording:
        return
    names = _names(document)
    for name in names:
        called = f"the {name}" if f"the {name}" in document.text[:_CHARS] else name
        yield Proposed(wording.format(called), "name", document.id, 0, len(document.text), name)
    title = as_read(document.title, document.source).strip(_QUOTES)
    if not names and 0 < len(title) <= _TITLE_CHARS and not title.endswith("…"):
        yield Proposed(wording.format(f"“{title}”"), "title", document.id, 0, len(document.text))


def _sentences(document: Document) -> Iterator[re.Match[str]]:
    return _SENTENCE.finditer(document.text, 0, _CHARS)


def _names(document: Document) -> list[str]:
    """Return the names of two words and more whose last word the article has again, the most frequent first."""
    words = Counter(word.strip(_EDGES + _ENDS) for word in document.text[:_CHARS].split())
    found: dict[str, str] = {}  # by the last word
    for sentence in _sentences(document):
        for name in _capitalised(sentence.group().split()):
            last = name.split()[-1]
            if words[last] > 1 and not (document.language in ("", "en") and _ADJECTIVE.search(last)):
                found.setdefault(last, name)
    return sorted(found.values(), key=lambda name: -words[name.split()[-1]])


def _capitalised(words: list[str]) -> Iterator[str]:
    """Yield the runs of two to four capitalised words after the first word of a sentence."""
    runs: list[list[str]] = [[]]
    for word in words[1:]:
        plain = word.strip(_EDGES + _ENDS)
        if _is_capitalised(plain) or (runs[-1] and plain in _PARTICLES and word == plain):
            runs[-1].append(plain)
            if len(plain) <= _SHORT and word.endswith("."):  # an abbreviation, such as Dr.
                runs[-1].clear()
            if not word.endswith(plain):  # a mark ends the name
                runs.append([])
        else:
            runs.append([])
    for run in runs:
        while run and run[-1] in _PARTICLES:
            run.pop()
        if 2 <= len(run) <= 4:
            yield " ".join(run)


def _is_capitalised(word: str) -> bool:
    return len(word) > 1 and word[0].isupper() and word[-1].islower() and word.replace("-", "").isalpha()


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
