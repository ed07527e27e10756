"""Three stages side by side: order, failures in each, and being left early."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
from fakes import WAIT

from rag.errors import RagError, StoreError
from rag.ingest.pipeline import pipelined

Log = list[str]


class Stages:
    """Counts up in three stages; `fail` says where and what goes wrong."""

    def __init__(self, many: int = 5, fail: tuple[str, int, BaseException] | None = None) -> None:
        self.many, self.fail = many, fail
        self.read: list[int] = []
        self.embedded: list[int] = []
        self.written: list[int] = []
        self.stopped = False

    def check(self, stage: str, number: int) -> None:
        if self.fail and self.fail[:2] == (stage, number):
            raise self.fail[2]

    def batches(self) -> Iterator[int]:
        for number in range(self.many):
            if self.stopped:
                return
            self.check("read", number)
            self.read.append(number)
            yield number

    def embed(self, number: int) -> int:
        self.check("embed", number)
        self.embedded.append(number)
        return number * 10

    def write(self, number: int, vectors: int) -> str:
        self.check("write", number)
        self.written.append(number)
        return f"{number}:{vectors}"

    def stop(self) -> None:
        self.stopped = True

    def run(self) -> list[str]:
        with contextlib.closing(pipelined(self.batches(), self.embed, self.write, self.stop)) as results:
            return list(results)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("dateline-sync")]


@pytest.mark.parametrize("many", [0, 1, 2, 9])
def test_results_come_in_order(many: int) -> None:
    assert Stages(many).run() == [f"{n}:{n * 10}" for n in range(many)]


@pytest.mark.parametrize("stage", ["read", "embed", "write"])
@pytest.mark.parametrize("number", [0, 1, 4])
def test_a_failure_in_any_stage_stops_the_others(stage: str, number: int) -> None:
    stages = Stages(50, (stage, number, ValueError("it\nbroke")))
    with pytest.raises(RagError, match="ValueError: it broke") as caught:
        stages.run()
    assert isinstance(caught.value.__cause__, ValueError)
    assert stages.stopped and len(stages.read) <= number + 4
    assert stages.written == list(range(len(stages.written))), "what is written has no gap"


@pytest.mark.parametrize("stage", ["read", "embed", "write"])
def test_an_error_of_ours_stays_what_it_is(stage: str) -> None:
    with pytest.raises(StoreError, match="disk full"):
        Stages(5, (stage, 2, StoreError("disk full"))).run()


def test_what_is_embedded_before_the_reader_fails_is_written() -> None:
    stages = Stages(5, ("read", 3, StoreError("gone")))
    with pytest.raises(StoreError):
        stages.run()
    assert stages.written == [0, 1, 2]


def test_ctrl_c_finishes_the_write_under_way() -> None:
    stages = Stages(50, ("embed", 3, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        stages.run()
    assert stages.stopped and stages.written == [0, 1, 2]


def test_left_early() -> None:
    stages = Stages(50)
    with contextlib.closing(pipelined(stages.batches(), stages.embed, stages.write, stages.stop)) as results:
        assert next(results) == "0:0"
    assert stages.stopped and len(stages.written) <= 2


def test_stages_run_side_by_side() -> None:
    """The first write ends only when the next batch is being embedded and the one after that has been read."""
    stages = Stages(3)
    reading, embedding = threading.Event(), threading.Event()

    def batches() -> Iterator[int]:
        for number in stages.batches():
            if number == 2:
                reading.set()
            yield number

    def embed(number: int) -> int:
        if number == 1:
            embedding.set()
        return stages.embed(number)

    def write(number: int, vectors: int) -> str:
        assert embedding.wait(WAIT) and reading.wait(WAIT)
        return stages.write(number, vectors)

    with contextlib.closing(pipelined(batches(), embed, write, stages.stop)) as results:
        assert len(list(results)) == 3


def test_no_more_than_three_batches_are_held() -> None:
    stages = Stages(30)
    most = 0

    def embed(number: int) -> int:
        nonlocal most
        most = max(most, len(stages.read) - len(stages.written))
        return stages.embed(number)

    with contextlib.closing(pipelined(stages.batches(), embed, stages.write, stages.stop)) as results:
        assert len(list(results)) == 30
    assert most <= 3
