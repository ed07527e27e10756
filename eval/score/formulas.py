"""Compute the scores of one question, with one function per score that gives its formula and source."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

import ir_measures
from ir_measures import RR, Qrel, ScoredDoc, nDCG

from eval.datasets.dataset import GoldPlace, Question
from rag import Answer, Citation, Evidence, RagError, is_refusal

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_MARKER = re.compile(r"\s*\[\d{1,4}\]")
_STATEMENT = re.compile(r"(?P<words>.*?)(?P<markers>(?:\s*\[\d{1,4}\])+|\Z)", re.DOTALL)
_YES_NO = re.compile(r"\W*(?:yes|no)\s*(?:[^\w\s]|\Z)", re.IGNORECASE)
_SIGNS = string.punctuation + "“”‘’—–…€£¥₹"  # string.punctuation includes the dollar
_SPACED = {ord(c): " " for c in _SIGNS}

Fact = Sequence[GoldPlace]  # all places that state the fact


def plain(answer: Answer) -> str:
    """Return the answer's text without markers; empty for an abstention, as in SQuAD 2.0's scoring."""
    return "" if answer.abstained else _MARKER.sub("", answer.text)


def normalise(text: str) -> str:
    """Return `text` in lower case without accents, punctuation, articles, extra space (as SQuAD) or currency signs."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    squad = "".join(" " if c in "-–—/" else c for c in bare.lower())
    squad = "".join(c for c in squad if c not in _SIGNS)
    return " ".join(_ARTICLES.sub(" ", squad).split())


def exact_match(text: str, accepted: Sequence[str]) -> float:
    """Return 1.0 when the normalised text equals an accepted answer, or is empty and none is accepted (SQuAD)."""
    return float(any(normalise(text) == normalise(a) for a in accepted or ("",)))


def token_f1(text: str, accepted: Sequence[str]) -> float:
    """Return the best F1 of the words shared with an accepted answer; 1.0 when both are empty (SQuAD).

    With s shared words, f found words and a accepted words: 2s / (f + a). A word counts as often as both sides have it.
    """
    return max(_f1(normalise(text).split(), normalise(a).split()) for a in accepted or ("",))


def gold_recall(text: str, accepted: Sequence[str]) -> float:
    """Return the share of an accepted answer's words that the text contains, for the best accepted answer."""
    found = normalise(text).split()
    return max(_recall(found, normalise(a).split()) for a in accepted)


def _f1(found: list[str], gold: list[str]) -> float:
    if not found or not gold:
        return float(found == gold)
    return 2 * _shared(found, gold) / (len(found) + len(gold))


def _recall(found: list[str], gold: list[str]) -> float:
    return _shared(found, gold) / len(gold) if gold else float(not found)


def _shared(found: list[str], gold: list[str]) -> int:
    return sum((Counter(found) & Counter(gold)).values())


def holds_keys(text: str, keys: Sequence[Sequence[str]]) -> bool:
    """Return whether the text contains one alternative of every key as whole words."""
    views = [f" {normalise(text)} ", f" {normalise(text.translate(_SPACED))} "]
    return all(any(f" {normalise(alternative)} " in view for alternative in key for view in views) for key in keys)


def correct(question: Question, answer: Answer) -> bool:
    """Return whether the answer is right.

    A right answer contains one alternative of every key as whole words or, if the question has no keys, an accepted
    answer. If the question must be refused, only a refusal is right. A message that asks for no fact: see `sensible`.
    """
    if question.is_talk:
        return sensible(question, answer)
    if question.must_refuse:
        return answer.abstained
    return not answer.abstained and holds_keys(plain(answer), question.keys or [question.answers])


def sensible(question: Question, answer: Answer) -> bool:
    """Return whether a reply to a message that asks for no fact is a sensible one.

    It contains one alternative of every key and nothing that is forbidden, and it does not say that the articles do not
    say. It cites every needed fact, and nothing if none is needed: "hello" is answered without a source.
    """
    said = _MARKER.sub("", answer.text)
    if is_refusal(said) or not holds_keys(said, question.keys):
        return False
    if any(holds_keys(said, [[words]]) for words in question.forbidden):
        return False
    return citation_recall(question, answer) == 1.0 if question.evidence else not answer.citations


def retrieval(facts: Sequence[Fact], ranked: Sequence[Evidence]) -> dict[str, float | None]:
    """Return evidence recall at 1, 3 and 5, the reciprocal rank and nDCG at 10 of a ranking.

    A fact is one relevant item, regardless of how many places state it and how often they are found. An item finds a
    fact if it, or a twin folded into it, shares a character with one of its places. Recall at k is the share of facts
    that the first k items find. For the other two (ir-measures; a fact's relevance is its gain), an item that finds
    several facts takes that many ranks, and an item that finds only facts found above it takes none. So the sentences
    of a document that is relevant as a whole count as one item, at the position of the first.
    """
    names = [f"evidence_recall@{k}" for k in (1, 3, 5)] + ["reciprocal_rank", "ndcg@10"]
    if not facts:
        return dict.fromkeys(names)
    recall = [sum(any(states(item, fact) for item in ranked[:k]) for fact in facts) / len(facts) for k in (1, 3, 5)]
    items = _relevant(facts, ranked)
    relevance = [Qrel("q", f"fact {number}", _relevance(fact)) for number, fact in enumerate(facts)]
    run = [ScoredDoc("q", item, float(len(items) - place)) for place, item in enumerate(items)]
    found = {str(m.measure): float(m.value) for m in ir_measures.iter_calc([RR, nDCG @ 10], relevance, run)}
    return dict(zip(names, [*recall, found["RR"], found["nDCG@10"]], strict=True))


def _relevant(facts: Sequence[Fact], ranked: Sequence[Evidence]) -> list[str]:
    """Return the ranking as ids for ir-measures: each fact where it is first found, and items that find no fact."""
    items: dict[str, None] = {}
    for number, item in enumerate(ranked):
        stated = [(-_relevance(fact), f"fact {n}") for n, fact in enumerate(facts) if states(item, fact)]
        items.update(dict.fromkeys([name for _, name in sorted(stated)] or [f"other {number}"]))
    return list(items)


def _relevance(fact: Fact) -> int:
    return max(place.relevance for place in fact)


def citation_precision(question: Question, answer: Answer) -> float | None:
    """Return the share of cited sentences that state a needed fact; None without citations."""
    if not answer.citations:
        return None
    good = sum(any(states(citation, fact) for fact in question.evidence) for citation in answer.citations)
    return good / len(answer.citations)


def citation_recall(question: Question, answer: Answer) -> float:
    """Return the share of needed facts that a cited sentence states."""
    found = sum(any(states(citation, fact) for citation in answer.citations) for fact in question.evidence)
    return found / len(question.evidence)


def citation_support(answer: Answer) -> float | None:
    """Return the share of the answer's words that occur in the quotes cited for them; None without words.

    A statement is the text up to the markers that follow it; the text after the last marker cites nothing. Words are
    normalised as for SQuAD. A statement's leading "yes" or "no" is not counted, since no quote says it.
    """
    if answer.abstained:
        return None
    quotes = {citation.marker: normalise(citation.quote).split() for citation in answer.citations}
    words = held = 0
    for statement in _STATEMENT.finditer(answer.text):
        said = statement["words"]
        lead = _YES_NO.match(said)
        claimed = normalise(said[lead.end() if lead else 0 :]).split()
        markers = [int(digits) for digits in re.findall(r"\d+", statement["markers"])]
        cited = {word for marker in markers for word in quotes.get(marker, ())}
        words += len(claimed)
        held += sum(word in cited for word in claimed)
    return held / words if words else None


def verbatim(citation: Citation, read: Callable[[str], str]) -> bool:
    """Return whether a quote is the text at its offsets in the document that `read` returns for its id."""
    try:
        text = read(citation.document_id)
    except (RagError, LookupError, OSError):
        return False  # a document that cannot be read cannot be checked
    return bool(citation.quote) and text[citation.start : citation.end] == citation.quote


def states(item: Evidence | Citation, fact: Fact) -> bool:
    """Return whether a sentence, or a twin folded into it, shares a character with a place that states the fact."""
    places = [(item.source, item.start, item.end), *((p.source, p.start, p.end) for p in item.also)]
    return any(g.source == source and g.start < end and start < g.end for g in fact for source, start, end in places)
