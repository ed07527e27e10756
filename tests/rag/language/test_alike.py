"""Sentences that share most of their words: which of them state the same fact."""

from __future__ import annotations

import pytest

from rag.language.alike import same_fact

LEADS = "A group led by the teacher Omar Salim has gone to court to limit blasting to two hours a day."


@pytest.mark.parametrize(
    ("changed", "other"),
    [
        ("Salim", "Saleh"),
        ("two hours", "three hours"),
        ("two hours", "half an hour"),
        ("has gone", "has not gone"),
        ("gone to court", "gone on Monday to court"),
        ("A group", "Farmers"),
        ("the teacher Omar Salim", "the teacher"),
    ],
)
def test_another_name_number_date_or_denial_is_another_fact(changed: str, other: str) -> None:
    assert not same_fact(LEADS, LEADS.replace(changed, other), "en")
    assert not same_fact(LEADS.replace(changed, other), LEADS, "en")


@pytest.mark.parametrize(("one", "other"), [("5 million", "5 billion"), ("on 4 May", "on 5 May"), ("first", "second")])
def test_amounts_and_days_in_words_and_figures(one: str, other: str) -> None:
    said = "The port of Ansel paid for the {} ferry that was built at the yard."
    assert not same_fact(said.format(one), said.format(other), "en")


@pytest.mark.parametrize(
    "again",
    [
        "A group that is led by the teacher Omar Salim has gone to court to limit blasting to two hours a day.",
        "A group led by the local teacher Omar Salim has gone to court to limit blasting to 2 hours a day.",
        "To limit blasting to two hours a day, a group led by the teacher Omar Salim has gone to court.",
    ],
)
def test_the_same_in_other_words(again: str) -> None:
    assert same_fact(LEADS, again, "en")


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("es", "El alcalde abrió el mercado el lunes con dos horas de retraso.", "lunes|martes"),
        ("fr", "Le maire a ouvert le marché avec deux heures de retard.", "deux|trois"),
        ("de", "Der Lehrer Omar Salim leitet die Gruppe der Nachbarn.", "Salim|Saleh"),
        ("zh", "王伟市长星期一为新市场开幕。", "王伟|李强"),
        ("ar", "افتتح العمدة أحمد السوق الجديد في المدينة.", "أحمد|محمود"),
    ],
)
def test_other_languages(language: str, one: str, other: str) -> None:
    assert same_fact(one, one, language)
    assert not same_fact(one, one.replace(*other.split("|")), language)
