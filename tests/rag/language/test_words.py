"""Words, terms, numbers and names: what counts as the same, and what never does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.words import (
    content_terms,
    fold,
    initials,
    names,
    numbers,
    published_by,
    same_name,
    split_sentences,
    terms,
    words,
)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("U.S.", "US"),
        ("U.S", "US"),
        ("U.S.'s", "US"),
        ("the U. S. Senate", "the US Senate"),
        ("a U.N envoy", "a UN envoy"),
        ("D.C.", "DC"),
        ("Mexico's", "Mexico"),
        ("Mexico’s", "Mexico"),
        ("leaders’", "leaders"),
        ("López", "Lopez"),
        ("Diáz", "DIAZ"),
        ("policies", "policy"),
        ("discussed", "discuss"),
        ("five", "5"),
        ("Twelve", "12"),
        ("3,000", "3000"),
        ("186,000", "186000"),
        ("ﬁnance", "finance"),  # a ligature
        ("Ｂｉｄｅｎ", "Biden"),  # full-width letters
    ],
)
def test_same_terms(a: str, b: str) -> None:
    assert terms(a) == terms(b) != []


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("310", "31"),
        ("2.7", "27"),
        ("Biden", "Ebrard"),
        ("19", "1.9"),
        ("U.S.", "U.K."),
        ("Plan B. A man", "Plan BA man"),
    ],
)
def test_other_terms(a: str, b: str) -> None:
    assert terms(a) != terms(b)


def test_words_as_they_stand() -> None:
    assert words("U.S. aid of $310 million, Mexico's 3,000 km") == [
        "U.S.",
        "aid",
        "of",
        "310",
        "million",
        "Mexico's",
        "3,000",
        "km",
    ]


def test_content_terms_drop_function_words_and_repeats() -> None:
    assert content_terms("Who is the minister of the minister?") == terms("minister")


def test_names_in_capitals_are_content() -> None:
    # "us" is a function word, "US" a country; "who" asks, "WHO" is an organisation
    assert content_terms("Tell us") == []
    assert content_terms("the US") == terms("US")
    assert content_terms("the WHO") != []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("US $310 million", {"310"}),
        ("five days, 3,000 km and 2.7 million", {"5", "3000", "2.7"}),
        ("one of them", set()),  # a pronoun
        ("COVID-19", {"19"}),
        ("nothing", set()),
        ("", set()),
    ],
)
def test_numbers(text: str, found: set[str]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Who is Marcelo Ebrard?", "Marcelo Ebrard"),
        ("What is the capital of Australia?", "Australia"),
        ("Who is Mexico's foreign minister?", "Mexico"),
        ("Mexico's minister?", "Mexico"),
        ("AMLO said what?", "AMLO"),
        ("How much aid was announced?", ""),
        ("Is the CEO rich?", ""),
        ("What did the WHO say?", "WHO"),
        ("Who's the captain?", ""),
        ("When does the A&E of Tessin close?", "Tessin"),
        ("What is the US's answer?", "US"),
        ("Kamala Harris said it. Then what?", "Kamala Harris"),
        ("", ""),
    ],
)
def test_names(question: str, found: str) -> None:
    assert names(question) == [term for word in found.split() for term in terms(word)]


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Andres Manuel Lopez Obrador", "amlo"),
        ("Andrés Manuel López Obrador", "amlo"),
        ("the World Health Organization said", "who"),
        ("North American Free-Trade Agreement", "nafta"),
    ],
)
def test_initials(text: str, short: str) -> None:
    assert short in initials(text)


def test_initials_need_neighbours() -> None:
    # the three capitals stand apart, so they are nobody's initials
    assert initials("Andres met Manuel, and Lopez came") == set()
    assert initials("Kamala Harris") == set()


@pytest.mark.parametrize(
    ("a", "b"), [("mexico", "mexican"), ("brazil", "brazilian"), ("hondura", "honduran"), ("biden", "biden")]
)
def test_same_name(a: str, b: str) -> None:
    assert same_name(a, b) and same_name(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [("mexico", "morocco"), ("biden", "harri"), ("iran", "iraq"), ("310", "3100"), ("us", "uk"), ("", "mexico")],
)
def test_other_name(a: str, b: str) -> None:
    assert not same_name(a, b) and not same_name(b, a)


def test_split_keeps_every_character() -> None:
    text = "Mr. Biden met U.S. aides.  They talked.\nThen they left.  "
    assert "".join(split_sentences(text)) == text
    assert [piece.strip() for piece in split_sentences(text)] == [
        "Mr. Biden met U.S. aides.",
        "They talked.",
        "Then they left.",
    ]


@pytest.mark.parametrize("space", "\u00a0\u2009\u202f\u3000\u2028\x85")
def test_space_of_another_script_before_a_full_stop(space: str) -> None:
    # French and Chinese type-setting; the splitter's own library panics here
    text = f"She has a plan B{space}. He has none{space}! They left."
    assert "".join(split_sentences(text)) == text


@given(st.text())
def test_no_text_breaks_anything(text: str) -> None:
    assert "".join(split_sentences(text)) == text
    assert fold(fold(text)) == fold(text)
    assert all(terms(text)) and all(words(text))
    assert set(content_terms(text)) <= set(terms(text))
    assert numbers(text) <= set(terms(text))
    assert all(names(text))
    assert all(len(short) >= 3 for short in initials(text))


@given(st.text(max_size=20), st.text(max_size=20))
def test_same_name_has_no_direction(a: str, b: str) -> None:
    assert same_name(a, b) == same_name(b, a)
    assert same_name(a, a)


BYLINE = "The night line ends\n\nBy Ana Kovic, science correspondent, Tessin Post\n\n"


@pytest.mark.parametrize(
    ("head", "who", "wanted"),
    [
        (BYLINE, "Tessin Post", True),
        (BYLINE, "Kovic", True),
        (BYLINE, "correspondent", False),
        (BYLINE, "Larkspur", False),
        ("The night line ends\nTPR News, 20 May\n", "TPR News", True),
        ("The night line ends\n\nTESSIN, 4 May (Norwire) - ", "norwire", True),
        ("The night line ends\n\nTessin Post wins the cup\n\n", "Tessin Post", False),
        ("By Ana Kovic\n", "Kovic", False),  # the title
    ],
)
def test_published_by(head: str, who: str, wanted: bool) -> None:
    body = "The Larkspur ferry made its last journey on Monday, a year after the harbour board had asked for it. " * 2
    assert published_by(f"{head}{body}\nBy the end of May Larkspur will be sold.", who) is wanted
