"""What is no prose: bylines, credits, links to other articles, headings; and captions, which are evidence."""

from __future__ import annotations

import pytest
from split_texts import seed, texts

from rag.load.files import make_document
from rag.load.passages import split


@pytest.mark.parametrize(
    "line",
    [
        "READ MORE: Why the cod left",
        "Read more: Why the cod left",
        "Read also: Ten things about herring",
        "READ ALSO | Ten things about herring",
        "Also read: Ten things about herring",
        "SEE ALSO: Cod prices",
        "Related: Cod prices",
        "Watch: The cod at home",
        "By Ingrid Solheim",
        "By Ingrid Solheim and Jo Lie",
        "By Tom O’Neil and Ana de la Cruz",
        "By Ingrid Solheim, Reuters",
        "Source: Reuters (en)",
        "Source: The Harbour Post",
        "SOURCE: AFP",
        "(Source: AFP)",
        "Sources: Reuters; AFP",
        "Photo: Jo Lie",
        "(Photo : Jo Lie/Getty Images)",
        "Image: A trawler leaves the harbour. [File: Jo Lie/AP]",
        "AFP",
        "Copyright: 2024 The Harbour Post",
        "© 2024 The Harbour Post",
        "Advertisement",
        "Updated: 5 May 2024",
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\n\n", "\r\n", "\r\n\r\n"])
def test_furniture_is_no_evidence(line: str, ending: str) -> None:
    first, last = "The town council met about the cod on Tuesday.", "Nobody objected to the ban on night fishing."
    assert texts(ending.join([first, line, last])) == [first, last]
    assert texts(ending.join([first, last, line])) == [first, last]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "A trawler leaves the harbour on Monday without lights [Jo Lie/Reuters]",
            "A trawler leaves the harbour on Monday without lights",
        ),
        (
            "A trawler leaves the harbour, without indicating when it returns [File: Jo Lie/Reuters]",
            "A trawler leaves the harbour, without indicating when it returns",
        ),
        (
            "Mayor Ana Vang, left, greets the captain (R), during a visit to Tessin on May 5, 2012.",
            "Mayor Ana Vang, left, greets the captain (R), during a visit to Tessin on May 5, 2012.",
        ),
        (
            "The trawler Solveig lies in the harbour of Tessin on May 5, 2012\nReuters",
            "The trawler Solveig lies in the harbour of Tessin on May 5, 2012",
        ),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\n\n", "\r\n"])
def test_caption_is_evidence_by_itself(line: str, said: str, ending: str) -> None:
    first, last = "The town council met about the cod on Tuesday.", "Nobody objected to the ban on night fishing."
    document = make_document(ending.join([first, line, last, line]), "a.txt")
    # Once, whole, without its credit, and never the sentence before one that says "he".
    assert [c.text for c in split(document)] == [first, said, last]


def test_caption_of_a_few_words_is_no_evidence() -> None:
    assert texts("The boats left.\n\nThe harbour [Jo Lie/Reuters]\n\nNobody objected.") == [
        "The boats left.",
        "Nobody objected.",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "By Monday the boats had left.",
        "By John Lund's account, it was wet.",
        "Source of the river is the Larkspur lake.",
        "Sources said that the deal was off.",
        "Photo shops closed in May, the paper said.",
        "Read the room, she told the council.",
        "Watch makers moved to Tessin in 1931.",
        "Reuters said that the boats had left.",
        "The boats left at night, according to AFP.",
        "Updated rules came into force on Monday.",
        "Brann 3-1 Viking",
        "The storm came on Monday night, the mayor said. (Reuters)",
    ],
)
def test_prose_that_looks_like_furniture_is_kept(line: str) -> None:
    first, last = "The town council met about the cod on Tuesday.", "Nobody objected to the ban on night fishing."
    assert line.removesuffix(" (Reuters)") in "\n".join(texts(f"{first}\n\n{line}\n\n{last}"))


def test_article_of_another_subject() -> None:
    text = """Harbour town bans night fishing

By Ingrid Solheim

Photo: Jo Lie

Night fishing ends in May, Mr. Lund said on Tuesday. "We waited too long," he added.

READ MORE: Why the cod left

The U.S. fleet pays US $310 million a year, which the town needs.

Source: The Harbour Post
"""
    assert texts(text) == [
        "Night fishing ends in May, Mr. Lund said on Tuesday.",
        '"We waited too long," he added.',
        "The U.S. fleet pays US $310 million a year, which the town needs.",
    ]


@pytest.mark.parametrize(
    ("number", "furniture"),
    [
        ("000", ["(Photo : Hector Vivas/Getty Images)"]),
        ("000", ["Read also: Fact Check", "Read also: Clash Over"]),
        ("000", ["New Immigration Approach Offers Regional, Border", "Extends Delayed Congratulations to Biden\n"]),
        ("001", ["AFP", "READ MORE", "\nA new approach"]),
        ("003", ["Source: Reuters"]),
        ("004", ["[Kevin Lamarque/Reuters]", "[File: Henry Romero/Reuters]", "Source: Al Jazeera"]),
    ],
)
def test_furniture_of_the_seeds(number: str, furniture: list[str]) -> None:
    document = seed(number)
    evidence = "\n".join(document.text[s.start : s.end] + "\n" for c in split(document) for s in c.sentences)
    for words in furniture:
        assert words in document.text, "the document keeps it"
        assert words not in evidence


@pytest.mark.parametrize(
    "text", ["Storm hits the coast", "# Storm hits the coast\n", "By Jo Lie", "READ MORE: Cod", "42", "…"]
)
def test_text_that_is_all_heading_is_all_there_is(text: str) -> None:
    assert texts(text) == [text.strip()]


def test_headline_is_left_to_the_title() -> None:
    assert texts("Storm hits the coast\n\nIt rained on Monday.") == ["It rained on Monday."]


def test_a_line_of_newspaper_date_and_writer_is_no_evidence() -> None:
    told = "The town council met about the cod on Tuesday."
    assert texts(f"Council meets\nHarbour Courier, 14 May 2024, by Ann Roe\n\n{told}") == [told]
