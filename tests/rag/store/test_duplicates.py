"""Near-identical texts: signatures estimate what is shared, bands bring pairs together, groups follow."""

from __future__ import annotations

import random

import pytest

from rag.store.duplicates import SIMILAR, bands, components, signature, similarity

WORDS = [f"word{n}" for n in range(2000)]


def text(seed: int, length: int = 300) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=length))


def changed(original: str, words: int, first: int = 1) -> str:
    """The text with so many of its words replaced, from the `first` on, each far from the others."""
    found = original.split()
    for n in range(words):
        found[(n * len(found)) // words + first] = f"new{n}"
    return " ".join(found)


def shared(one: str, other: str) -> float:
    """The share of runs of three words that both have, counted."""

    def runs(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        return set(zip(words, words[1:], words[2:], strict=False))

    return len(runs(one) & runs(other)) / len(runs(one) | runs(other))


@pytest.mark.parametrize("words", [0, 3, 10, 30, 100])
def test_estimates_what_is_counted(words: int) -> None:
    original = text(1)
    other = changed(original, words)
    # 120 draws: a standard error of at most sqrt(0.25 / 120) = 0.046
    assert similarity(signature(original), signature(other)) == pytest.approx(shared(original, other), abs=3 * 0.046)


def test_layout_and_case_do_not_count() -> None:
    assert signature("Cod left the bay.\n\nIt froze!") == signature("COD left\tthe bay: it froze")
    assert signature("") == signature("...")
    assert signature("cod") != signature("herring")
    assert len(signature("half of a pair: \ud800 is no letter")) == 4 * 120


def test_long_texts_are_signed_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = signature(text(1, 1000))
    monkeypatch.setattr("rag.store.duplicates._SLICE", 7)
    assert signature(text(1, 1000)) == whole


def test_near_identical_ones_meet_in_a_band() -> None:
    pairs = [(text(n), changed(text(n), 10)) for n in range(100)]  # 3 of 298 runs change with each word: 0.82 shared
    met = sum(bool(set(bands(signature(a))) & set(bands(signature(b)))) for a, b in pairs)
    assert met >= 97  # 1 - (1 - 0.82 ** 6) ** 20 = 0.999
    strangers = sum(bool(set(bands(signature(text(n)))) & set(bands(signature(text(n + 500))))) for n in range(100))
    assert strangers == 0


def test_same_hashes_in_every_process() -> None:
    assert bands(signature("cod left the bay"))[:2] == [-5756764260074130134, 1538565475337381632]


def test_groups() -> None:
    a, b = text(1), text(2)
    ab = changed(a, 5)
    signed = {1: signature(a), 2: signature(b), 5: signature(ab), 7: signature(changed(b, 5))}
    assert components(signed) == [[1, 5], [2, 7]]
    assert components(dict(reversed(list(signed.items())))) == [[1, 5], [2, 7]]
    assert components({}) == []


def test_a_chain_is_one_group_until_its_middle_goes() -> None:
    a = text(3)
    b, c = changed(a, 12, first=1), changed(a, 12, first=9)
    assert min(similarity(signature(a), signature(x)) for x in (b, c)) >= SIMILAR
    assert similarity(signature(b), signature(c)) < SIMILAR
    assert components({1: signature(b), 2: signature(a), 3: signature(c)}) == [[1, 2, 3]]
    assert components({1: signature(b), 3: signature(c)}) == [[1], [3]]
