"""A pipeline of three concurrent stages: read, embed and write, each one batch ahead of the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rag.errors import RagError, one_line

B = TypeVar("B")
V = TypeVar("V")
R = TypeVar("R")


def pipelined(
    batches: Iterator[B], embed: Callable[[B], V], write: Callable[[B, V], R], stop: Callable[[], None]
) -> Generator[R, None, None]:
    """Yield what `write` returns for each batch, in order.

    One thread takes the next batch and another writes the last one, while the caller's thread embeds. However this
    ends, both threads have ended by then, and a write in progress is finished. Close the generator if you leave early.

    Args:
        batches: The batches, which are taken in one thread.
        embed: Called in the caller's thread.
        write: Called in one thread, with a batch and what `embed` returned for it.
        stop: Called when no more batches are wanted.

    Raises:
        RagError: A stage failed; the first failure stops the others.
    """
    pool = ThreadPoolExecutor(2, thread_name_prefix="dateline-sync")
    writing: Future[R] | None = None
    try:
        reading = pool.submit(_named("reading", lambda: next(batches, None)))
        while (batch := reading.result()) is not None:
            reading = pool.submit(_named("reading", lambda: next(batches, None)))
            vectors = _named("embedding", lambda batch=batch: embed(batch))()  # type: ignore[misc]
            if writing:
                yield writing.result()
            writing = pool.submit(_named("writing", lambda b=batch, v=vectors: write(b, v)))  # type: ignore[misc]
        if writing:
            yield writing.result()
    finally:
        stop()
        _wait(pool)


def mapped(
    items: Iterator[B], work: Callable[[B], R], window: int, stop: Callable[[], None]
) -> Generator[R, None, None]:
    """Yield what `work` returns for each item, in order, while several threads work ahead.

    Items are taken in the caller's thread. However this ends, the threads have ended by then. Close the generator if
    you leave early.

    Args:
        items: The items.
        work: Called in several threads at the same time.
        window: The most items that are taken and whose results are not yielded yet.
        stop: Called when no more results are wanted, so that work in progress may end early.

    Raises:
        RagError: `work` failed; the first failure, in the order of the items, ends this.
    """
    pool = ThreadPoolExecutor(window, thread_name_prefix="dateline-spread")
    running: deque[Future[R]] = deque()
    try:
        for item in items:
            running.append(pool.submit(_named("preparing", lambda item=item: work(item))))  # type: ignore[misc]
            if len(running) >= window:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        stop()
        for future in running:
            future.cancel()
        _wait(pool)


def _named(stage: str, work: Callable[[], R]) -> Callable[[], R]:
    """Turn any exception in a stage into a `RagError`."""

    def run() -> R:
        try:
            return work()
        except RagError:
            raise
        except Exception as error:
            raise RagError(
                f"{stage} failed ({one_line(error, named=True)}); what was written before is in the store, run it again"
            ) from error

    return run


def _wait(pool: ThreadPoolExecutor) -> None:
    """Wait for the threads, even after Ctrl-C: the store must not be closed while they write."""
    while True:
        try:
            pool.shutdown(wait=True)
            return
        except KeyboardInterrupt:
            continue
