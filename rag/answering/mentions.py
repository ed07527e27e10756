"""Check that the evidence mentions what a question asks about, if only by a synonym (`border` for `frontier`).

The embedding model puts `brother` close to `sister`, just as it puts `frontier` close to `border`, because such words
occur in the same contexts. So it can find the word that an article uses instead. The answer model can distinguish the
two cases, but only when it is asked about one word at a time: asked for an answer, it gives the sister's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.language.questions import Form, asks_reason, form
from rag.language.word_table import WordTable
from rag.language.words import SLIGHT, common_start, content_terms, content_words
from rag.models.runtime import Models
from rag.protocols import Retriever

# The model's probabilities (docs/answering.md). Below the first, a sentence does not mention the word's meaning. From
# the third on, a similar word in it means the same; below the second, the fourth threshold replaces the first.
_SILENT, _ANOTHER, _SYNONYM, _DOUBTED = 0.012, 0.15, 0.6, 0.7
_NO_REASON = 0.04  # replaces the first where a reason is asked for: what did not happen has no reason
_NEAR = 0.35  # nearness above which two words occur in the same contexts
# Most words of a question that the model is asked about: the first takes most of a second, the next a fifth of one.
_TRIED = 2
_INFLECTED = 0.6  # two forms of one word share a prefix of at least this part of the longer one
# "Which metal" asks for an instance: "gold" is another word, but a right answer.
_KIND = re.compile(r"\b(?:which|what)\s+(?:(?:kind|type|sort)s?\s+of\s+)?([\w'’-]+)", re.IGNORECASE)
# Words that are or may be verbs, by their form or position: a sentence may express an action in any other words.
_VERBS = re.compile(r"\w+(?:ing|ed)\b|\b(?:to|not|who|that|which|will|would|can|could|should|must|may|might)\s+(\w+)")


class Mentions:
    """Compares the words of questions with those of their evidence.

    Args:
        index: The store; it knows how rare each word is in the articles.
        models: The answer model to ask, and the embedding model's word table, which selects the words.
    """

    def __init__(self, index: Retriever, models: Models) -> None:
        self._index = index
        self._models = models

    def unsaid(self, question: str, cited: str, around: Sequence[str], articles: Sequence[str]) -> str | None:
        """Return a word of the question whose meaning the evidence of an answer does not mention, or None.

        Names and numbers are compared elsewhere (`rag.answering.verify`). Yes-or-no questions are not checked, because
        a sentence that means no uses other words.

        Args:
            question: The stand-alone question.
            cited: The sentences that the answer rests on.
            around: The text around them; a word of the question that occurs here counts as mentioned.
            articles: The articles that they are from; a word of the question that occurs here may be what is meant.
        """
        table = self._models.word_table()
        if table is None or not cited or form(question) is Form.YES_NO:
            return None
        silent = _NO_REASON if asks_reason(question) else _SILENT
        words = sorted(
            _strange(table, question, [cited, *around]), key=lambda found: -self._index.vocabulary.idf(found[0])
        )
        known = {term for text in articles for term in content_terms(text)} if words else set()
        for term, word in words[:_TRIED]:
            instead = word_instead(table, word, cited, question)
            if (instead or term not in known) and not self._spoken(word, cited, instead, silent):
                return word
        return None

    def _spoken(self, word: str, cited: str, instead: str | None, silent: float) -> bool:
        """Return whether sentences mention what a word means; `instead` is the word that they use in its place."""
        likely = self._models.speaks(instead, word) if instead else _ANOTHER
        if likely >= _SYNONYM:
            return True
        return self._models.speaks(cited, word) >= (_DOUBTED if likely < _ANOTHER else silent)


def _strange(table: WordTable, question: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (term, word) for each word of a question that no text has in any form; skip words not in the table."""
    said = {term: word for text in texts for term, word in content_words(text).items()}
    passed_over = SLIGHT | {word.lower() for word in _KIND.findall(question)}
    passed_over |= {found[1] or found[0] for found in _VERBS.finditer(question)}
    for term, word in content_words(question).items():
        # A capital means a name, and a word that is not in the table may be misspelt.
        plain = term.isalpha() and word.islower() and word not in passed_over and table.nearness([word], [word]).any()
        if plain and term not in said and not any(_one_word(word, other) for other in said.values()):
            yield term, word


def word_instead(table: WordTable, word: str, text: str, question: str) -> str | None:
    """Return the word of a text, not in the question, that is nearest to another word; None if none is near."""
    asked = content_words(question)
    said = [other for term, other in content_words(text).items() if term not in asked and other.islower()]
    near = dict(zip(said, table.nearness([word], said)[0].tolist(), strict=True))
    best = max(said, key=near.__getitem__, default=None)
    return best if best is not None and near[best] >= _NEAR else None


def _one_word(one: str, other: str) -> bool:
    """Return whether two words look like forms of the same word: congratulate and congratulations."""
    return common_start(one, other) >= _INFLECTED * max(len(one), len(other))
