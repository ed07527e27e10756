"""Measure how much one reader's bad endpoint slows down other readers, who ask without a model.

For each kind of endpoint, rounds with a reader who asks through it without a pause alternate with rounds without that
reader, all in one process. Each of that reader's answers must be a sentence with a notice. The reader's own questions
also need retrieval, so the result to look at is the difference from the good endpoints.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.support.bad_endpoint import GOOD, KINDS, NOISE, SECRET, endpoint
from bench.support.stand_in import StandIn
from bench.support.table import show
from rag import Engine, Settings
from rag.shared_engine import seeds_folder

QUESTIONS = (
    "How much additional aid did Harris announce for the region?",
    "Who is Mexico's foreign minister?",
    "Why did Harris call López Obrador?",
    "Where did the vice president speak?",
)


@dataclass
class Outcome:
    """Seconds of the others' answers with and without the reader, and what the reader got."""

    beside: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    bad: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


_numbers = itertools.count()


def ask(engine: Engine, seconds: list[float], questions: int) -> None:
    """Ask and record how long each answer took; no question is asked twice, since answers are cached."""
    for n in itertools.islice(_numbers, questions):
        started = time.perf_counter()
        engine.answer(f"{QUESTIONS[n % len(QUESTIONS)]} ({n})")
        seconds.append(time.perf_counter() - started)


def read(engine: Engine, kind: str, outcome: Outcome, done: threading.Event) -> None:
    """Ask through the endpoint at least once, until `done` is set."""
    while not done.is_set() or not outcome.bad:
        started = time.perf_counter()
        answer = engine.answer(f"{QUESTIONS[0]} ({next(_numbers)})")
        outcome.bad.append(time.perf_counter() - started)
        if SECRET in str(answer.to_dict()):
            outcome.faults.append(f"{kind}: what the server says is repeated")
        if kind not in GOOD and (answer.model != "extractive" or not answer.notices):
            outcome.faults.append(f"{kind}: a bad reply was used: {answer.text}")


def run(engine: Engine, kind: str, rounds: int, questions: int, timeout: float, noise: int = NOISE) -> Outcome:
    """Measure one kind of endpoint.

    Args:
        engine: An engine without an answer model.
        kind: A key of `bench.support.bad_endpoint.KINDS`.
        rounds: The number of rounds with the reader, and the same number without.
        questions: The number of questions that the others ask in a round.
        timeout: The seconds that the reader's answers may take.
        noise: The number of bytes sent by endpoints that send too much.
    """
    outcome = Outcome()
    for _ in range(rounds):
        ask(engine, outcome.alone, questions)
        with (
            endpoint(kind, noise) as server,
            engine.using(llm="openai:m", llm_base_url=server.url, llm_timeout=timeout) as own,
        ):
            done = threading.Event()
            reader = threading.Thread(target=read, args=(own, kind, outcome, done))
            reader.start()
            ask(engine, outcome.beside, questions)
            done.set()
            reader.join()
    return outcome


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", action="append", choices=sorted(KINDS), help="default: every kind")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--questions", type=int, default=20, help="of the others, in a round")
    parser.add_argument("--timeout", type=float, default=2.0, help="llm_timeout of the reader, in seconds")
    parser.add_argument("--noise", type=int, default=NOISE, help="bytes of those that send too much")
    options = parser.parse_args(arguments)
    rows, faults = [], []
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings(store=Path(temporary) / "store", llm="extractive", caution=0)
        with Engine(settings, embedding=StandIn()) as engine:
            engine.ingest(seeds_folder())
            run(engine, "good", 1, 5, options.timeout)  # warm up: imports and first uses
            for kind in options.kind or [*GOOD, *(k for k in KINDS if k not in GOOD)]:
                outcome = run(engine, kind, options.rounds, options.questions, options.timeout, options.noise)
                faults += outcome.faults
                alone, beside = statistics.median(outcome.alone), statistics.median(outcome.beside)
                rows.append(
                    (
                        kind,
                        f"{alone * 1000:.1f} ms",
                        f"{beside * 1000:.1f} ms",
                        f"{max(outcome.beside) * 1000:.0f} ms",
                        f"{len(outcome.bad)}",
                        f"{max(outcome.bad):.2f} s",
                    )
                )
    heads = ("endpoint", "others alone, p50", "beside it, p50", "most", "its answers", "slowest of them")
    show("Others' questions beside a bad endpoint", heads, rows)
    for fault in faults:
        print(fault)
    if faults:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
