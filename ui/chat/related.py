"""Choose which passages are shown beside a refusal: only those that are near the question."""

from __future__ import annotations

from collections.abc import Iterable

from rag import Evidence

# The score that a passage needs. Chosen on the development halves of the eval sets; docs/chat.md has the figures.
_NEAR = 0.75


def near(related: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return the passages that have to do with the question, in their order."""
    return tuple(passage for passage in related if passage.score >= _NEAR)
