"""The same word, however its characters are written: in texts, questions, names and filters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.characters import comparable, name_key, usual, usual_spans
from rag.language.words import acronyms, content_terms, fold, initials, names, numbers, spell_out, terms, words
from rag.load.article import clean, one_line
from rag.types import Span

# How a word may be written, and how it usually is
WRITTEN = [
    ("Ju\u0308rgen", "Jürgen"),  # composed and decomposed
    ("Zu\u0308rich", "Zürich"),
    ("Nguye\u0302\u0303n", "Nguyễn"),
    ("\u1100\u116a\u11bc\u110c\u116e", "광주"),
    ("か\u3099っこう", "がっこう"),
    ("A\u030angstro\u0308m", "Ångström"),
    ("\u212bngström", "Ångström"),
    ("Whit\u00adaker", "Whitaker"),  # soft hyphens
    ("con\u00adstruc\u00adtion", "construction"),
    ("Whit\u00ad\naker", "Whitaker"),
    ("Whit\u00ad \r\n  aker", "Whitaker"),
    ("Kan\u200bter", "Kanter"),  # no width
    ("Kan\u200cter", "Kanter"),
    ("Kan\u200dter", "Kanter"),
    ("Kan\u2060ter", "Kanter"),
    ("\ufeffKanter", "Kanter"),
    ("Кан\u200bтер", "Кантер"),
    ("\u200eKanter\u200f", "Kanter"),  # direction
    ("\u202aKanter\u202c", "Kanter"),
    ("\u2068Kanter\u2069", "Kanter"),
    ("\u200b\u200b\u200eKanter", "Kanter"),
    ("o\ufb03ce", "office"),  # ligatures
    ("\ufb01re\ufb01ghters", "firefighters"),
    ("Gri\ufb03n", "Griffin"),
    ("\ufb02our", "flour"),
    ("\ufb05one", "stone"),
    ("\ufe8e\ufedf\ufe92\ufea4\ufeae", "\u0627\u0644\u0628\u062d\u0631"),
]


@pytest.mark.parametrize(("written", "word"), WRITTEN)
def test_a_word_is_the_same_however_it_is_written(written: str, word: str) -> None:
    assert usual(written) == word
    assert usual(word) == word
    assert comparable(written) == comparable(word)
    assert fold(written) == fold(word)
    assert terms(f"the {written} of it") == terms(f"the {word} of it")
    assert content_terms(written) == content_terms(word)
    assert words(f"a {written} b") == ["a", *words(word), "b"]
    assert names(f"so {written} said") == names(f"so {word} said")
    assert name_key(written) == name_key(word)


@pytest.mark.parametrize(
    "text",
    [
        "It rained.",
        "Größe, Ærø, Łódź, ЙЁ, “quoted” — 5 €",
        "می‌خواهم",  # Persian joins its letters otherwise without the joiner
        "क्‍ष",
        "ก\u200bข",  # Thai: where a word ends
        "👨\u200d👩\u200d👧 ❤\ufe0f",
        "שלום\u200f (2)",
        "CO₂, m², ½, 19¹, № 5",  # of another meaning without their form
        "２０２４年の法案、①番",
        "x\u0303",  # no letter is composed of these
    ],
)
def test_what_has_a_use_stays_in_the_text(text: str) -> None:
    assert usual(text) == text


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("می‌خواهم", "میخواهم"),
        ("كِتاب", "كتاب"),  # vowels may be left out
        ("שָׁלוֹם", "שלום"),
        ("ко\u0301фе", "кофе"),  # a mark of stress
        ("п’ять", "пʼять"),
        ("x\u0303y", "xy"),
        ("in１２", "in12"),
        ("الفيلم ١٢", "الفيلم 12"),
    ],
)
def test_what_may_be_left_out_does_not_count(a: str, b: str) -> None:
    assert terms(a) == terms(b) != []


def test_numbers_in_other_digits() -> None:
    assert numbers("２０２４年に १२ ١٢") == {"2024", "12"}


def test_names_and_acronyms_of_odd_characters() -> None:
    assert spell_out("WHO", "the World Health\u00ad Or\u00adganization said") == "World Health Organization"
    assert initials("the Wo\u200brld Health Organi\u00adzation") == {"who"}
    assert acronyms("Did A\u00adMLO call?") == ["AMLO"]


@given(st.text())
def test_usual_is_usual(text: str) -> None:
    assert usual(usual(text)) == usual(text)
    assert unicodedata.is_normalized("NFC", usual(text))


@pytest.mark.parametrize("written", [written for written, _ in WRITTEN if "\n" not in written])
def test_places_in_a_text(written: str) -> None:
    first, second = f"{written} came.", f"Then {written} left."
    text = f"  {first} \u200b {second}\n"
    spans = [Span(text.index(first), text.index(first) + len(first)), Span(text.index(second), len(text) - 1)]
    plain, found = usual_spans(text, spans)
    assert plain == usual(text)
    assert [plain[s.start : s.end] for s in found] == [usual(first), usual(second)]


def test_places_in_a_usual_text_are_the_same() -> None:
    assert usual_spans("It rained.", [Span(0, 10)]) == ("It rained.", [Span(0, 10)])


@pytest.mark.parametrize(("written", "word"), WRITTEN)
def test_extracted_text_and_metadata_are_as_usual(written: str, word: str) -> None:
    assert clean(f"The {written} came.") == f"The {word} came."
    assert one_line(f"The {written} came.") == f"The {word} came."
