"""Stems, function words and capitals by language."""

from __future__ import annotations

import pytest

from rag.language.words import content_terms, names, numbers, terms


@pytest.mark.parametrize(
    ("language", "a", "b"),
    [
        ("de", "Bäume", "Baum"),
        ("de", "des Verbandes", "den Verband"),
        ("es", "las operaciones", "la operación"),
        ("fr", "l'éleveur", "des éleveurs"),
        ("fr", "l’Aubrelle", "d'Aubrelle"),
        ("it", "dell'acqua", "l’acqua"),
        ("ar", "والمدرسة", "مدرسة"),
        ("ar", "تأجيل", "تأجل"),
        ("ar", "مُدَرِّس", "مدرس"),  # with and without vowel signs
        ("hi", "पुलों", "पुल"),
        ("ru", "моста", "мосты"),
    ],
)
def test_forms_of_a_word_are_one_term(language: str, a: str, b: str) -> None:
    assert content_terms(a, language) == content_terms(b, language) != []


def test_german_is_not_stemmed_like_english() -> None:
    assert terms("Häuser", "de") == terms("Haus", "de")
    assert terms("Häuser") != terms("Haus")


def test_an_unknown_language_is_read_like_english() -> None:
    assert terms("policies", "") == terms("policy")
    assert terms("Abcxyz", "xx") == ["abcxyz"]


def test_vowel_signs_do_not_part_a_word() -> None:
    assert len(terms("पुल", "hi")) == 1


def test_digits_of_every_script_are_the_same_number() -> None:
    assert numbers("٤٥ مليون") == numbers("45 million") == numbers("４５")


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("de", "Wer ist die Bürgermeisterin von"),
        ("es", "¿Quién es la"),
        ("fr", "Qu'est-ce que c'est"),
        ("ar", "لماذا"),
        ("nl", "Hoeveel"),
    ],
)
def test_question_words_carry_no_content(language: str, question: str) -> None:
    assert set(content_terms(question, language)) <= set(content_terms("Bürgermeisterin", "de"))


def test_capitals_mark_no_names_in_german() -> None:
    assert names("Wer ist der Trainer von Elmstadt?", "de") == []
    assert names("¿Quién ganó la Liga de Elmstadt?", "es") == terms("Liga Elmstadt", "es")
    assert names("Que dit l'Aubrelle ?", "fr") == terms("Aubrelle", "fr")
