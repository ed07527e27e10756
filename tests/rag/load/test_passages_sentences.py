"""Where sentences begin and end."""

from __future__ import annotations

import pytest
from split_texts import seed, texts

from rag.load.passages import MAX_SENTENCE_CHARS


@pytest.mark.parametrize(
    "sentence",
    [
        "The U.S. fleet came home.",
        "The U.S.-bound boats came home.",
        "Mr. Lund came home.",
        "Mrs. Lund met Ms. Poe.",
        "On Monday Ms. Poe came home.",
        "Dr. Vang of St. Olav's Hospital met Gov. Lee.",
        "It costs US $310 million a year.",
        "It costs 3,000.50 crowns, or about 2.7 percent.",
        "On Jan. 5 at 10 a.m. the boats came home.",
        "Mayor J. R. Lund Jr. came home.",
        "Yachts Inc. paid for it, the No. 2 official said.",
        "Washington, D.C. Mayor Poe came home.",
        "“It is over,” she said.",
        '"Is it over?" she asked.',
        "“It is over. Nobody came,” she said.",  # two sentences in one quotation, one statement
        "‘Never,’ said the baker.",
    ],
)
def test_one_sentence(sentence: str) -> None:
    before, after = "The boats left in spring.", "Nobody slept."
    assert texts(f"{before} {sentence} {after}") == [before, sentence, after]


@pytest.mark.parametrize(
    "parts",
    [
        ["She said: “I quit.”", "Then she left."],
        ['He called it "cordial."', "They parted."],
        ["“Why now?”", "Nobody knew."],
        ["Is it over?", "It is!", "Good."],
        ["He left the D.C. office.", "She stayed."],
        ["It cost 310.", "Then it cost 12."],
        ["“Stop!” he said.", "“Because I can,” she said."],
        ["The strike ends in May.", "Nobody knows why."],
        ["Nobody told me.", "Then it rained."],
        ["The answer was no.", "Nobody spoke."],
    ],
)
def test_several_sentences(parts: list[str]) -> None:
    assert texts(" ".join(parts)) == parts


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("000", 'Mexican foreign minister Marcelo Ebrard said the phone call between the two leaders was "cordial."'),
        (
            "001",
            "The brief letter contained an implicit warning against getting involved in Mexico’s internal affairs.",
        ),
        (
            "002",
            "The Mexican president has said that maintaining good relations with the US — Mexico’s top trading partner "
            "— is one of his top priorities.",
        ),
        (
            "003",
            "Harris recently announced US $310 million in additional aid for the region, which has been hit hard by "
            "the coronavirus pandemic and recent hurricanes.",
        ),
        ("004", "More than 186,000 Mexicans have died from the coronavirus, the third highest tally in the world."),
        ("004", "“That is our focus.”"),
        (
            "004",
            "Secretary of State Antony Blinken and Homeland Security Secretary Alejandro Mayorkas sit during a virtual "
            "bilateral meeting between US President Joe Biden and Mexican President Andres Manuel Lopez Obrador",
        ),
    ],
)
def test_sentence_of_the_seeds(number: str, sentence: str) -> None:
    assert sentence in texts(seed(number).text)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_hard_wrapped_lines_are_joined(ending: str) -> None:
    text = (
        "The council met on Tuesday to talk about the new bridge, which had been\n"
        "planned for years and will cost 3,000 crowns. The mayor, Ana Vang, said\n"
        "that the work will begin in spring.\n"
        "\n"
        "READ MORE: The bridge that never was, and other tales from the harbour\n"
        "that nobody believes\n"
        "\n"
        "Nobody objected.\n"
    ).replace("\n", ending)
    assert [" ".join(sentence.split()) for sentence in texts(text)] == [
        "The council met on Tuesday to talk about the new bridge, which had been planned for years and will cost "
        "3,000 crowns.",
        "The mayor, Ana Vang, said that the work will begin in spring.",
        "Nobody objected.",
    ]


def test_endless_sentence_is_cut_at_a_space() -> None:
    words = " ".join(["word"] * 1000)  # 1000 * 4 + 999 characters
    found = texts(words)
    assert " ".join(found) == words
    assert max(map(len, found)) <= MAX_SENTENCE_CHARS
    assert "".join(texts("x" * 4999)) == "x" * 4999
