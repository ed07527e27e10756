"""Documents to passages: even ones, and offsets that always hold."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from split_texts import seed

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


@pytest.mark.parametrize("number", ["000", "001", "002", "003", "004"])
@pytest.mark.parametrize("size", [1, 4, 64])
def test_offsets_of_the_seeds(number: str, size: int) -> None:
    document = seed(number)
    assert_spans_hold(document, split(document, size), size)


def test_passages_do_not_cross_furniture() -> None:
    document = make_document("One came. Two came.\n\nREAD MORE: Cod\n\nThree came.\n\nFour came.", "a.txt")
    assert [c.text for c in split(document, 4)] == ["One came. Two came.", "Three came.\n\nFour came."]


def test_passages_are_even() -> None:
    document = make_document(" ".join(f"Boat {n} left." for n in range(6)), "a.txt")
    # six sentences of at most four: 3 + 3, not 4 + 2
    assert [len(c.sentences) for c in split(document, 4)] == [3, 3]


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
