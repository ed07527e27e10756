"""Choose the passages that a strong model reads: those of the best sentences, and what stands before and after them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest

from rag.models.profile import estimated_tokens
from rag.retrieve.select import nearest_sentences
from rag.types import Evidence, Hit

_READ = 160  # sentences that are looked at, at most; the budget is used up long before
_WIDENED = 3  # of the best passages, the one before and the one after are read as well: a reason often stands there
_TITLE_TOKENS = 25


def passages(found: Sequence[Sequence[Hit]], tokens: int) -> list[list[Evidence]]:
    """Return passages as lists of their sentences, article by article, the article of the best sentence first.

    Near-identical sentences are in the first passage that has one of them.

    Args:
        found: For the question and each of its other wordings, sentences, best first.
        tokens: The most tokens of all passages, estimated; one passage is always returned if there is any.
    """
    turns = chain.from_iterable(zip_longest(*(hits[:_READ] for hits in found)))
    hits = list({(hit.place.document_id, hit.place.start): hit for hit in turns if hit}.values())[:_READ]
    sentences = nearest_sentences(hits, _READ)
    parts: dict[tuple[str, int], list[Evidence]] = {}
    for sentence in sentences:
        parts.setdefault((sentence.document_id, sentence.passage.start), []).append(sentence)
    kept: list[tuple[str, int]] = []
    for place in _widened(list(parts)):
        size = _TITLE_TOKENS + sum(estimated_tokens(sentence.text) for sentence in parts[place])
        if kept and size > tokens:
            break
        kept.append(place)
        tokens -= size
    articles = list(dict.fromkeys(document for document, _ in kept))
    kept.sort(key=lambda place: (articles.index(place[0]), place[1]))
    return [sorted(parts[place], key=lambda sentence: sentence.start) for place in kept]


def _widened(places: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the places of passages, best first, with the neighbours of the first few behind them."""
    order: list[tuple[str, int]] = []
    for place in places[:_WIDENED]:
        own = sorted(start for document, start in places if document == place[0])
        at = own.index(place[1])
        order += [place, *((place[0], start) for start in (*own[at + 1 : at + 2], *own[max(0, at - 1) : at]))]
    return list(dict.fromkeys([*order, *places]))
