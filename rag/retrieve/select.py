"""Select the few ranked sentences that the model is shown, with near-identical ones merged."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence

from rag.language.alike import same_fact
from rag.language.questions import lacks_reason
from rag.language.words import content_terms
from rag.types import Evidence, Hit, Place

# Two sentences that share this much of their words say the same thing, unless a name, number or date differs.
_NEAR_IDENTICAL = 0.75
# Near-identical sentences have near-identical scores, so this many are checked for twins after the last one kept.
_TWINS = 40
# Below this score a sentence is about something else (dev half: off-topic questions reach 0.37, others start at 0.48).
_RELEVANT = 0.42
# A sentence must reach this share of the best score: reading takes time, and much lower ones distract the model.
_WORTH = 0.8
_ALL = 0.999  # share of a topic's terms above which a sentence has all of them
# A sentence that begins like this cannot be understood without the one before it.
_LEANS_BACK = re.compile(
    r"[\"“‘'(]*(?:he|she|it|they|his|her|its|their|this|that|these|those|both|but|and|instead|however"
    r"|the (?:two|move|report|statement|response|decision))\b",
    re.IGNORECASE,
)
_QUOTE_ONLY = re.compile(r"^[\"“][^\"”]*[\"”]$")


def select(hits: Sequence[Hit], limit: int, max_chars: int = 1500, worth: float = _WORTH) -> list[Evidence]:
    """Return the best sentences, ranked from 1, with the context that they need; none if none is relevant.

    Args:
        hits: Sentences, best first.
        limit: How many to keep, at most; fewer if the best ones stand out.
        max_chars: Where to stop adding, in characters of sentences and context, so that the prompt stays short.
        worth: The share of the best score that a sentence must reach.
    """
    floor = max(_RELEVANT, worth * hits[0].score) if hits else 0.0
    found = _fold(hits, limit, floor)
    used = 0
    for count, evidence in enumerate(found):
        used += len(evidence.text) + len(evidence.context)
        if count and used > max_chars:
            return found[:count]
    return found


def with_reason(question: str, evidence: Sequence[Evidence], hits: Sequence[Hit]) -> list[Evidence]:
    """Return evidence for a reason with the sentence after the best one, if that itself gives none.

    "Four of the mills will not open again. Their owners are too old." answers why they will not.

    Args:
        question: The question.
        evidence: Sentences, best first.
        hits: All sentences that were found.
    """
    if not evidence or not lacks_reason(question, evidence[0].text):
        return list(evidence)
    best = evidence[0]
    added = sentence_after(best, hits)
    if added is None:
        return list(evidence)
    others = [e for e in evidence[1:] if e.start != added.start or e.document_id != best.document_id]
    return [dataclasses.replace(e, rank=rank) for rank, e in enumerate([best, added, *others], 1)]


def sentence_after(evidence: Evidence, hits: Sequence[Hit]) -> Evidence | None:
    """Return the sentence after this one in its passage; None if it was not found."""
    own = [h for h in hits if h.place.document_id == evidence.document_id and h.passage == evidence.passage]
    after = min((h for h in own if h.place.start >= evidence.end), key=lambda h: h.place.start, default=None)
    return dataclasses.replace(_fold([after], 1, -math.inf)[0], context="") if after else None


def overview(hits: Sequence[Hit], limit: int, max_chars: int = 1500) -> list[Evidence]:
    """Return sentences that contain every term of a topic, from as many articles as possible, article by article.

    Args:
        hits: Sentences, best first, from a search for the topic alone.
        limit: How many to keep, at most.
        max_chars: Where to stop, in characters.
    """
    found = _fold([hit for hit in hits if hit.held > _ALL], _TWINS, -math.inf)
    told: dict[str, list[Evidence]] = {}
    for evidence in found:
        told.setdefault(evidence.document_id, []).append(evidence)
    turns = [(turn, e.rank, e) for told_by in told.values() for turn, e in enumerate(told_by)]
    kept: list[Evidence] = []
    used = 0
    for _, _, evidence in sorted(turns, key=lambda entry: entry[:2])[:limit]:
        used += len(evidence.text)
        if kept and used > max_chars:
            break
        kept.append(evidence)
    articles = list(told)
    kept.sort(key=lambda e: (articles.index(e.document_id), e.start))
    return [dataclasses.replace(e, rank=rank) for rank, e in enumerate(kept, 1)]


def nearest_sentences(hits: Sequence[Hit], limit: int) -> list[Evidence]:
    """Return the first `limit` sentences, ranked from 1, whether they are relevant or not."""
    return _fold(hits, limit, -math.inf)


def _fold(hits: Sequence[Hit], limit: int, floor: float) -> list[Evidence]:
    """Return the first sentences that score at least `floor`; near-identical ones are merged with all their places."""
    kept: list[tuple[Hit, set[str], list[Place]]] = []
    after = 0  # sentences checked since the last one was kept
    for hit in hits:
        if hit.score < min(floor, _RELEVANT) or (len(kept) == limit and after == _TWINS):
            break
        after += len(kept) == limit
        words = set(content_terms(hit.text))
        twin = next((entry for entry in kept if _same(hit, words, entry[0], entry[1])), None)
        if twin is not None:
            twin[2].extend((hit.place, *hit.also))
        elif len(kept) < limit and hit.score >= floor:
            kept.append((hit, words, list(hit.also)))
    texts = {hit.text for hit, _, _ in kept}
    return [
        Evidence(
            rank=rank,
            source=hit.place.source,
            title=hit.place.title,
            text=hit.text,
            start=hit.place.start,
            end=hit.place.end,
            score=hit.score,
            dense=hit.dense,
            lexical=hit.lexical,
            document_id=hit.place.document_id,
            passage=hit.passage,
            context=hit.before if hit.before not in texts and (hit.leans or leans(hit.text)) else "",
            also=tuple(also),
            coverage=hit.coverage,
            answers=hit.answers,
            date=hit.place.date,
            publisher=hit.place.publisher,
            url=hit.place.url,
            language=hit.place.language,
            words=hit.words,
            sure=hit.sure,
        )
        for rank, (hit, _, also) in enumerate(kept, 1)
    ]


def _same(hit: Hit, words: set[str], other: Hit, other_words: set[str]) -> bool:
    alike = bool(words and other_words) and len(words & other_words) >= _NEAR_IDENTICAL * len(words | other_words)
    return alike and same_fact(hit.text, other.text, hit.place.language)


def leans(text: str) -> bool:
    """Return whether a sentence cannot be understood without the one before it."""
    return bool(_LEANS_BACK.match(text) or _QUOTE_ONLY.match(text))
