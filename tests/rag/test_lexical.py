"""The lexical index, with the real tantivy."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from fakes import make_passages

from rag import StoreError
from rag.lexical import LexicalIndex
from rag.text import terms
from rag.types import Chunk

Entry = tuple[Chunk, list[list[str]], list[str]]


def entries(text: str, around: str = "") -> list[Entry]:
    """The passages of a text, each with its sentences' terms and no terms around them but these."""
    document, chunks, _ = make_passages(text)
    return [(c, [terms(document.text[s.start : s.end]) for s in c.sentences], terms(around)) for c in chunks]


@pytest.fixture
def index(tmp_path: Path) -> LexicalIndex:
    return LexicalIndex(tmp_path / "lexical")


def test_empty(index: LexicalIndex) -> None:
    assert index.count() == 0
    assert index.search(["boat"], 5) == [] == index.search([], 5)
    assert index.document_frequency("boat") == 0


def test_bm25_as_robertson_wrote_it(index: LexicalIndex) -> None:
    index.add(entries("Cod left. Cod came. Herring came home."))
    # Three sentences with 2, 2 and 3 terms, 7 / 3 on average; "herring" stands once, in the third.
    k1, b = 1.2, 0.75
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    score = idf * 1 * (k1 + 1) / (1 + k1 * (1 - b + b * 3 / (7 / 3)))
    [(_, number, found)] = index.search(terms("herring"), 5)
    assert number == 0  # the first sentence of the second passage
    assert found == pytest.approx(score, rel=1e-3)


def test_surroundings_count_half(index: LexicalIndex) -> None:
    index.add(entries("Cod left.", around="herring"))
    [(_, _, around)] = index.search(terms("herring"), 5)
    # one entry in all: idf = ln(1 + (1 - 1 + 0.5) / (1 + 0.5)), and the length is the average
    assert around == pytest.approx(0.5 * math.log(1 + 0.5 / 1.5) * 2.2 / (1 + 1.2), rel=1e-3)


def test_best_first_and_limit(index: LexicalIndex) -> None:
    index.add(entries("Cod and herring left. Cod left. Trout left."))
    found = index.search(terms("herring cod"), 5)
    scores = [score for *_, score in found]
    assert len(found) == 2 and scores == sorted(scores, reverse=True)
    assert index.search(terms("herring cod"), 1) == found[:1]


def test_words_match_as_they_are(index: LexicalIndex) -> None:
    index.add(entries("The minister left. The minster burned."))
    assert len(index.search(["minster"], 5)) == 1
    assert index.search(["minstre"], 5) == []


def test_nearest_known_word(index: LexicalIndex) -> None:
    index.add(entries("The trawler met a cod in 2019. A trawler sank. The crawler left. Migration grew."))
    assert index.nearest("trawlr") == "trawler"
    assert index.nearest("trawelr") == "trawler"  # two letters that changed places are one slip
    assert index.nearest("trxwlr") is None  # two slips in a short word make another word
    for other in ("cd", "cad", "2018", "xyzzy", "", "🎣"):
        assert index.nearest(other) is None


def test_nearest_of_several_is_the_most_frequent(index: LexicalIndex) -> None:
    index.add(entries("The cabin burned. The cabin sank. The cabal met."))
    assert index.nearest("cabil") in ("cabin", "cabal")
    index.add(entries("One cabal. Two cabal. Three cabal."))
    assert index.nearest("cabxl") == "cabal"


def test_nothing_is_near_in_an_empty_index(index: LexicalIndex) -> None:
    assert index.nearest("trawler") is None


def test_removing(index: LexicalIndex) -> None:
    first, second = entries("Cod left. Herring left. Trout left.")
    index.add([first, second])
    assert index.count() == 2 + 1
    index.remove([first[0].id, "no-such-passage"])
    assert index.count() == 1
    assert index.search(terms("cod"), 5) == []
    assert [chunk for chunk, *_ in index.search(terms("trout"), 5)] == [second[0].id]


def test_clear(index: LexicalIndex) -> None:
    index.add(entries("Cod left."))
    index.clear()
    assert index.count() == 0
    index.add(entries("Cod left."))
    assert index.count() == 1


def test_kept_across_opening(tmp_path: Path, index: LexicalIndex) -> None:
    index.add(entries("Cod left."))
    again = LexicalIndex(tmp_path / "lexical")
    assert again.count() == 1
    assert again.search(terms("cod"), 5) == index.search(terms("cod"), 5)


@pytest.mark.parametrize(
    "term", ['"', "AND", "sentence:cod", "c*", "(", "\\", "+cod -left", "cod~9", "x" * 70_000, "🎣"]
)
def test_no_term_is_a_query_language(index: LexicalIndex, term: str) -> None:
    index.add(entries("Cod left."))
    assert index.search([term], 5) == []


def test_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "lexical").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError) as caught:
        LexicalIndex(tmp_path / "lexical")
    assert "\n" not in str(caught.value)


def test_folder_holds_a_broken_index(tmp_path: Path, index: LexicalIndex) -> None:
    index.add(entries("Cod left."))
    (tmp_path / "lexical" / "meta.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="remove that folder"):
        LexicalIndex(tmp_path / "lexical")
