"""Check each statement of a small model's `Draft`: find the sentences that say it, and note what speaks against it.

Nothing here refuses a statement that shares words with a sentence. What speaks against it are signals for
`rag.answering.confidence`, which weighs them together with the others.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.answering.phrasing import NO, YES, YES_NO, given, tidied
from rag.answering.verify import finds_nothing
from rag.answering.verify_by_words import supported
from rag.language.characters import usual
from rag.language.grammar import ENGLISH
from rag.language.opposites import contrary, denies
from rag.language.questions import Form, form, main_clause
from rag.language.words import SLIGHT, content_terms, fold, initials, names, numbers, same_name, split_sentences
from rag.types import Draft, Evidence

_AMOUNT = re.compile(
    r"\d|\b(?:no|none|nobody|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty"
    r"|fifty|sixty|seventy|eighty|ninety|half|all|both|several|few|many|most|hundreds?|thousands?|millions?|billions?|dozens?"
    r"|once|twice|never|nothing|free|little|less|more|doubl\w+|tripl\w+|quarters?|thirds?|fifths?|tenths?)\b"
)
_MAX_CITATIONS = 3  # for one statement
# Mean token probability below which the model may have picked the wrong words from a sentence; higher for a follow-up,
# because its question may be wrong as well.
_SURE, _SURE_OF_GUESS = 0.75, 0.9
_SLIGHT = frozenset(content_terms(" ".join(SLIGHT)))


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement as it would be shown, the sentences that say it, and what speaks against it.

    `found` has each sentence with the share of the statement's words that it has. `signals` are in [0, 1], 0 where
    nothing speaks against the statement.
    """

    text: str
    found: tuple[tuple[Evidence, float], ...]
    signals: Mapping[str, float] = dataclasses.field(default_factory=dict)


def check(
    question: str,
    draft: Draft,
    evidence: Sequence[Evidence],
    read: Callable[[str], str],
    aliases: Mapping[str, frozenset[str]] | None = None,
    follow_up: bool = False,
    language: str = ENGLISH,
) -> list[Checked]:
    """Return the statements of a draft that share words with the evidence; none if the draft is no answer.

    Args:
        question: The stand-alone question.
        draft: What the model said. Its own markers are dropped.
        evidence: The sentences shown to the model.
        read: Returns the text of the document with the given id.
        aliases: For each acronym in the question, the terms of its full name; half of them are enough for a match.
        follow_up: Whether the question is a guess at what a follow-up means.
        language: The question's language as an ISO 639-1 code; outside of English, only words and numbers are
            compared, and what they do not support is left out.
    """
    if finds_nothing(question, draft.text) or not evidence:
        return []
    text = tidied(draft.text, evidence)
    if language != ENGLISH:
        return [
            Checked(usual(statement), ((sentence, support),))
            for statement, sentence, support in supported(text, evidence, language)
        ]
    sure = _SURE_OF_GUESS if follow_up else _SURE
    unsure = form(question) is Form.SHORT and draft.confidence is not None and draft.confidence < sure
    found = []
    for statement in split_sentences(text):
        one = _checked(statement, question, evidence, read, aliases or {})
        shown = given(statement, question, [e for e, _ in one.found], unsure) if one.found else None
        if shown is not None:
            words, whole = usual(shown[0]), shown[1]
            found.append(dataclasses.replace(one, text=words, found=one.found[:1] if whole else one.found))
    return found


def _checked(
    statement: str,
    question: str,
    evidence: Sequence[Evidence],
    read: Callable[[str], str],
    aliases: Mapping[str, frozenset[str]],
) -> Checked:
    asked = set(content_terms(question))
    claimed = set(content_terms(YES_NO.sub("", statement, count=1)))
    new = claimed - asked
    yes_no = form(question) is Form.YES_NO
    # Words that only repeat the question prove nothing. A bare yes or no needs the question's words, except those that
    # say when: `given` checks these.
    own = new or (not yes_no and claimed) or set(content_terms(main_clause(question)))
    views = [(e, set(content_terms(e.in_context))) for e in evidence]
    chosen: list[tuple[Evidence, set[str]]] = []
    left = set(own)
    while left and len(chosen) < _MAX_CITATIONS:
        rest = [view for view in views if view not in chosen]
        best = max(rest, key=lambda view: _gain(view, left, asked), default=None)
        if best is None or not _covered(left, best[1]):
            break
        chosen.append(best)
        left -= _covered(left, best[1])
    if not chosen:
        return Checked(statement, ())
    held = _covered(own, set().union(*(terms for _, terms in chosen)))
    if yes_no or not new:  # one word that says little may be worded differently
        own = own - set(sorted((own - held) & _SLIGHT)[:1])
    covered = min(1.0, len(held) / len(own)) if own else 1.0
    # A bare yes or no needs every word.
    unsaid = float(covered < 1) if yes_no and not new else 1 - covered
    signals = _against(statement, question, new, [e for e, _ in chosen], read, aliases)
    return Checked(
        statement,
        tuple(
            (sentence, _score(own, asked, terms, covered))
            for e, terms in chosen
            for sentence in _resting(e, own & terms, own | asked, read)
        ),
        signals | {"unsaid": unsaid},
    )


def _against(
    statement: str,
    question: str,
    new: set[str],
    chosen: Sequence[Evidence],
    read: Callable[[str], str],
    aliases: Mapping[str, frozenset[str]],
) -> dict[str, float]:
    """Return what speaks against a statement that rests on these sentences."""
    stated = " ".join(e.in_context for e in chosen)
    # What an article is about, and whose it is, may be said beside its text alone.
    cited = {e.document_id: f"{e.title}\n{e.publisher or ''}\n{read(e.document_id)}" for e in chosen}.values()
    near = list(cited)
    if YES.match(statement):
        # It matters who did it: a sentence elsewhere in the article may be about another person.
        near = [f"{e.title} {read(e.document_id)[e.passage.start : e.passage.end]}" for e in chosen]
    found = {
        "another_kind": not _fits(statement, question, new),
        "figures": not numbers(statement) <= numbers(stated),
        "asked_figures": not numbers(question) <= numbers(" ".join(cited)),
        "opposite": contrary(question, stated),
        "undenied": bool(NO.match(statement)) and not new and not denies(stated),
    }
    return {name: float(value) for name, value in found.items()} | {
        "asked_names": 1 - _names_met(names(question), near, aliases)
    }


def _resting(e: Evidence, claimed: set[str], wanted: set[str], read: Callable[[str], str]) -> list[Evidence]:
    """Return the sentence, and the context sentence as well (or instead) if the claim is made there."""
    told = set(content_terms(e.text))
    at = read(e.document_id).rfind(e.context, 0, e.start) if e.context and claimed - told else -1
    if at < 0:
        return [e]
    before = dataclasses.replace(e, text=e.context, context="", start=at, end=at + len(e.context), also=())
    return [e, before] if _covered(wanted, told) else [before]


def _fits(statement: str, question: str, new: set[str]) -> bool:
    """Return whether the statement can answer this form of question at all.

    "How many" and "how much" need an amount; "who", "what" or "why" need more than the question's own words.
    """
    asked = fold(question)
    if re.search(r"\bhow (?:many|much|old)\b", asked):
        return bool(_AMOUNT.search(fold(statement)))
    open_question = re.match(r"(?:who|whom|whose|what|when|where|why|how|which)\b", asked) and " or " not in asked
    return bool(new or not open_question)


def _gain(view: tuple[Evidence, set[str]], wanted: set[str], asked: set[str]) -> tuple[float, float]:
    evidence, terms = view
    met = len(_covered(wanted, terms)) / len(wanted) + 0.5 * len(_covered(asked, terms)) / (len(asked) or 1)
    return met, -evidence.rank


def _covered(wanted: set[str], terms: set[str]) -> set[str]:
    return {w for w in wanted if w in terms or any(same_name(w, t) for t in terms)}


def _score(own: set[str], asked: set[str], terms: set[str], covered: float) -> float:
    fit = len(_covered(asked, terms)) / len(asked) if asked else 1.0
    return round(min(1.0, covered * (0.5 + 0.5 * min(1.0, fit / 0.6))), 3)


def _names_met(wanted: Sequence[str], documents: Iterable[str], aliases: Mapping[str, frozenset[str]]) -> float:
    """Return the share of the question's names that occur in the cited documents; 1.0 if it has no names."""
    if not wanted:
        return 1.0
    texts = list(documents)
    terms = {term for text in texts for term in content_terms(text)}

    def met(name: str) -> bool:
        full = aliases.get(name, frozenset())
        known = name in terms or any(same_name(name, t) for t in terms)
        # Initials take long to find, and few names need them.
        return known or 2 * len(full & terms) >= len(full) > 0 or any(name in initials(text) for text in texts)

    return sum(map(met, wanted)) / len(wanted)
