"""Kill the web chat during uploads, removals and restores, and check that nothing it reported as done is lost.

    python -m bench.crash_server --points 100 --seed 1

Each point starts `rag chat` in a child process, sends it the HTTP requests that the page in a browser would send, and
kills it with SIGKILL at a seeded moment. The process is forked and uses a stand-in for the embedding model, which saves
about ten seconds of imports and loading per point. Then the store is reopened and compared with what the server told
the page. All points share one store.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import os
import pickle
import random
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

import rag.cli.app
import rag.engine
import rag.models.runtime
import ui.app  # noqa: F401  imported before forking, like the rest
from bench.page import Page
from bench.support.stand_in import StandIn
from bench.support.table import show
from rag.load.files import make_document
from rag.load.passages import split

NAMES = tuple(
    f"{port}.txt" for port in "Arvik Bodrin Celmo Dask Elvor Fimri Gorset Hulm Istad Jorvin Kelma Lodd".split()
)
KINDS = ("upload", "remove", "restore")
_AT_ONCE = 5  # files uploaded or removed together
_LATEST = 2.0  # a server is killed within this many seconds after its first article
_UP = 60.0  # seconds that a server may take to start


@dataclasses.dataclass
class Outcome:
    """The results: how many kills hit each kind of work, and where a store differed from what the server reported."""

    points: int = 0
    during: dict[str, int] = dataclasses.field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    said: dict[str, int] = dataclasses.field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    wrong: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Work:
    """What one server was asked to do: `held` is what it reported as done, `may` is what is still in progress.

    Both map a file name to the id of its article; None means that there is no article.
    """

    draw: random.Random
    held: dict[str, str | None]
    may: dict[str, str | None] = dataclasses.field(default_factory=dict)
    kind: str = ""
    undo: dict[str, str | None] = dataclasses.field(default_factory=dict)
    said: dict[str, int] = dataclasses.field(default_factory=lambda: dict.fromkeys(KINDS, 0))

    def begin(self, page: Page) -> None:
        """Add one article; the first one loads things, which takes longer than everything after it."""
        self.kind = "upload"
        self._upload(page, 1)

    def go_on(self, page: Page) -> None:
        """Upload, remove and restore until the server is gone."""
        while True:
            present = [name for name in NAMES if self.held.get(name)]
            self.kind = self.draw.choice(["upload", *["remove"] * bool(present), *["restore"] * 2 * bool(self.undo)])
            if self.kind == "upload":
                self._upload(page, self.draw.randint(1, _AT_ONCE))
            elif self.kind == "remove":
                self._remove(page, self.draw.sample(present, min(len(present), self.draw.randint(1, _AT_ONCE))))
            else:
                self._restore(page)

    def _upload(self, page: Page, count: int) -> None:
        names = self.draw.sample(NAMES, count)
        files = [(name, article(name, self.draw.randrange(10**9))) for name in names]
        self.may = {name: hashlib.sha256(content).hexdigest() for name, content in files}
        replaced = {name: self.held[name] for name in names if self.held.get(name)}
        for lines in page.upload(files):
            for name, line in zip(names, lines, strict=False):
                if name in self.may:
                    if "Failed" in line:
                        raise RuntimeError(f"{name}: {line}")
                    self._done(name)
        if self.may:
            raise RuntimeError(f"the page never said what became of {sorted(self.may)}")
        self.undo = replaced

    def _remove(self, page: Page, names: list[str]) -> None:
        self.may = dict.fromkeys(names)
        self.undo = {name: self.held[name] for name in names}
        told = page.act(do="remove", ids=[self.held[name] for name in names])
        if "Removed" not in told:
            raise RuntimeError(f"{names} were not removed: {told[:300]}")
        for name in names:
            self._done(name)

    def _restore(self, page: Page) -> None:
        self.may, self.undo = self.undo, {}
        told = page.act(do="undo")
        if "Put back" not in told:
            raise RuntimeError(f"{sorted(self.may)} were not put back: {told[:300]}")
        for name in list(self.may):
            self._done(name)

    def _done(self, name: str) -> None:
        self.held[name] = self.may.pop(name)
        self.said[self.kind] += 1

    def differences(self, found: dict[str, str | None]) -> list[str]:
        """Return how a store differs from what the page was told."""
        wrong = []
        for name in NAMES:
            allowed = {self.held.get(name), *([self.may[name]] if name in self.may else [])}
            if found.get(name) not in allowed:
                wrong.append(f"{name} holds {found.get(name)}, not {' or '.join(map(str, allowed))}")
        return wrong


def article(name: str, number: int) -> bytes:
    """Return an article that says who runs the harbour of a town; the person depends on the number."""
    town = name.removesuffix(".txt")
    lines = [f"The harbour of {town} is run by Captain Number{number}.", f"Ships of {town} carry timber to the south."]
    lines += [f"On day {day} of the strike {number % 97 + day} boats stayed in {town}." for day in range(1, 30)]
    return "\n\n".join(lines).encode("ascii")


def run(folder: Path, points: int, seed: int, progress: Callable[[str], None] = print) -> Outcome:
    """Kill servers over one store, and return the results.

    Args:
        folder: An empty folder to work in.
        points: The number of kills.
        seed: A different seed does different work and kills at different moments.
        progress: Called for every tenth point and for each difference.
    """
    outcome = Outcome()
    split(make_document(article(NAMES[0], 0).decode("ascii"), NAMES[0]), 2)  # loads what every server would load
    held: dict[str, str | None] = {}
    for point in range(points):
        draw = random.Random(f"{seed}-{point}")
        work = Work(draw, held)
        try:
            _until_killed(folder, work, draw.uniform(0, _LATEST))
        except RuntimeError as error:
            outcome.wrong.append(f"point {point}: {error}")
        found, problems = _look(folder)
        wrong = [f"point {point}, during {work.kind}: {line}" for line in [*work.differences(found), *problems]]
        outcome.points += 1
        outcome.during[work.kind or KINDS[0]] += 1
        outcome.said = {kind: outcome.said[kind] + work.said[kind] for kind in KINDS}
        outcome.wrong += wrong
        for line in wrong:
            progress(line)
        if point % 10 == 9:
            progress(f"{point + 1} points, {sum(outcome.said.values())} changes told of, {len(outcome.wrong)} wrong")
        held = found
    return outcome


def _until_killed(folder: Path, work: Work, seconds: float) -> None:
    with _server(folder) as (url, process):
        page = Page(url)
        work.begin(page)
        killer = threading.Timer(seconds, os.kill, (process, signal.SIGKILL))
        killer.start()
        try:
            with contextlib.suppress(httpx.TransportError):  # the server was killed
                work.go_on(page)
        finally:
            page.close()
            killer.join()


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder / "log"
    log.unlink(missing_ok=True)
    process = _start(_serve, folder, port)
    url = f"http://127.0.0.1:{port}"
    try:
        give_up = time.monotonic() + _UP
        while not (log.exists() and "Dateline is at" in log.read_text(encoding="utf-8", errors="replace")):
            if time.monotonic() > give_up:
                raise SystemExit(f"the server did not start: {log.read_text(encoding='utf-8')}")
            time.sleep(0.02)
        yield url, process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def _serve(folder: Path, port: int) -> None:
    """Run `rag chat`; this is the process that is killed."""
    out = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.argv = ["rag", "chat", "--store", str(folder / "store"), "--port", str(port)]
    rag.cli.app.main()


def _check(folder: Path, _: int) -> None:
    """Open the store again, compare its parts in full, and ask about an article in it."""
    with rag.engine.Engine(rag.Settings(store=folder / "store")) as engine:
        found = {source.source: source.id for source in engine.sources()}
        problems = list(engine._index.problems())
        held = [name for name in NAMES if name in found]
        if held:
            text = engine.document(found[held[0]]).text
            wanted = text.split("\n", 1)[0]
            answer = engine.answer(f"Who runs the harbour of {held[0].removesuffix('.txt')}?")
            if not any(wanted in evidence.text for evidence in answer.evidence):
                problems.append(f"{held[0]} is not found by a question: {answer.text}")
    (folder / "state").write_bytes(pickle.dumps((found, problems)))


def _look(folder: Path) -> tuple[dict[str, str | None], list[str]]:
    process = _start(_check, folder, 0)
    _, status = os.waitpid(process, 0)
    if status:
        raise SystemExit(f"the store could not be looked at: {os.waitstatus_to_exitcode(status)}")
    found: tuple[dict[str, str | None], list[str]] = pickle.loads((folder / "state").read_bytes())
    return found


def _start(work: Callable[[Path, int], Any], folder: Path, port: int) -> int:
    """Do some work in a forked process and return its process id; the parent opens no store and keeps no thread."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        stand_in = StandIn()
        rag.models.runtime.Models.embedding = lambda _: stand_in  # type: ignore[method-assign]
        work(folder, port)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def main() -> int:
    """Print the table; the exit code is 1 if anything was lost or wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.crash_server", description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        os.environ.update(
            RAG_LLM="extractive", RAG_RERANKER="none", GRADIO_TEMP_DIR=str(folder / "uploads"),
            GRADIO_ANALYTICS_ENABLED="False",
        )  # fmt: skip
        outcome = run(folder, options.points, options.seed, lambda line: print(line, flush=True))
    rows = [[kind, str(outcome.during[kind]), str(outcome.said[kind])] for kind in KINDS]
    show(f"Kill -9 of the web chat, seed {options.seed}", ["work", "kills during it", "changes told of"], rows)
    print(f"\n{outcome.points} points, {len(outcome.wrong)} lost or wrong")
    return int(bool(outcome.wrong))


if __name__ == "__main__":
    sys.exit(main())
