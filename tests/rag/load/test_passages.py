"""Documents to passages: where sentences end, what is no prose, and offsets that always hold."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fakes import SEEDS
from hypothesis import given
from hypothesis import strategies as st

from rag.load.files import make_document
from rag.load.passages import MAX_SENTENCE_CHARS, sentences, split
from rag.types import Chunk, Document, Span

# What breaks splitters: line ends of every kind, quotes, brackets, furniture, combining and astral characters.
PIECES = [
    "It rained. ",
    "Mr. Lund left. ",
    "The U.S. paid US $310 million. ",
    "“Stop!” ",
    "‘No.’ ",
    '"Why?" ',
    "...",
    "…",
    ".",
    "!",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "\x85",
    "\u2028",
    "\u2029",
    "\v",
    "\f",
    "\x1c",
    "\t",
    " ",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\ufeff",
    "READ MORE: Cod\n",
    "Photo: Jo Lie\n",
    "By Jo Lie\n",
    "Source: AFP",
    "Reuters\n",
    "# ",
    "- ",
    "[",
    "]",
    "(",
    ")",
    "“",
    "”",
    "«",
    "e\u0301",
    "🎣",
    "👩‍👩‍👧",
    "B",
    "日本語。",
    "नमस्ते। ",
    "سلام؟ ",
    "İ",
    "ß",
    "ﬁ",
    "x" * 400,
    "word " * 300,
]
ANY_TEXT = st.one_of(st.text(), st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=40).map("".join))


def texts(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text)]


def seed(number: str) -> Document:
    path = next(SEEDS.glob(f"{number}_*.txt"))
    return make_document(path.read_bytes().decode(), path.name)


def assert_spans_hold(document: Document, chunks: list[Chunk], size: int) -> None:
    behind = 0
    for chunk in chunks:
        assert chunk.text == document.text[chunk.start : chunk.end]
        assert chunk.document_id == document.id
        assert 1 <= len(chunk.sentences) <= size
        assert chunk.sentences[0].start == chunk.start and chunk.sentences[-1].end == chunk.end
        for span in chunk.sentences:
            assert behind <= span.start < span.end
            behind = span.end
            sentence = document.text[span.start : span.end]
            assert sentence == sentence.strip() != ""
            assert len(sentence) <= MAX_SENTENCE_CHARS
    assert len({chunk.id for chunk in chunks}) == len(chunks)


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


@pytest.mark.parametrize("number", ["000", "001", "002", "003", "004"])
@pytest.mark.parametrize("size", [1, 4, 64])
def test_offsets_of_the_seeds(number: str, size: int) -> None:
    document = seed(number)
    assert_spans_hold(document, split(document, size), size)


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


@pytest.mark.parametrize(
    "text", ["Storm hits the coast", "# Storm hits the coast\n", "By Jo Lie", "READ MORE: Cod", "42", "…"]
)
def test_text_that_is_all_heading_is_all_there_is(text: str) -> None:
    assert texts(text) == [text.strip()]


def test_headline_is_left_to_the_title() -> None:
    assert texts("Storm hits the coast\n\nIt rained on Monday.") == ["It rained on Monday."]


def test_passages_do_not_cross_furniture() -> None:
    document = make_document("One came. Two came.\n\nREAD MORE: Cod\n\nThree came.\n\nFour came.", "a.txt")
    assert [c.text for c in split(document, 4)] == ["One came. Two came.", "Three came.\n\nFour came."]


def test_passages_are_even() -> None:
    document = make_document(" ".join(f"Boat {n} left." for n in range(6)), "a.txt")
    # six sentences of at most four: 3 + 3, not 4 + 2
    assert [len(c.sentences) for c in split(document, 4)] == [3, 3]


def test_endless_sentence_is_cut_at_a_space() -> None:
    words = " ".join(["word"] * 1000)  # 1000 * 4 + 999 characters
    found = texts(words)
    assert " ".join(found) == words
    assert max(map(len, found)) <= MAX_SENTENCE_CHARS
    assert "".join(texts("x" * 4999)) == "x" * 4999


def test_ids_tell_documents_apart() -> None:
    first, second = (split(make_document(text, "a.txt")) for text in ("It rained.", "It snowed."))
    assert first[0].id != second[0].id
    assert first == split(make_document("It rained.", "b.txt"))


def test_long_text_takes_seconds_at_most() -> None:
    # A splitter that compares every line with every other would need minutes here.
    document = make_document("The mayor said that it rained on Monday.\n\n" * 5_000, "a.txt")
    chunks = split(document)
    assert sum(len(c.sentences) for c in chunks) == 5_000


@given(ANY_TEXT.filter(str.strip), st.integers(1, 6))
def test_no_text_breaks_chunking(text: str, size: int) -> None:
    document = make_document(text, "a.txt")
    chunks = split(document, size)
    assert_spans_hold(document, chunks, size)
    assert chunks, "every text has something to cite"
    assert chunks == split(document, size)


@given(ANY_TEXT)
def test_sentences_are_spans_in_order(text: str) -> None:
    spans = sentences(text)
    assert all(isinstance(span, Span) and 0 <= span.start < span.end <= len(text) for span in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
