"""Statements in other languages are checked by their words and numbers, not by the rules of English."""

from __future__ import annotations

import dataclasses

from verdicts import evidence_of, verdict

from rag.answering.verify import other_language
from rag.answering.verify_by_words import supported
from rag.types import Draft

WATER = (
    "Unos 12.000 vecinos están sin agua desde el lunes por la rotura de una tubería. La reparación durará cuatro días."
)
EVIDENCE = evidence_of(WATER)


def test_a_negative_question_of_another_language_is_answered() -> None:
    question = "¿Por qué no hay agua en Puerto Calero?"
    found = verdict(question, Draft(EVIDENCE[0].text, "extractive"), EVIDENCE, WATER, language="es")
    assert found.text == f"{EVIDENCE[0].text} [1]"
    assert [c.quote for c in found.citations] == [EVIDENCE[0].text]


def test_a_sentence_with_an_ordinal_stays_whole() -> None:
    text = "Anträge können ab dem 1. September gestellt werden."
    shown = [dataclasses.replace(EVIDENCE[0], text=text, start=0, end=len(text))]
    found = verdict("Ab wann?", Draft(text, "extractive"), shown, text, language="de")
    assert found.text == f"{text} [1]"


def test_words_and_numbers_of_no_sentence_are_not_supported() -> None:
    assert supported("La reparación durará cuatro días.", EVIDENCE, "es") != []
    assert supported("La alcaldesa pidió ayuda urgente.", EVIDENCE, "es") == []
    assert supported("La reparación durará cuatro días y 7 horas.", EVIDENCE, "es") == []
    assert supported("", EVIDENCE, "es") == []


def test_a_question_in_another_language_than_the_articles_is_told_so() -> None:
    found = other_language("Who is the mayor of Elmstadt?", ["de", "fr"])
    assert found.abstained and found.citations == ()
    assert found.text == "The articles are in German or French, the question is in English. Ask in German or French."
