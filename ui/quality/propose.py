"""Propose questions with answers about a library, one at a time: by the answer model, or without one by patterns.

The model is given one sentence; a proposal counts only if the answer stands in it word for word. Without a model, the
questions are those of `ui.chat.questions`, and the answers are the words that the reader marks in the sentence.
"""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

from rag import Document, Engine, Filters, RagError
from ui.chat.questions import abouts, facts, sentences
from ui.quality.own import Sentence

_LOOKED_AT = 200  # articles
_OF_EACH = 4  # sentences of an article that the model is given
_PATTERNS = 8  # questions of an article that are made by patterns
_CHARS = range(50, 400)  # of a sentence that the model is given
_FOUND = 5  # sentences
_ANSWER_TOKENS = 100
_ASK = (
    "Sentence from the article “{title}”:\n{sentence}\n\nWrite one question that this sentence answers. It must be "
    "clear without the sentence: use names, not “he” or “this”. Then copy the answer from the sentence, in at most six "
    "words, unchanged. Use the language of the sentence. Reply in exactly two lines:\nQuestion: ...\nAnswer: ..."
)
_REPLY = re.compile(r"Question:\s*(?P<question>\S[^\n]*?)\s*\n+\s*Answer:\s*(?P<answer>\S[^\n]*)", re.IGNORECASE)
_EDGES = " .。\"“”'"


@dataclass(frozen=True)
class Proposal:
    """A question, its answer, and the sentence that it was made from."""

    question: str
    answer: str
    document_id: str
    title: str
    sentence: Sentence


def proposals(engine: Engine, chance: random.Random | None = None) -> Iterator[Proposal | None]:
    """Yield proposals, each article once before any comes again; None for each try that gave nothing.

    Args:
        engine: The library, and the answer model if there is one.
        chance: Orders the articles; by default at random.

    Raises:
        RagError: The library cannot be read.
    """
    ids = [source.id for source in engine.sources()]
    (chance or random.Random()).shuffle(ids)
    turns = deque(_of_document(engine, document_id, chance or random.Random()) for document_id in ids[:_LOOKED_AT])
    seen: set[str] = set()
    while turns:
        article = turns.popleft()
        for proposal in article:
            turns.append(article)
            is_new = proposal is not None and proposal.question.casefold() not in seen
            if proposal:
                seen.add(proposal.question.casefold())
            yield proposal if is_new else None
            break  # the next article


def _of_document(engine: Engine, document_id: str, chance: random.Random) -> Iterator[Proposal | None]:
    try:
        document = engine.document(document_id)
    except RagError:  # the article was removed in the meantime
        return
    yield from _by_model(engine, document, chance)
    yield from islice(_by_patterns(engine, document), _PATTERNS)


def _by_model(engine: Engine, document: Document, chance: random.Random) -> Iterator[Proposal | None]:
    from llama_index.core.base.llms.types import ChatMessage

    if engine.settings.llm == "extractive":
        return
    places = [(start, end) for start, end in sentences(document) if end - start in _CHARS]
    chance.shuffle(places)
    for start, end in places[:_OF_EACH]:
        quote = document.text[start:end]
        asked = _ASK.format(title=document.title, sentence=" ".join(quote.split()))
        reply = engine.complete([ChatMessage(role="user", content=asked)], _ANSWER_TOKENS)
        if reply is None:  # there is none, or it failed
            return
        yield _read(reply, document, Sentence(document.source, start, end, quote))


def _read(reply: str, document: Document, sentence: Sentence) -> Proposal | None:
    """Return what the model proposes, if the answer stands in the sentence and not in the question."""
    match = _REPLY.search(reply)
    if not match:
        return None
    question, answer = " ".join(match["question"].split()), match["answer"].strip(_EDGES)
    said = " ".join(sentence.quote.split()).casefold()
    if not answer or answer.casefold() not in said or answer.casefold() in question.casefold():
        return None
    return Proposal(question, answer, document.id, document.title, sentence)


def _by_patterns(engine: Engine, document: Document) -> Iterator[Proposal | None]:
    for fact, about in zip_longest(facts(document), abouts(document)):
        for one in filter(None, (fact, about)):
            found = engine.retrieve(one.text, _FOUND, Filters(documents=(document.id,)))
            hit = next((e for e in found if e.start < one.end and one.start < e.end and one.says in e.text), None)
            answer = one.answer or (hit.words if hit and not one.says else "") or one.says
            if hit and answer and answer in " ".join(hit.text.split()):
                place = Sentence(document.source, hit.start, hit.end, hit.text)
                yield Proposal(one.text, answer, document.id, document.title, place)
            else:
                yield None
