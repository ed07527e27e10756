"""Flip bits in a store's files at seeded places, and check that each question gets a right answer or an error.

    python -m bench.damage --seeds 20 --bits 40

For each seed a small store is copied and damaged. Then a process asks several questions without an answer model and
lists the sources, `rag doctor` checks the store, and `rag doctor --repair` repairs it. An error message of one line is
fine. A traceback, a crash, or an answer or refusal that the undamaged store does not give counts as WRONG.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.support.table import show

QUESTIONS = (
    "How much additional aid did Harris announce for the region?",
    "How many Mexicans had died of the coronavirus?",
    "Who runs the harbour of Arvik?",
    "Who runs the harbour of Bodrin?",
)
_TOWNS = "Arvik Bodrin Celmo Dask Elvor Fimri".split()
_ASK = """
import json, logging, sys
from pathlib import Path
from rag import Engine, RagError, Settings
said = []
def note(work):
    try:
        said.append(work())
    except RagError as error:
        said.append("error: " + str(error))
try:
    engine = Engine(Settings(store=Path(sys.argv[1]), llm="extractive"))
except RagError as error:
    said = ["error: " + str(error)] * (len(sys.argv) - 1)
else:
    for question in sys.argv[2:]:
        note(lambda: engine.answer(question).text)
    note(lambda: str(len(engine.sources())))
    note(engine.close)
print("SAID" + json.dumps(said))
"""
_SECONDS = 180


def make_store(folder: Path) -> Path:
    """Create the store to damage from the shipped articles and some more."""
    articles = folder / "articles"
    articles.mkdir()
    for number, town in enumerate(_TOWNS):
        text = f"The harbour of {town} is run by Captain Number{number}. Ships of {town} carry timber to the south.\n"
        (articles / f"{town}.txt").write_text(text, encoding="utf-8")
    done = _rag(folder / "store", "ingest", "seeds", str(articles))
    if done.returncode:
        raise SystemExit(done.stderr)
    return folder / "store"


def flip(store: Path, bits: int, draw: random.Random) -> list[str]:
    """Flip bits in a store's files, each byte with the same probability, and return the damaged files."""
    parts = ("documents.db*", "chroma/**/*", "lexical/**/*")
    files = sorted(path for part in parts for path in store.glob(part) if path.is_file() and path.stat().st_size)
    sizes = [path.stat().st_size for path in files]
    harmed = set()
    for path in draw.choices(files, sizes, k=bits):
        content = bytearray(path.read_bytes())
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        times = path.stat()
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # a failing disk does not change the times either
        harmed.add(str(path.relative_to(store)))
    return sorted(harmed)


def look(store: Path, wanted: list[str] | None) -> tuple[list[str], list[str]]:
    """Ask a store in a separate process; return its output, and what is wrong in it."""
    process = _run([sys.executable, "-c", _ASK, str(store), *QUESTIONS])
    wrong = _bad(process, "asking")
    line = next((line for line in process.stdout.splitlines() if line.startswith("SAID")), "SAID[]")
    said = [str(part) for part in json.loads(line.removeprefix("SAID"))]
    for number, text in enumerate(said[: len(QUESTIONS) + 1]):
        if text.startswith("error: "):
            wrong += [f"an error of several lines: {text}"] * ("\n" in text)
            wrong += [f"an error without advice: {text}"] * ("; " not in text)
        elif wanted is not None and text != wanted[number]:
            wrong.append(f"{text!r} instead of {wanted[number]!r}")
    return said, wrong


def run(folder: Path, seeds: int, bits: int, progress: Callable[[str], None] = print) -> list[list[str]]:
    """Damage copies and return a row for each: the results before and after the repair, and what is wrong."""
    whole = make_store(folder)
    wanted, wrong = look(whole, None)
    if wrong or any(text.startswith("error") for text in wanted):
        raise SystemExit(f"the undamaged store: {wanted} {wrong}")
    rows = []
    for seed in range(1, seeds + 1):
        store = folder / "harmed"
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(whole, store)
        harmed = flip(store, bits, random.Random(seed))
        said, wrong = look(store, wanted)
        wrong += _bad(_rag(store, "doctor"), "doctor")
        mended = _rag(store, "doctor", "--repair")
        wrong += _bad(mended, "doctor --repair")
        after, worse = look(store, None)
        wrong += [line for line in worse if "instead" not in line]
        errors = [text for text in said if text.startswith("error")]
        for line in [f"  harmed: {' '.join(harmed)}", *dict.fromkeys(errors), *_store_lines(mended.stdout), *wrong]:
            progress(f"seed {seed}: {line[:300]}")
        ended = "WRONG" if wrong else "honest message" if errors else "right"
        same = sum(a == b for a, b in zip(after[: len(QUESTIONS)], wanted, strict=False))
        rows.append([str(seed), ended, f"{same} of {len(QUESTIONS)}"])
    return rows


def _store_lines(told: str) -> list[str]:
    return [line for line in told.splitlines() if "  store  " in line]


def _bad(done: subprocess.CompletedProcess[str], what: str) -> list[str]:
    told = done.stdout + done.stderr
    found = [f"{what} ended with {done.returncode}"] if done.returncode not in (0, 1) else []
    if "Traceback" in told or re.search(r"(?m)^thread '.*' panicked", done.stdout):
        found.append(f"{what} printed a traceback: {' '.join(told.split())[-300:]}")
    return found


def _rag(store: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return _run([sys.executable, "-m", "rag", *words, "--store", str(store)])


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"RAG_LLM": "extractive"}
    try:
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 99, "", f"no end after {_SECONDS} s")


def main() -> int:
    """Print the table; the exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.damage", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--bits", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        rows = run(Path(temporary).resolve(), options.seeds, options.bits, lambda line: print(line, flush=True))
    show(f"{options.bits} flipped bits a store", ["seed", "ended", "the same answers after --repair"], rows)
    return int(any(row[1] == "WRONG" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
