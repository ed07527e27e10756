"""Ask two replicas while the library changes and services are killed, and compare with one process."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.cluster.services import Process
from rag import Answer, Engine, RagError

CHANGES = "changes.txt"
# The article that changes: both versions name every number twice, so half of one and half of the other shows.
CHANGING = (
    "The Quillfeather inquiry\n\nThe Quillfeather inquiry found {0} barrels of salt in the lighthouse. "
    "Its chairwoman Odile Quillfeather said that all {0} barrels of salt came by sea.\n"
)
ABOUT = "How many barrels of salt did the Quillfeather inquiry find in the lighthouse?"
_PATIENCE = 120.0  # seconds for which one question is asked again


def said(answer: Answer | dict[str, Any]) -> str:
    """Return what an answer says and cites, which two processes must agree on."""
    found = answer.to_dict() if isinstance(answer, Answer) else answer
    return f"{found['text']} {[(c['source'], c['quote']) for c in found['citations']]}"


class Changes:
    """An article that changes all the time, between two versions."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        self.made, self.failures = 0, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def version(self, number: int) -> Path:
        """Write a version, and return the folder to ingest."""
        self._folder.mkdir(exist_ok=True)
        path = self._folder / CHANGES
        path.write_text(CHANGING.format(310 if number % 2 else 470), encoding="utf-8")
        return self._folder

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Make the last change, and end with the first version."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set() or self.made % 2:
            try:
                self._engine.ingest(self.version(self.made + 1))
                self.made += 1
            except RagError as error:
                self.failures += 1
                print(f"change failed: {error}", file=sys.stderr, flush=True)
            self._ended.wait(0.5)


@dataclass
class Asked:
    """What those who asked saw."""

    answers: list[tuple[str, int, str, bool]] = field(default_factory=list)  # question, replica, what it said, by words
    seconds: list[float] = field(default_factory=list)  # of questions that were answered at once
    again: int = 0  # asked again, because the answer was an error
    over: int = 0  # asked at the other replica, because this one was gone
    errors: list[str] = field(default_factory=list)


class Asker:
    """Asks questions at both replicas in turn, as a load balancer would send them.

    Args:
        replicas: The replicas.
        questions: The questions.
        until: Keep asking, from the first question again, until this is set.
        threads: How many ask at the same time.
    """

    def __init__(
        self,
        replicas: Sequence[Process],
        questions: Sequence[str],
        until: threading.Event | None = None,
        threads: int = 4,
    ) -> None:
        self._replicas, self._questions, self._until, self._threads = replicas, questions, until, threads
        self._lock = threading.Lock()
        self.found = Asked()
        self._next = 0

    def share(self) -> float:
        """Return the share of the questions that were asked."""
        return self._next / len(self._questions)

    def run(self) -> Asked:
        """Ask all questions."""
        threads = [threading.Thread(target=self._ask_some) for _ in range(self._threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.found

    def _ask_some(self) -> None:
        with httpx.Client(timeout=60, trust_env=False) as http:
            while True:
                with self._lock:
                    number, self._next = self._next, self._next + 1
                if number >= len(self._questions) and (self._until is None or self._until.is_set()):
                    return
                self._ask(http, number)

    def _ask(self, http: httpx.Client, number: int) -> None:
        question, at, problem = self._questions[number % len(self._questions)], number % len(self._replicas), ""
        began = time.monotonic()
        tries = 0
        while time.monotonic() < began + _PATIENCE:
            tries += 1
            try:
                got = http.post(f"{self._replicas[at].url}/v1/answer", json={"question": question})
            except httpx.HTTPError as error:
                at, problem = (at + 1) % len(self._replicas), repr(error)
                with self._lock:
                    self.found.over += 1
                time.sleep(0.1)
                continue
            if got.status_code == 200:
                found = got.json()
                with self._lock:
                    self.found.answers.append((question, at, said(found), bool(found["notices"])))
                    if tries == 1:
                        self.found.seconds.append(time.monotonic() - began)
                return
            problem = f"{got.status_code}: {got.text[:200]}"
            with self._lock:
                self.found.again += 1
            time.sleep(0.5)
        with self._lock:
            self.found.errors.append(f"{question}: {problem}")


def works(process: Process, question: str) -> bool:
    """Return whether a replica answers a question without an error or a notice."""
    try:
        got = httpx.post(f"{process.url}/v1/answer", json={"question": question}, timeout=20, trust_env=False)
    except httpx.HTTPError:
        return False
    return got.status_code == 200 and not got.json()["notices"]
