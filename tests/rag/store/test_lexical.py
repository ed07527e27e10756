"""The lexical index, with the real tantivy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import make_passages

from rag import StoreError
from rag.errors import DamagedError
from rag.language.words import terms
from rag.store.lexical import LexicalIndex
from rag.types import Chunk

Entry = tuple[Chunk, list[list[str]], list[str]]


def entries(text: str, around: str = "") -> list[Entry]:
    """The passages of a text, each with its sentences' terms and no terms around them but these."""
    document, chunks, _ = make_passages(text)
    return [(c, [terms(document.text[s.start : s.end]) for s in c.sentences], terms(around)) for c in chunks]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LexicalIndex]:
    index = LexicalIndex(tmp_path / "lexical")
    yield index
    index.close()


def add(index: LexicalIndex, passages: list[Entry]) -> None:
    index.put(passages)
    index.commit()


def remove(index: LexicalIndex, *chunk_ids: str) -> None:
    index.remove(chunk_ids)
    index.commit()


def test_empty(index: LexicalIndex) -> None:
    assert index.count() == 0
    assert index.search(["boat"], 5) == [] == index.search([], 5)
    assert index.document_frequency("boat") == 0


def test_bm25_as_robertson_wrote_it(index: LexicalIndex) -> None:
    add(index, entries("Cod left. Cod came. Herring came home."))
    # Three sentences with 2, 2 and 3 terms, 7 / 3 on average; "herring" stands once, in the third.
    k1, b = 1.2, 0.75
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    score = idf * 1 * (k1 + 1) / (1 + k1 * (1 - b + b * 3 / (7 / 3)))
    [(_, number, found)] = index.search(terms("herring"), 5)
    assert number == 0  # the first sentence of the second passage
    assert found == pytest.approx(score, rel=1e-3)


def test_surroundings_count_half(index: LexicalIndex) -> None:
    add(index, entries("Cod left.", around="herring"))
    [(_, _, around)] = index.search(terms("herring"), 5)
    # one entry in all: idf = ln(1 + (1 - 1 + 0.5) / (1 + 0.5)), and the length is the average
    assert around == pytest.approx(0.5 * math.log(1 + 0.5 / 1.5) * 2.2 / (1 + 1.2), rel=1e-3)


def test_best_first_and_limit(index: LexicalIndex) -> None:
    add(index, entries("Cod and herring left. Cod left. Trout left."))
    found = index.search(terms("herring cod"), 5)
    scores = [score for *_, score in found]
    assert len(found) == 2 and scores == sorted(scores, reverse=True)
    assert index.search(terms("herring cod"), 1) == found[:1]


def test_words_match_as_they_are(index: LexicalIndex) -> None:
    add(index, entries("The minister left. The minster burned."))
    assert len(index.search(["minster"], 5)) == 1
    assert index.search(["minstre"], 5) == []


def test_nearest_known_word(index: LexicalIndex) -> None:
    add(index, entries("The trawler met a cod in 2019. A trawler sank. The crawler left. Migration grew."))
    assert index.nearest_term("trawlr") == "trawler"
    assert index.nearest_term("trawelr") == "trawler"  # two letters that changed places are one slip
    assert index.nearest_term("trxwlr") is None  # two slips in a short word make another word
    for other in ("cd", "cad", "2018", "xyzzy", "", "🎣"):
        assert index.nearest_term(other) is None


def test_nearest_of_several_is_the_most_frequent(index: LexicalIndex) -> None:
    add(index, entries("The cabin burned. The cabin sank. The cabal met."))
    assert index.nearest_term("cabil") in ("cabin", "cabal")
    add(index, entries("One cabal. Two cabal. Three cabal."))
    assert index.nearest_term("cabxl") == "cabal"


def test_nearest_follows_the_index(index: LexicalIndex) -> None:
    add(index, entries("The cabin burned."))
    assert index.nearest_term("cabxn") == "cabin"
    add(index, entries("The cabun sank. A cabun."))
    assert index.nearest_term("cabxn") == "cabun"
    assert index.nearest_term("c" * 100_000) is None


def test_nothing_is_near_in_an_empty_index(index: LexicalIndex) -> None:
    assert index.nearest_term("trawler") is None


def test_removing(index: LexicalIndex) -> None:
    first, second = entries("Cod left. Herring left. Trout left.")
    add(index, [first, second])
    assert index.count() == 2 + 1
    remove(index, first[0].id, "no-such-passage")
    assert index.count() == 1
    assert index.search(terms("cod"), 5) == []
    assert [chunk for chunk, *_ in index.search(terms("trout"), 5)] == [second[0].id]


def test_clear(index: LexicalIndex) -> None:
    add(index, entries("Cod left."))
    index.clear()
    assert index.count() == 1  # as before, until it is committed
    index.commit()
    assert index.count() == 0
    add(index, entries("Cod left."))
    assert index.count() == 1


def test_seen_when_it_is_committed(index: LexicalIndex) -> None:
    index.put(entries("Cod left."))
    assert index.count() == 0 and not index.holds("cod", "sentence")
    index.commit()
    assert index.count() == 1 and index.holds("cod", "sentence")


def test_put_again_is_there_once(index: LexicalIndex) -> None:
    [(chunk, sentences, _)] = entries("Cod left.")
    add(index, [(chunk, sentences, ["herring"])])
    add(index, [(chunk, sentences, ["trout"])])
    add(index, [(chunk, sentences, ["trout"]), (chunk, sentences, ["trout"])])
    assert index.count() == 1
    assert index.holds("trout") and not index.holds("herring")


def test_what_is_removed_is_not_known(index: LexicalIndex) -> None:
    first, second, third = entries("Cod left. Herring left. Trout left. Eel left. Cod came. Cod ate.", around="sea cod")
    add(index, [first, second, third])
    remove(index, third[0].id)
    assert index.holds("cod", "sentence")
    remove(index, first[0].id)
    assert not index.holds("cod", "sentence") and index.holds("eel", "sentence")
    assert index.holds("cod") and index.holds("sea")  # the second passage's surroundings
    remove(index, second[0].id)
    assert not index.holds("cod") and not index.holds("sea")


def test_among_some_passages(index: LexicalIndex) -> None:
    first, second = entries("Cod left. Herring left. Cod came.")
    add(index, [first, second])
    assert [chunk_id for chunk_id, *_ in index.search(["cod"], 5, [second[0].id])] == [second[0].id]
    everywhere = {(chunk_id, number): score for chunk_id, number, score in index.search(["cod"], 5)}
    [(chunk_id, number, score)] = index.search(["cod"], 5, [second[0].id])
    assert everywhere[chunk_id, number] == pytest.approx(score)


def test_numbers_of_sentences(index: LexicalIndex) -> None:
    first, second = entries("Cod left. Herring left. Cod came.")
    add(index, [first, second])
    found = index.numbers([first[0].id, second[0].id, "no-such-passage"], 100)
    assert {chunk_id: sorted(numbers) for chunk_id, numbers in found.items()} == {
        first[0].id: [0, 1],
        second[0].id: [0],
    }
    assert index.numbers([], 100) == {}


def test_after_a_failure_it_writes_again(index: LexicalIndex) -> None:
    add(index, entries("Cod left."))

    def failing() -> Iterator[Entry]:
        yield from entries("Her left.")
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        index.put(failing())
    add(index, entries("Trout left."))
    assert [index.holds(term, "sentence") for term in ("cod", "trout", "her")] == [True, True, False]


def test_half_a_character(index: LexicalIndex) -> None:
    [(chunk, sentences, _)] = entries("Cod left.")
    add(index, [(chunk, sentences, ["\ud800"])])
    assert index.count() == 1


def test_kept_across_opening(tmp_path: Path, index: LexicalIndex) -> None:
    add(index, entries("Cod left."))
    again = LexicalIndex(tmp_path / "lexical")
    assert again.count() == 1
    assert again.search(terms("cod"), 5) == index.search(terms("cod"), 5)


def test_files_of_a_killed_commit_are_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    first, second = entries("Cod left. Herring left. Trout left.")
    index = LexicalIndex(folder)
    add(index, [first, second])
    index.close()
    before = (folder / "meta.json").read_bytes()
    index = LexicalIndex(folder)
    remove(index, first[0].id)
    index.close()
    assert list(folder.glob("*.del"))
    (folder / "meta.json").write_bytes(before)  # killed after the list of what goes was written, before that counted
    index = LexicalIndex(folder)
    assert index.count() == 3
    remove(index, first[0].id)
    assert index.count() == 1
    index.close()


@pytest.mark.parametrize(
    "term", ['"', "AND", "sentence:cod", "c*", "(", "\\", "+cod -left", "cod~9", "x" * 70_000, "🎣"]
)
def test_no_term_is_a_query_language(index: LexicalIndex, term: str) -> None:
    add(index, entries("Cod left."))
    assert index.search([term], 5) == []


def test_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "lexical").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError) as caught:
        LexicalIndex(tmp_path / "lexical")
    assert "\n" not in str(caught.value)


def test_folder_holds_a_broken_index(tmp_path: Path, index: LexicalIndex) -> None:
    add(index, entries("Cod left."))
    (tmp_path / "lexical" / "meta.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="remove that folder"):
        LexicalIndex(tmp_path / "lexical")


def test_file_of_a_commit_that_was_changed_is_noticed(tmp_path: Path, index: LexicalIndex) -> None:
    add(index, entries("Cod left.", "Nets stayed."))
    index.check()
    path = max((tmp_path / "lexical").glob("*.store"), key=lambda found: found.stat().st_size)
    raw = bytearray(path.read_bytes())
    raw[2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DamagedError, match="rag doctor --repair"):
        index.check()


def test_what_a_killed_process_was_writing_is_no_damage(tmp_path: Path, index: LexicalIndex) -> None:
    add(index, entries("Cod left."))
    (tmp_path / "lexical" / f"{'0' * 32}.fast").write_bytes(b"half of it")
    index.check()
