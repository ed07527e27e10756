"""How often a call to a server is tried again."""

from __future__ import annotations

import pytest

from rag.store import retry


def test_pauses_grow_until_the_patience_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now, pauses = [0.0], []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("rag.store.retry.time.monotonic", lambda: now[0])
    monkeypatch.setattr("rag.store.retry.time.sleep", sleep)
    monkeypatch.setattr("rag.store.retry.random.uniform", lambda least, most: most)
    assert list(retry.attempts(30.0)) == list(range(len(pauses) + 1))
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]


def test_there_are_two_attempts_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSE", 0.0)
    assert list(retry.attempts(0.0)) == [0, 1]
