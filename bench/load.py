"""Load the web chat over HTTP with many readers at once: errors, queue positions, times and memory.

python -m bench.load --clients 100 --seconds 60 --memory 2000
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.support.table import show

TOPICS = ("aid", "border", "vaccines", "talks", "earthquake", "court", "minister", "migrants", "election", "storm")
PLACE = re.compile(r"\d+ questions? before yours")
API = "/gradio_api"


@dataclass
class Outcome:
    """What the readers saw: the seconds of each answer, faults, and which readers saw their queue position."""

    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    placed: set[int] = field(default_factory=set)
    memory: list[int] = field(default_factory=list)  # bytes: before, during and after


def main() -> None:
    """Start a server and ask it from many clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--memory", type=int, default=2000, help="questions over which the memory is watched")
    options = parser.parse_args()
    with served() as (url, process):
        crowd = asyncio.run(asked(url, process, options.clients, seconds=options.seconds))
        print(row("crowd", crowd, options.clients), flush=True)  # flushed because the other part takes minutes
        calm = asyncio.run(asked(url, process, 8, questions=options.memory))
    show(
        "The extractive web chat under load",
        ["what", "clients", "answers", "a second", "faults", "told their place", "p50 s", "p95 s", "memory MB"],
        [row("crowd", crowd, options.clients), row("memory", calm, 8)],
    )
    grown = calm.memory[-1] / calm.memory[0] - 1
    print(f"memory over {len(calm.seconds):,} questions: {grown:+.1%}")
    for fault in sorted(set(crowd.faults + calm.faults))[:5]:
        print(f"fault: {fault}")
    sys.exit(bool(crowd.faults or calm.faults or len(crowd.placed) < options.clients or abs(grown) > 0.1))


def row(what: str, outcome: Outcome, clients: int) -> list[str]:
    """Return a row of the table."""
    times = sorted(outcome.seconds)
    total = sum(times) / clients or 1
    return [
        what,
        str(clients),
        f"{len(times):,}",
        f"{len(times) / total:.1f}",
        str(len(outcome.faults)),
        str(len(outcome.placed)),
        f"{statistics.median(times):.2f}",
        f"{times[int(len(times) * 0.95)]:.2f}",
        " → ".join(f"{m / 1e6:,.0f}" for m in outcome.memory),
    ]


@contextlib.contextmanager
def served() -> Iterator[tuple[str, int]]:
    """Run `rag chat` without a model over the shipped articles; yield its address and its process id."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"RAG_LLM": "extractive", "RAG_STORE": str(Path(folder) / "store")}
        command = [sys.executable, "-m", "rag", "chat", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(600):
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(f"{url}/config", trust_env=False).status_code == 200:
                        break
                time.sleep(0.2)
            yield url, process.pid
        finally:
            process.terminate()
            process.wait()


async def asked(url: str, process: int, clients: int, *, seconds: float = 0, questions: int = 0) -> Outcome:
    """Ask from `clients` pages at the same time, for some seconds or a number of questions.

    Memory is read once a quarter of the questions are answered (all caches are full by then), and at the end.
    """
    outcome, numbers = Outcome(), iter(range(10**9))
    end = time.monotonic() + seconds
    watched = [questions // 4, questions // 2, questions - 1] if questions else []

    async def reader(number: int) -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=120) as http:
            event = await submit_event(http)
            while (n := next(numbers)) < questions if questions else time.monotonic() < end:
                n = n if questions else next(numbers)
                started = time.monotonic()
                try:
                    text = await answer(http, event, f"page{number}x{n}", question(n))
                    if PLACE.search(text):
                        outcome.placed.add(number)
                    if "dl-answer" not in text:
                        outcome.faults.append(f"no answer: {text[-200:]}")
                except httpx.HTTPError as error:
                    outcome.faults.append(f"{type(error).__name__}: {error}")
                outcome.seconds.append(time.monotonic() - started)
                if n in watched:
                    outcome.memory.append(resident(process))
                    print(f"{n + 1:,} questions: {outcome.memory[-1] / 1e6:,.0f} MB", flush=True)

    outcome.memory += [] if questions else [resident(process)]
    await asyncio.gather(*(reader(n) for n in range(clients)))
    outcome.memory += [] if questions else [resident(process)]
    return outcome


def question(number: int) -> str:
    """Return a question that was not asked before."""
    return f"What was said about the {TOPICS[number % len(TOPICS)]} in report {number}?"


async def submit_event(http: httpx.AsyncClient) -> int:
    """Open the page and return the index of the event that sends a question."""
    await http.get("/")
    config = (await http.get("/config")).json()
    box = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "dl-box")
    return int(next(d["id"] for d in config["dependencies"] if [box, "submit"] in [list(t) for t in d["targets"]]))


async def answer(http: httpx.AsyncClient, event: int, page: str, asked: str) -> str:
    """Ask a question on one page and return everything that the server sent for it."""
    body = {
        "fn_index": event,
        "data": [asked, *[None] * 5],  # two states and three filters
        "session_hash": page,
        "event_data": None,
        "trigger_id": None,
    }
    (await http.post(f"{API}/queue/join", json=body)).raise_for_status()
    said: list[str] = []
    async with http.stream("GET", f"{API}/queue/data", params={"session_hash": page}) as stream:
        async for line in stream.aiter_lines():
            said.append(line)
            if '"process_completed"' in line:
                if not json.loads(line.removeprefix("data:"))["success"]:
                    raise httpx.HTTPError(line[:200])
                break
    return "\n".join(said)


def resident(process: int) -> int:
    """Return a process's memory in bytes (Linux)."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


if __name__ == "__main__":
    main()
