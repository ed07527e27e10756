"""Check a `Draft`: each statement is compared with the sentences, then cited or dropped."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.answering.citation import cite
from rag.answering.phrasing import MARKERS, NAME, NO, YES, YES_NO, given, tidied
from rag.answering.verify_by_words import supported
from rag.language.characters import usual
from rag.language.grammar import ENGLISH
from rag.language.identify import detect_short, name
from rag.language.opposites import contrary, denies
from rag.language.questions import Form, form, main_clause
from rag.language.readable import readable
from rag.language.words import SLIGHT, content_terms, fold, initials, names, numbers, same_name, split_sentences
from rag.models.prompts import UNKNOWN
from rag.types import Citation, Draft, Evidence, Statement

NOT_SAID = "The articles do not say."
DIFFERS = "sources differ, another one says:"
_REFUSAL = re.compile(
    r"(?:the (?:text|sentences?|articles?|passages?|context)|it|this|that|there)"
    r" (?:do(?:es)? not|doesn't|don't|is no|are no|is not|isn't)"
    r" .{0,40}?(?:say|mention|state|provide|specif|contain|information|given|answer|known)"
    r"|(?:i )?(?:do not|don't|cannot|can't) (?:know|determine|answer|find)"
    r"|no (?:information|answer|mention)|not (?:mentioned|stated|specified|provided|given|known|said|available)"
)
_UNKNOWN = re.compile(rf"{UNKNOWN}(?:$|\s*[^\w\s])")
_AMOUNT = re.compile(
    r"\d|\b(?:no|none|nobody|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty"
    r"|fifty|sixty|seventy|eighty|ninety|half|all|both|several|few|many|most|hundreds?|thousands?|millions?|billions?|dozens?"
    r"|once|twice|never|nothing|free|little|less|more|doubl\w+|tripl\w+|quarters?|thirds?|fifths?|tenths?)\b"
)
# "A concrete pier" does not say which pier.
_WHICH = re.compile(r"\bwhich (?P<kind>[\w'’-]+)")
_SOME = re.compile(r"(?:an?|another|some|one of \w+)(?: [\w'’-]+){0,3}? (?P<kind>[\w'’-]+)")
_PLACED = re.compile(rf"\b(?P<where>[Ii]n|[Aa]t|[Ff]rom|[Nn]ear) (?:the )?(?P<name>{NAME})")
# Share of a statement's own words that its sentences must have; more if it only repeats the question.
MIN_COVERAGE, _ECHO = 0.6, 0.75
_MAX_CITATIONS = 3  # for one statement
# Mean token probability below which the model may have picked the wrong words from a sentence; higher for a follow-up,
# because its question may be wrong as well.
_SURE, _SURE_OF_GUESS = 0.75, 0.9
_SLIGHT = frozenset(content_terms(" ".join(SLIGHT)))
_MARKER = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The supported part of a draft, with markers and citations, or a refusal that names what is missing.

    `support` in [0, 1] is how far the sentences support the weakest statement; 0 for a refusal. `unconfirmed` is what
    the model said and the sentences do not confirm.
    """

    text: str
    citations: tuple[Citation, ...]
    abstained: bool
    support: float = 0.0
    statements: tuple[Statement, ...] = ()
    unconfirmed: tuple[str, ...] = ()


def refusal(missing: Sequence[str] = (), unconfirmed: Sequence[str] = ()) -> Verdict:
    """Return the verdict of an abstention.

    Args:
        missing: Words of the question that occur in no article, as the reader typed them.
        unconfirmed: What the model said.
    """
    text = f"The articles do not mention {_join(missing)}." if missing else NOT_SAID
    return Verdict(text, (), abstained=True, unconfirmed=tuple(unconfirmed))


def other_language(question: str, languages: Sequence[str]) -> Verdict:
    """Return the verdict on a question in a language that no article is in.

    Args:
        question: The question.
        languages: ISO 639-1 codes of the articles' languages.
    """
    asked, held = name(detect_short(question)), _join([name(language) for language in languages])
    return Verdict(f"The articles are in {held}, the question is in {asked}. Ask in {held}.", (), abstained=True)


def told(evidence: Sequence[Evidence]) -> Verdict:
    """Return sentences verbatim, each cited; this claims only that the articles say so."""
    shown = [e for e in evidence if not MARKERS.search(e.text)]  # an article's own brackets must not look like markers
    citations = [cite(n, e, 1.0) for n, e in enumerate(shown, 1)]
    text = " ".join(f"{readable(c.quote)} [{c.marker}]" for c in citations)
    return Verdict(text, tuple(citations), False, 1.0) if citations else refusal()


def verify(
    question: str,
    draft: Draft,
    evidence: Sequence[Evidence],
    read: Callable[[str], str],
    aliases: Mapping[str, frozenset[str]] | None = None,
    follow_up: bool = False,
    language: str = ENGLISH,
) -> Verdict:
    """Return the draft's supported statements with their citations, renumbered in order of first use.

    Args:
        question: The stand-alone question.
        draft: What the model said. Its own markers are dropped; the sentences that support a statement set the markers.
        evidence: The sentences shown to the model.
        read: Returns the text of the document with the given id.
        aliases: For each acronym in the question, the terms of its full name; half of them are enough for a match.
        follow_up: Whether the question is a guess at what a follow-up means.
        language: The question's language as an ISO 639-1 code; outside of English, words and numbers are checked alone.
    """
    if finds_nothing(question, draft.text) or not evidence:
        return refusal()
    if language != ENGLISH:
        return _by_words(draft, evidence, language)
    asked = set(content_terms(question))
    asked_for = form(question)
    sure = _SURE_OF_GUESS if follow_up else _SURE
    unsure = asked_for is Form.SHORT and draft.confidence is not None and draft.confidence < sure
    parts: list[str] = []
    citations: list[Citation] = []
    for statement in split_sentences(tidied(draft.text, evidence)):
        found = _support(statement, question, asked, evidence, read, aliases or {})
        if not found:
            continue
        shown = given(statement, question, [e for e, _ in found], unsure)
        if shown is None:
            continue
        words, whole = usual(shown[0]), shown[1]
        found = found[:1] if whole else found
        markers = [marker_of(citations, e, support) for e, support in found]
        cited = f"{words} " + "".join(f"[{m}]" for m in sorted(markers))
        if cited not in parts:
            parts.append(cited)
    if not parts:
        return refusal()
    return Verdict(" ".join(parts), tuple(citations), False, min(c.support for c in citations))


def _by_words(draft: Draft, evidence: Sequence[Evidence], language: str) -> Verdict:
    parts: list[str] = []
    citations: list[Citation] = []
    for statement, sentence, support in supported(tidied(draft.text, evidence), evidence, language):
        parts.append(f"{usual(statement)} [{marker_of(citations, sentence, support)}]")
    return Verdict(" ".join(parts), tuple(citations), False, min(c.support for c in citations)) if parts else refusal()


def combine(asked: Sequence[str], verdicts: Sequence[Verdict]) -> Verdict:
    """Combine the verdicts on the parts of one question; parts without an answer are named."""
    if len(verdicts) == 1:
        return verdicts[0]
    if all(verdict.abstained for verdict in verdicts):
        return refusal()
    citations: list[Citation] = []
    texts: list[str] = []
    for question, verdict in zip(asked, verdicts, strict=True):
        if verdict.abstained:
            texts.append(f"The articles do not say: “{question}”")
            continue
        numbers: dict[int, int] = {}
        for citation in verdict.citations:
            numbers[citation.marker] = _renumber(citations, citation)
        texts.append(_MARKER.sub(lambda m, known=numbers: f"[{known[int(m.group(1))]}]", verdict.text))  # type: ignore[misc]
    text = "; ".join(t.rstrip(".") if i + 1 < len(texts) else t for i, t in enumerate(texts))
    return Verdict(text, tuple(citations), False, min(v.support for v in verdicts if not v.abstained))


def differing(said: Verdict, other: Verdict) -> Verdict:
    """Return a verdict that gives the answers of two sources that disagree, and cites both."""
    citations = list(said.citations)
    known = {citation.marker: _renumber(citations, citation) for citation in other.citations}
    text = _MARKER.sub(lambda m: f"[{known[int(m.group(1))]}]", other.text)
    return Verdict(
        f"{said.text.rstrip('.')}; {DIFFERS} {text}", tuple(citations), False, min(said.support, other.support)
    )


def _renumber(citations: list[Citation], citation: Citation) -> int:
    for known in citations:
        if (known.document_id, known.start) == (citation.document_id, citation.start):
            return known.marker
    citations.append(dataclasses.replace(citation, marker=len(citations) + 1))
    return len(citations)


def unmarked(text: str) -> str:
    """Return an answer's text without its markers."""
    return re.sub(r"\s*\[\d+\]", "", text)


def finds_nothing(question: str, text: str) -> bool:
    """Return whether a model's words are no answer: a refusal, the question again, or "a pier" to "which pier"."""
    said = fold(YES_NO.sub("", text.strip(), count=1)).strip(" .?!")
    if is_refusal(text) or said == fold(question).strip(" .?!"):
        return True
    kind, some = _WHICH.search(fold(question)), _SOME.fullmatch(said)
    return bool(kind and some and content_terms(some["kind"]) == content_terms(kind["kind"]))


def is_refusal(text: str) -> bool:
    """Return whether a model's words mean "the sentences do not say"."""
    folded = fold(text).strip(" .\"'")
    return not folded or bool(_UNKNOWN.match(folded) or _REFUSAL.match(folded))


def _support(
    statement: str,
    question: str,
    asked: set[str],
    evidence: Sequence[Evidence],
    read: Callable[[str], str],
    aliases: Mapping[str, frozenset[str]],
) -> list[tuple[Evidence, float]]:
    """Return the few sentences that support the statement, each with its support; none if it is unsupported."""
    claimed = set(content_terms(YES_NO.sub("", statement, count=1)))
    new = claimed - asked
    if not _fits(statement, question, new):
        return []
    yes_no = form(question) is Form.YES_NO
    # Words that only repeat the question prove nothing. A bare yes or no needs all of the question's words, except
    # those that say when: `given` checks these.
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
    together = set().union(*(terms for _, terms in chosen)) if chosen else set()
    held = _covered(own, together)
    if yes_no or not new:  # one word that says little may be worded differently
        own = own - set(sorted((own - held) & _SLIGHT)[:1])
    covered = len(held) / len(own) if own else 0.0
    stated = " ".join(e.in_context for e, _ in chosen)
    if (
        covered < (MIN_COVERAGE if new else 1.0 if yes_no else _ECHO)
        or not numbers(statement) <= numbers(stated)
        or contrary(question, stated)
        or (NO.match(statement) and not new and not denies(stated))
        or _elsewhere(question, " ".join(f"{e.title} {e.in_context}" for e, _ in chosen), aliases)
    ):
        return []
    # What an article is about, and whose it is, may be said beside its text alone.
    cited = {e.document_id: f"{e.title}\n{e.publisher or ''}\n{read(e.document_id)}" for e, _ in chosen}.values()
    if not numbers(question) <= numbers(" ".join(cited)):
        return []  # the question is about another amount, date or event
    fit = _names_met(names(question), cited, aliases)
    if YES.match(statement):
        # It matters who did it: a sentence elsewhere in the article may be about another person.
        around = [f"{e.title} {read(e.document_id)[e.passage.start : e.passage.end]}" for e, _ in chosen]
        fit = float(_names_met(names(question), around, aliases) == 1)
    if fit <= 0:
        return []
    return [
        (sentence, _score(own, asked, terms, covered * fit))
        for e, terms in chosen
        for sentence in _resting(e, own & terms, own | asked, read)
    ]


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


def _elsewhere(question: str, stated: str, aliases: Mapping[str, frozenset[str]]) -> bool:
    """Return whether sentences are about a different place from the question, such as Orrin instead of Tessin."""
    asked = set(content_terms(question))
    for place in _PLACED.finditer(question):
        if _names_met(names(f"in {place['name']}"), [stated], aliases) == 0:
            others = [other for other in _PLACED.finditer(stated) if other["where"].lower() == place["where"].lower()]
            if any(not asked & set(content_terms(other["name"])) for other in others):
                return True
    return False


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
    terms = {term for text in documents for term in content_terms(text)}
    short = {letters for text in documents for letters in initials(text)}

    def met(name: str) -> bool:
        full = aliases.get(name, frozenset())
        known = name in terms or name in short or any(same_name(name, t) for t in terms)
        return known or 2 * len(full & terms) >= len(full) > 0

    return sum(map(met, wanted)) / len(wanted) if wanted else 1.0


def marker_of(citations: list[Citation], e: Evidence, support: float) -> int:
    """Return the marker of a sentence, which is added to the citations if it is not among them."""
    for index, known in enumerate(citations):
        if (known.document_id, known.start) == (e.document_id, e.start):
            citations[index] = known if known.support >= support else cite(known.marker, e, support)
            return known.marker
    citations.append(cite(len(citations) + 1, e, support))
    return len(citations)


def _join(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"
