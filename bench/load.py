"""Load `rag chat` over HTTP with many clients at once: errors, queue positions, times and memory.

python -m bench.load --clients 32 --crowd 200 --seconds 60 --minutes 30

Programs ask `/v1/answer`; the crowd asks on the page, as browsers do. No question is asked twice, so that no answer is
one that was given already.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
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

FORMS = (
    "What did they say about the {} and the {}?",
    "When did the {} change the {}?",
    "How many {} were there after the {}?",
    "Who spoke about the {} before the {}?",
    "Why does the {} matter to the {}?",
)
# 74 words make 27,380 questions.
WORDS = tuple(
    """agreement aid border budget call campaign case ceremony chapter city company congress country court crisis
    critics deal decision democracy department doctor economy election embassy energy event family farmers force
    government governor group health history hospital hurricane immigrants industry investment jobs law leader letter
    meeting migrants minister money month nation office pandemic party people plan police policy president press problem
    programme region relations report right school security state storm talks trade vaccine virus visit woman""".split()
)
_NUMBERS = itertools.count()
PLACE = re.compile(r"\d+ questions? before yours")
API = "/gradio_api"


@dataclass
class Outcome:
    """What the clients saw: the seconds of each answer, faults, and which of them saw their queue position."""

    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    placed: set[int] = field(default_factory=set)
    memory: list[int] = field(default_factory=list)  # bytes: before, during and after
    took: float = 0.0  # seconds


def main() -> None:
    """Start a server and ask it from many clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=32, help="programs that ask at the same time")
    parser.add_argument("--crowd", type=int, default=200, help="pages that ask at the same time; 0 leaves this out")
    parser.add_argument("--seconds", type=float, default=60, help="how long each of the two asks")
    parser.add_argument("--minutes", type=float, default=0, help="how long the memory is watched while eight pages ask")
    options = parser.parse_args()
    rows, faults, unplaced, grown = [], [], 0, 0.0
    with served() as (url, process):
        for what, clients in (("programs", options.clients), ("pages", options.crowd)):
            if clients:
                found = asyncio.run(asked(url, process, clients, what == "pages", seconds=options.seconds))
                rows.append(row(what, found, clients))
                print(rows[-1], flush=True)  # flushed because the other parts take minutes
                faults += found.faults
                unplaced += clients - len(found.placed) if what == "pages" else 0
        if options.minutes:
            calm = asyncio.run(asked(url, process, 8, True, seconds=60 * options.minutes))
            rows.append(row("memory", calm, 8))
            faults += calm.faults
            grown = calm.memory[-1] / calm.memory[1] - 1
    heads = ["who", "clients", "answers", "a second", "faults", "told their place", "p50 s", "p95 s", "memory MB"]
    show("Load without an answer model", heads, rows)
    if options.minutes:
        print(f"memory from a quarter of {options.minutes:g} minutes to their end: {grown:+.1%}")
    for fault in sorted(set(faults))[:5]:
        print(f"fault: {fault}")
    sys.exit(bool(faults or unplaced or grown > 0.1))


def row(what: str, outcome: Outcome, clients: int) -> list[str]:
    """Return a row of the table."""
    times = sorted(outcome.seconds)
    return [
        what,
        str(clients),
        f"{len(times):,}",
        f"{len(times) / outcome.took:.1f}",
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


async def asked(url: str, process: int, clients: int, on_page: bool, seconds: float) -> Outcome:
    """Ask from `clients` at the same time for some seconds, on the page or over `/v1/answer`.

    Memory is read before, at each quarter of the time (all caches are full after the first), and at the end.
    """
    outcome = Outcome(memory=[resident(process)])
    began = time.monotonic()

    async def client(number: int) -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=120) as http:
            event = await submit_event(http) if on_page else (0, 0)
            while (started := time.monotonic()) < began + seconds:
                n = next(_NUMBERS)
                try:
                    if on_page:
                        text = await answer(http, event, f"page{number}x{n}", question(n))
                        if PLACE.search(text):
                            outcome.placed.add(number)
                        if "dl-answer" not in text:
                            outcome.faults.append(f"no answer: {text[-200:]}")
                    else:
                        (await http.post("/v1/answer", json={"question": question(n)})).raise_for_status()
                except httpx.HTTPError as error:
                    outcome.faults.append(f"{type(error).__name__}: {error}")
                outcome.seconds.append(time.monotonic() - started)
                if time.monotonic() - began > len(outcome.memory) * seconds / 4:
                    outcome.memory.append(resident(process))

    await asyncio.gather(*(client(n) for n in range(clients)))
    outcome.took = time.monotonic() - began
    outcome.memory.append(resident(process))
    return outcome


def question(number: int) -> str:
    """Return a question that differs for every number: a few forms, each with two words of the shipped articles."""
    form, rest = number % len(FORMS), number // len(FORMS)
    return FORMS[form].format(WORDS[rest % len(WORDS)], WORDS[rest // len(WORDS) % len(WORDS)])


async def submit_event(http: httpx.AsyncClient) -> tuple[int, int]:
    """Open the page and return the index of the event that sends a question, and the number of its values."""
    await http.get("/")
    config = (await http.get("/config")).json()
    box = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "dl-box")
    found = next(d for d in config["dependencies"] if [box, "submit"] in [list(t) for t in d["targets"]])
    return int(found["id"]), len(found["inputs"])


async def answer(http: httpx.AsyncClient, event: tuple[int, int], page: str, asked: str) -> str:
    """Ask a question on one page and return everything that the server sent for it."""
    body = {
        "fn_index": event[0],
        "data": [asked, *[None] * (event[1] - 1)],  # states and filters
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
