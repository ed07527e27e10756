"""What each kind of model is given."""

from __future__ import annotations

import pytest

from rag import Settings
from rag.models.profile import estimated_tokens, profile_of


@pytest.mark.parametrize(
    ("profile", "is_local", "strong"),
    [("auto", True, False), ("auto", False, True), ("small", False, False), ("strong", True, True)],
)
def test_kinds(profile: str, is_local: bool, strong: bool) -> None:
    assert profile_of(Settings(profile=profile), is_local).strong is strong


def test_more_sentences_need_less_of_the_best_score_and_get_more_room() -> None:
    few, many = (profile_of(Settings(evidence=n), is_local=True) for n in (5, 20))
    assert (few.evidence, few.worth, few.evidence_chars) == (5, 0.8, 1500)
    assert (many.evidence, many.worth, many.evidence_chars) == (20, 0.2, 6000)
    assert profile_of(Settings(evidence=1), is_local=True).worth == 0.8


def test_tokens_that_are_set_count() -> None:
    settings = Settings(evidence_tokens=100, answer_tokens=50)
    for is_local in (True, False):
        profile = profile_of(settings, is_local)
        assert (profile.evidence_tokens, profile.answer_tokens, profile.evidence_chars) == (100, 50, 400)


def test_estimate_of_tokens() -> None:
    assert [estimated_tokens(text) for text in ("", "word", "five5", "大坝", "大坝 dam!")] == [0, 1, 2, 2, 4]
