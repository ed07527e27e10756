"""The circuit breaker, with a clock that stands still."""

from __future__ import annotations

from rag.store.breaker import Breaker


def test_it_lets_one_call_try_after_a_wait_that_doubles() -> None:
    now = 0.0
    breaker = Breaker(first=2.0, most=5.0, clock=lambda: now)
    assert breaker.allows() and not breaker.is_open
    for wait in (2.0, 4.0, 5.0, 5.0):
        breaker.failed()
        assert breaker.is_open and not breaker.allows()
        now += wait - 0.1
        assert not breaker.allows()
        now += 0.1
        assert breaker.allows()
        assert not breaker.allows()  # one trial at a time
    breaker.succeeded()
    assert breaker.allows() and breaker.allows()
    breaker.failed()
    now += 2.0
    assert breaker.allows()
