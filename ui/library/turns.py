"""Add files in turns, so that nobody's upload holds up the uploads of others; does not depend on Gradio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass

from ui.chat.session import turn_of
from ui.library.intake import Intake
from ui.server.queue import Queue
from ui.server.visitors import Visitor

_LOOK = 0.5  # seconds between checks that the reader is still there


@dataclass
class Adding:
    """One reader's upload; `stopped` ends it after the current batch."""

    stopped: bool = False


async def in_turns(
    steps: Generator[Intake, None, None], line: Queue, adding: Adding, visitor: Visitor
) -> AsyncGenerator[Intake | int, None]:
    """Run the steps one by one, each in its turn, yielding its result or the number of tickets ahead of it.

    Readers who add many files take turns file by file. It ends when the reader has left.
    """

    def take() -> Intake | None:
        try:
            return next(steps, None)
        finally:
            if adding.stopped:
                steps.close()

    try:
        while not adding.stopped:
            ticket = line.join(visitor.id)
            try:
                async with contextlib.aclosing(turn_of(ticket, adding, visitor)) as places:
                    async for ahead in places:
                        yield ahead
                step = asyncio.ensure_future(asyncio.to_thread(take))
                while not step.done():
                    await asyncio.wait({step}, timeout=_LOOK)
                    adding.stopped = adding.stopped or visitor.gone()
            finally:
                ticket.leave()
            if (intake := step.result()) is None:
                return
            yield intake
    finally:
        adding.stopped = True
        with contextlib.suppress(ValueError):  # a thread is running it and closes it after this batch
            steps.close()
