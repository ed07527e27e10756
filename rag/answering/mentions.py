"""Whether the articles speak of what a question asks about: of the frontier, where they say border; not of a brother.

The embedding model puts `brother` and `sister` side by side as it does `frontier` and `border`, since such words stand
in the same places: it finds the word that stands there instead. The answer model knows the two apart when it is asked
about one word at a time, and only then: asked for an answer, it gives what is said of the sister.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.language.questions import Form, asks_reason, form
from rag.language.word_table import WordTable
from rag.language.words import SLIGHT, common_start, content_terms, content_words
from rag.models.runtime import Models
from rag.protocols import Retriever

# The model's probabilities (docs/answering.md): below the first a sentence does not speak of something. A word of it
# that stands in the same places means that from the third on; below the second, the fourth counts instead of the first.
_SILENT, _ANOTHER, _SYNONYM, _DOUBTED = 0.012, 0.15, 0.6, 0.7
_NO_REASON = 0.04  # instead of the first where a reason is asked for: what did not happen has none
_NEAR = 0.35  # nearness from which a word stands in the same places as another
# Words of a question that are asked about, at most: the first costs most of a second, the next a fifth of one.
_TRIED = 2
_INFLECTED = 0.6  # share of the longer word that two forms of one word begin with
# Of "which metal" an instance is wanted: gold is not the same word, and right.
_KIND = re.compile(r"\b(?:which|what)\s+(?:(?:kind|type|sort)s?\s+of\s+)?([\w'’-]+)", re.IGNORECASE)
# What a sentence may tell in any other words: what is done. By their form or place these are, or may be, verbs.
_VERBS = re.compile(r"\w+(?:ing|ed)\b|\b(?:to|not|who|that|which|will|would|can|could|should|must|may|might)\s+(\w+)")


class Mentions:
    """Compares the words of questions with those of their evidence.

    Args:
        index: The store, which says whether any article has a word.
        models: The answer model is asked, and the embedding model's table of words says about which words.
    """

    def __init__(self, index: Retriever, models: Models) -> None:
        self._index = index
        self._models = models

    def unsaid(self, question: str, cited: str, around: Sequence[str], articles: Sequence[str]) -> str | None:
        """Return a word of the question for something that what an answer rests on does not speak of, if there is one.

        Names and numbers are compared elsewhere (`rag.answering.verify`), and no word is asked about where yes and
        no are possible: what is not the case is told in other words.

        Args:
            question: The stand-alone question.
            cited: The sentences that the answer rests on.
            around: The text around them; what it says in the question's own words is spoken of.
            articles: The articles that they are from; what these say in the question's own words may be meant.
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
        """Tell whether sentences speak of what a word means; `instead` is what stands in its place there."""
        likely = self._models.speaks(instead, word) if instead else _ANOTHER
        if likely >= _SYNONYM:
            return True
        return self._models.speaks(cited, word) >= (_DOUBTED if likely < _ANOTHER else silent)


def _strange(table: WordTable, question: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (term, word) for the words of a question that texts have in no form; what no dictionary has is left out."""
    said = {term: word for text in texts for term, word in content_words(text).items()}
    passed_over = SLIGHT | {word.lower() for word in _KIND.findall(question)}
    passed_over |= {found[1] or found[0] for found in _VERBS.finditer(question)}
    for term, word in content_words(question).items():
        # A capital is a name's, and a word that is not in the table may be misspelt.
        plain = term.isalpha() and word.islower() and word not in passed_over and table.nearness([word], [word]).any()
        if plain and term not in said and not any(_one_word(word, other) for other in said.values()):
            yield term, word


def word_instead(table: WordTable, word: str, text: str, question: str) -> str | None:
    """Return what stands in a text, and not in the question, where another word could; None where nothing does."""
    asked = content_words(question)
    said = [other for term, other in content_words(text).items() if term not in asked and other.islower()]
    near = dict(zip(said, table.nearness([word], said)[0].tolist(), strict=True))
    best = max(said, key=near.__getitem__, default=None)
    return best if best is not None and near[best] >= _NEAR else None


def _one_word(one: str, other: str) -> bool:
    """Tell whether two words look like forms of one: congratulate and congratulations."""
    return common_start(one, other) >= _INFLECTED * max(len(one), len(other))
