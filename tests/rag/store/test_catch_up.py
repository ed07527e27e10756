"""Work that is repeated in the background until it succeeds."""

from __future__ import annotations

import threading

from fakes import WAIT

from rag import StoreError, UsageError
from rag.store.catch_up import CatchUp


def test_it_is_repeated_until_it_succeeds() -> None:
    done = threading.Event()
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise StoreError("not yet")
        done.set()

    catch_up = CatchUp(work, first=0.01, most=0.02)
    assert not catch_up.pending
    catch_up.start("why")
    catch_up.start("again")
    assert done.wait(WAIT)
    catch_up.stop()
    assert len(tries) == 3 and not catch_up.pending


def test_it_ends_when_it_is_stopped_and_does_not_begin_again() -> None:
    catch_up = CatchUp(lambda: None, first=WAIT)
    catch_up.start("why")
    assert catch_up.pending
    catch_up.stop()
    catch_up.start("why")
    assert not catch_up.pending


def test_it_begins_on_errors_of_one_kind() -> None:
    catch_up = CatchUp(lambda: None, first=WAIT)
    try:
        with catch_up.on(StoreError):
            raise UsageError("another kind")
    except UsageError:
        assert not catch_up.pending
    with catch_up.on(StoreError):
        raise StoreError("down")
    assert catch_up.pending
    catch_up.stop()
