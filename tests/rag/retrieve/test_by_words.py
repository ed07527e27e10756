"""Ranking by words: the headline chooses the article, the question's other words choose the sentence."""

from __future__ import annotations

import numpy as np
import pytest

from rag.load.files import make_document
from rag.load.passages import split
from rag.retrieve.by_words import rank_by_words
from rag.retrieve.rank import rank
from rag.types import Candidate, Hit

VECTOR = np.array([1, 0], dtype=np.float32)
FERRY = (
    "Neue Elektrofähre für Sundwerder\n\nDie Reederei Hanken nimmt am 3. Juni eine Fähre in Betrieb. Das Schiff "
    "kostete 18 Mio. Euro. Die Überfahrt dauert 45 Minuten. Naturschützer sind dagegen. Gebaut wurde sie in Stralsund."
)


def ranked(
    weights: dict[str, float], text: str = FERRY, language: str = "de", names: tuple[str, ...] = ()
) -> list[Hit]:
    document = make_document(text, "a.txt", language=language)
    candidates = [
        Candidate(
            chunk,
            "a.txt",
            document.title,
            np.tile(VECTOR, (1 + len(chunk.sentences), 1)),
            (0.0,) * len(chunk.sentences),
            document,
        )
        for chunk in split(document)
    ]
    return rank_by_words(rank("?", candidates, VECTOR, weights), candidates, weights, language, names)


def test_the_words_that_the_headline_lacks_choose_the_sentence() -> None:
    # "Fähre" is in the headline, "gekostet" is a form of "kostete"
    found = ranked({"fahr": 2.0, "gekost": 3.0})
    assert found[0].text == "Das Schiff kostete 18 Mio. Euro."
    assert found[0].score > 0.42 and found[0].coverage == pytest.approx(1.0)


def test_a_question_about_something_else_in_the_same_article_is_not_answered() -> None:
    assert all(hit.score < 0.42 for hit in ranked({"fahr": 2.0, "kapitan": 3.0}))


def test_a_question_about_another_article_is_not_answered() -> None:
    assert all(hit.score < 0.42 for hit in ranked({"universitat": 3.0, "heidelberg": 3.0, "dauert": 2.0}))


def test_the_first_sentence_answers_too() -> None:
    assert ranked({"fahr": 2.0, "betrieb": 2.0})[0].text.startswith("Die Reederei")


def test_parts_of_compounds_count_only_where_there_are_compounds() -> None:
    german = "Die Ernte\n\nEs regnete kaum, sagte Verbandschefin Renate Böhm. Viele Bauern sparen Wasser seit April."
    assert ranked({"chefin": 2.0, "verband": 2.0}, german)[0].score > 0.42
    assert all(hit.score < 0.42 for hit in ranked({"chefin": 2.0, "verband": 2.0}, german, "es"))


def test_an_article_without_a_name_of_the_question_is_not_the_answer() -> None:
    spanish = "Corte de agua en Puerto Calero\n\nSiguen sin agua. El alcalde, Ramón Estévez, pidió paciencia."
    weights = {"alcald": 3.0, "monteluna": 1.0}
    assert ranked(weights, spanish, "es")[0].score > 0.42
    assert all(hit.score < 0.42 for hit in ranked(weights, spanish, "es", ("monteluna",)))
