"""The metrics, one function each, with formula and source."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

from eval.dataset import Question
from rag import Answer

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_MARKER = re.compile(r"\s*\[\d+\]")
_PUNCTUATION = {ord(c): " " for c in string.punctuation + "“”‘’—–…"}


def plain(answer: Answer) -> str:
    """Return the answer's text without markers; empty for an abstention, as SQuAD 2.0 scores it."""
    return "" if answer.abstained else _MARKER.sub("", answer.text)


def normalise(text: str) -> str:
    """Return `text` in lower case without accents, punctuation, articles and extra space (SQuAD's, and accents)."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    squad = "".join(" " if c in "-–—/" else c for c in bare.lower())
    squad = "".join(c for c in squad if c not in string.punctuation and c not in "“”‘’…")
    return " ".join(_ARTICLES.sub(" ", squad).split())


def exact_match(text: str, accepted: Sequence[str]) -> float:
    """Return 1.0 when the normalised text equals an accepted answer, or is empty and none is accepted (SQuAD)."""
    return float(any(normalise(text) == normalise(a) for a in accepted or ("",)))


def token_f1(text: str, accepted: Sequence[str]) -> float:
    """Return the best F1 of the words shared with an accepted answer; 1.0 when both are empty (SQuAD)."""
    return max(_f1(normalise(text).split(), normalise(a).split()) for a in accepted or ("",))


def _f1(found: list[str], gold: list[str]) -> float:
    if not found or not gold:
        return float(found == gold)
    shared = sum((Counter(found) & Counter(gold)).values())
    return 2 * shared / (len(found) + len(gold))


def holds_keys(text: str, keys: Sequence[Sequence[str]]) -> bool:
    """Tell whether the text holds, as whole words, one alternative of every key."""
    views = [f" {normalise(text)} ", f" {_ARTICLES.sub(' ', normalise(text.translate(_PUNCTUATION)))} "]
    return all(any(f" {normalise(alternative)} " in view for alternative in key for view in views) for key in keys)


def correct(question: Question, answer: Answer) -> bool:
    """Tell whether the answer is right: it holds the keys, or refuses what must be refused."""
    if question.must_refuse:
        return answer.abstained
    return not answer.abstained and holds_keys(plain(answer), question.keys)


def evidence_recall(question: Question, answer: Answer, k: int) -> float:
    """Return the share of needed facts that one of the first k evidence sentences states (its twins included)."""
    shown = answer.evidence[:k]
    places = [(e.source, e.start, e.end) for e in shown] + [(p.source, p.start, p.end) for e in shown for p in e.also]
    hit = sum(_overlaps(fact, places) for fact in question.evidence)
    return hit / len(question.evidence)


def citation_recall(question: Question, answer: Answer) -> float:
    """Return the share of needed facts that a cited sentence states."""
    places = [(c.source, c.start, c.end) for c in answer.citations]
    places += [(p.source, p.start, p.end) for c in answer.citations for p in c.also]
    return sum(_overlaps(fact, places) for fact in question.evidence) / len(question.evidence)


def citation_precision(question: Question, answer: Answer) -> float | None:
    """Return the share of cited sentences that state a needed fact; None without citations."""
    if not answer.citations:
        return None
    facts = [place for fact in question.evidence for place in fact]
    good = sum(
        _overlaps(facts, [(c.source, c.start, c.end), *((p.source, p.start, p.end) for p in c.also)])
        for c in answer.citations
    )
    return good / len(answer.citations)


def _overlaps(fact: Sequence[object], places: Sequence[tuple[str, int, int]]) -> bool:
    return any(
        place.source == source and place.start < end and start < place.end  # type: ignore[attr-defined]
        for place in fact
        for source, start, end in places
    )
