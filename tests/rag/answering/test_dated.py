"""Which sentence of another article gives another value for what was asked."""

from __future__ import annotations

import pytest

from rag.answering.citation import cite
from rag.answering.dated import other_value
from rag.answering.verify import Verdict
from rag.types import Evidence, Span

RAIL = "Rail service to the capital resumed on Wednesday morning."


def evidence(document: str, text: str, score: float) -> Evidence:
    return Evidence(1, f"{document}.txt", "", text, 0, len(text), score, 0.3, 0.3, document, Span(0, len(text)))


@pytest.mark.parametrize(
    ("other", "score", "found"),
    [
        ("Trains to the capital ran again on Thursday.", 1.3, True),
        ("The first trams are expected to run in late 2029.", 0.7, False),  # far from what is asked
    ],
)
def test_another_value_is_one_for_the_same_thing(other: str, score: float, found: bool) -> None:
    own, rival = evidence("a", RAIL, 1.4), evidence("b", other, score)
    verdict = Verdict("on Wednesday morning [1]", (cite(1, own, 1.0),), False, 1.0)
    assert other_value("When did trains to the capital run again?", verdict, [own, rival]) == (rival if found else None)
