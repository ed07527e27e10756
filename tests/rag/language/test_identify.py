"""Languages: what is declared is understood, what is not is detected or left open."""

from __future__ import annotations

import pytest
from fakes import SEEDS

from rag.language.identify import code, detect


@pytest.mark.parametrize(
    ("declared", "meant"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("EN_us", "en"),
        ("eng", "en"),
        ("deu", "de"),
        ("und", ""),
        ("English", ""),
        ("", ""),
    ],
)
def test_declared_languages(declared: str, meant: str) -> None:
    assert code(declared) == meant


def test_the_seeds_are_english() -> None:
    assert {detect(path.read_text(encoding="utf-8")) for path in SEEDS.glob("*.txt")} == {"en"}


@pytest.mark.parametrize("text", ["", "Hi.", "GDP 4.2", "Obrador Biden Ebrard", "1 2 3 4 5 6 7 8 9 " * 20, "xqz " * 50])
def test_what_is_in_no_plain_language(text: str) -> None:
    assert detect(text) == ""
