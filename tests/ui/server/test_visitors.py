"""Who sent a request, and who still listens."""

from __future__ import annotations

import pytest

from ui.server import visitors
from ui.server.visitors import COOKIE, Owners, Presence, visitor_id


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(visitors, "time", clock)
    return clock


def test_page_is_gone_some_seconds_after_its_last_stream(clock: Clock) -> None:
    presence = Presence()
    presence.sent("a")
    presence.came("a")
    clock.now += 10 * visitors.GRACE
    assert not presence.gone("a")
    presence.went("a")
    assert not presence.gone("a")
    clock.now += visitors.GRACE + 1
    assert presence.gone("a")


def test_page_that_asks_again_has_time_to_open_its_stream(clock: Clock) -> None:
    presence = Presence()
    presence.came("a")
    presence.went("a")
    clock.now += 10 * visitors.GRACE
    presence.sent("a")
    assert not presence.gone("a")
    clock.now += visitors.GRACE + 1
    assert presence.gone("a")


def test_second_stream_keeps_a_page(clock: Clock) -> None:
    presence = Presence()
    presence.came("a")
    presence.came("a")
    presence.went("a")
    clock.now += visitors.GRACE + 1
    assert not presence.gone("a") and presence.gone("b")


@pytest.mark.parametrize("value", ["", "x", "0" * 31, "g" * 32, "0" * 32 + "; x", '"'])
def test_cookie_of_another_form_is_none(value: str) -> None:
    assert visitor_id({"cookie": f"{COOKIE}={value}"}, "::1") in ("at ::1", "0" * 32)
    assert visitor_id({"cookie": f"{COOKIE}={'a1' * 16}"}, "::1") == "a1" * 16


def test_a_page_belongs_to_whoever_names_it_first(monkeypatch: pytest.MonkeyPatch) -> None:
    owners = Owners()
    assert owners.own("a", "anna") and owners.own("a", "anna") and not owners.own("a", "ben")
    monkeypatch.setattr(visitors, "_MOST_OF_READER", 3)
    for number in range(10):  # pushes out ben's own pages only
        assert owners.own(f"b{number}", "ben")
    assert not owners.own("a", "ben") and owners.own("b0", "carl")
    monkeypatch.setattr(visitors, "_MOST_OWNED", 3)
    for number in range(10):
        assert owners.own(f"c{number}", f"reader{number}")
    assert len(owners._owners) <= 5 and len(owners._pages) <= 5
