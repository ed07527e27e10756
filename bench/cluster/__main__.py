"""A library for many machines, on this one: PostgreSQL, Chroma, two replicas and two Ray nodes, used and killed.

    python -m bench.cluster                   # 20,000 passages, 1,000 questions
    python -m bench.cluster --passages 2000 --questions 200 --stand-in

Made-up articles are ingested on the Ray cluster. Then both replicas are asked while an article changes all the time.
Each service is killed once during the ingest and once during the second half of the questions. Every answer has to be
one that a single process gives over the same articles, with the one or the other version of the changing article. At
the end nothing may be missing. The result is printed as JSON; the exit code is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.archive import Planted, write
from bench.cluster.ask import ABOUT, Asked, Asker, Changes, said, works
from bench.cluster.load import Progress, load
from bench.cluster.outages import Outages
from bench.cluster.services import Postgres, RayNodes, chroma, replica, wait
from bench.support.stand_in import StandIn
from rag import Engine, Settings
from rag.load.files import make_document
from rag.store.take_over import take_over

PER_ARTICLE = 5  # passages in an article, as in news
_EVERY = 10  # one question in this many is about the article that changes
_SLOW = 0.02  # share of questions that may have to be asked again while nothing was killed


class Cluster:
    """All services over one folder; use it in a `with` block.

    Args:
        folder: An empty folder that every user may enter.
        stand_in: Whether a stand-in embeds instead of the model.
    """

    def __init__(self, folder: Path, stand_in: bool) -> None:
        self.program = "bench.support.stand_in_command" if stand_in else "rag"
        self._embedding = StandIn() if stand_in else None
        self._stack = contextlib.ExitStack()
        self.postgres = Postgres(folder / "postgres")
        self._stack.callback(self.postgres.kill)
        self.chroma = chroma(folder / "chroma")
        self._stack.callback(self.chroma.kill)
        self.given = {
            "RAG_DATABASE": self.postgres.url,
            "RAG_CHROMA": self.chroma.url,
            "RAG_COLLECTION": "bench",
            "RAG_LLM": "extractive",
            "RAG_JUDGE": "none",
            "RAG_STORE": str(folder / "commands"),
            "BENCH_WAIT": "0.03",  # with the stand-in: the ingest has to last while services are killed
        }
        self.replicas = [replica(number, folder, self.given, self.program) for number in (1, 2)]
        self.ray: RayNodes
        self.engine: Engine

    def __enter__(self) -> Cluster:
        try:
            self.postgres.start()
            self.chroma.start()
            self.ray = RayNodes()
            self._stack.callback(self.ray.close)
            own = {name.removeprefix("RAG_").lower(): value for name, value in self.given.items() if name[:4] == "RAG_"}
            settings = Settings(**(own | {"store": f"{own['store']}-own"}))
            self.engine = Engine(settings, embedding=self._embedding, create=True)
            self._stack.callback(self.engine.close)
            for process in self.replicas:
                self._stack.callback(process.kill)
                process.begin()
            for process in self.replicas:
                wait(process.name, process.answers)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def run(passages: int, questions: int, folder: Path, stand_in: bool = False) -> dict[str, Any]:
    """Do everything, and return the result; `wrong` in it lists what must not be."""
    planted = write(folder / "articles", passages, per_article=PER_ARTICLE, questions=max(1, questions // 2))
    with Cluster(folder, stand_in) as cluster:
        progress = Progress(cluster.postgres, passages)
        _say("all services are there")
        plan = [
            (0.15, "Ray node", cluster.ray),
            (0.35, "Chroma", cluster.chroma),
            (0.55, "PostgreSQL", cluster.postgres),
            (0.75, "replica", cluster.replicas[0]),
        ]
        ingest = Outages("ingest", plan)
        probe = {"replica": cluster.replicas[0].answers}
        loaded = load(cluster.program, folder / "articles", cluster.ray.address, cluster.given, progress, ingest, probe)
        _say(f"ingested in {loaded.seconds:.0f} s")
        changes = Changes(cluster.engine, folder / "changing")
        cluster.engine.ingest(changes.version(0))
        expected = _expected(cluster.engine, changes, planted, folder / "one")
        _say("one process was asked")
        asked = [ABOUT if n % _EVERY == 0 else planted[n % len(planted)].question for n in range(questions)]
        changes.start()
        calm = Asker(cluster.replicas, asked[: questions // 2]).run()
        _say("asked while nothing was killed")
        asking = Outages("questions", [(0.1 + 0.2 * n, name, service) for n, (_, name, service) in enumerate(plan)])
        broken = _while_broken(cluster, asking, asked[questions // 2 :], planted)
        changes.stop()
        wrong = _wrong(cluster, folder / "articles", passages)
        wrong += [f"failed files: {loaded.failed_files}"] * bool(loaded.failed_files)
        wrong += [f"the ingest: {loaded.error}"] * bool(loaded.error)
        wrong += [f"failed changes: {changes.failures}"] * bool(changes.failures)
        memory = {p.name: p.memory // 2**20 for p in (*cluster.replicas, cluster.chroma)}
    rounds = {"calm": calm, "broken": broken}
    for name, found in rounds.items():
        wrong += [f"{name}: {error}" for error in found.errors]
        wrong += [f"{name}: another answer: {q!r}: {s!r}" for q, _, s, _ in _others(found, expected)]
    # On a busy machine a question may fail once in a while, and is asked again as a program would.
    if calm.again + calm.over > _SLOW * len(calm.answers):
        wrong.append(f"calm: {calm.again} asked again, {calm.over} asked elsewhere")
    outages = [*ingest.done, *asking.done]
    wrong += [f"{o.service} did not recover during {o.during}" for o in outages if o.recovery is None]
    return {
        "passages": passages,
        "ingest_s": round(loaded.seconds, 1),
        "questions": {name: _row(found, expected) for name, found in rounds.items()},
        "changes": {"made": changes.made, "failed": changes.failures},
        "outages": [
            {
                "service": o.service,
                "during": o.during,
                "away_s": round(o.down, 1),
                "recovery_s": None if o.recovery is None else round(o.recovery, 1),
            }
            for o in outages
        ],
        "memory_mib": memory,
        "wrong": wrong[:20],
    }


def _expected(engine: Engine, changes: Changes, planted: Sequence[Planted], store: Path) -> dict[str, set[str]]:
    """Return what one process answers, with either version of the article that changes."""
    one = Engine(Settings(store=store, llm="extractive", judge="none"), embedding=engine._models.embedding())
    expected: dict[str, set[str]] = {}
    with one:
        for _ in take_over(engine._index.documents, one._index):
            pass
        for number in (1, 0):
            one.ingest(changes.version(number))
            for question in {ABOUT, *(p.question for p in planted)}:
                expected.setdefault(question, set()).add(said(one.answer(question)))
    return expected


def _while_broken(cluster: Cluster, outages: Outages, asked: Sequence[str], planted: Sequence[Planted]) -> Asked:
    """Ask while each service is killed once, and until the last of them works again."""
    done = threading.Event()
    asker = Asker(cluster.replicas, asked, done)
    numbers = iter(range(10**9))

    def probe(name: str) -> Any:
        whom = cluster.replicas[:1] if name == "replica" else cluster.replicas
        # Another question each time, since an answer that was given before needs no service.
        return lambda: all([works(one, f"{planted[0].question} {next(numbers)}") for one in whom])

    asking = threading.Thread(target=asker.run)
    asking.start()
    try:
        outages.run(asker.share, probe, threading.Event())  # here, because Ray starts nodes in the main thread only
    finally:
        done.set()
        asking.join()
    return asker.found


def _others(found: Asked, expected: dict[str, set[str]]) -> list[tuple[str, int, str, bool]]:
    """Return the answers that one process does not give; those found by words alone may differ."""
    return [answer for answer in found.answers if not answer[3] and answer[2] not in expected[answer[0]]]


def _row(found: Asked, expected: dict[str, set[str]]) -> dict[str, Any]:
    times = sorted(found.seconds)
    return {
        "answered": len(found.answers),
        "as_one_process": sum(text in expected[question] for question, _, text, _ in found.answers),
        "other_answers": len(_others(found, expected)),
        "by_words": sum(by_words for *_, by_words in found.answers),
        "asked_again": found.again,
        "asked_elsewhere": found.over,
        "errors": len(found.errors),
        "by_replica": [sum(at == n for _, at, _, _ in found.answers) for n in (0, 1)],
        "p50_s": round(statistics.median(times), 2),
        "p95_s": round(times[int(len(times) * 0.95)], 2),
    }


def _wrong(cluster: Cluster, articles: Path, passages: int) -> list[str]:
    """Compare the articles with what the database, Chroma and both replicas hold."""
    index, wrong = cluster.engine._index, []
    texts = (path.read_bytes().decode("utf-8") for path in sorted(articles.rglob("*.txt")))
    ids = {make_document(text, "x").id for text in texts}
    held = {entry.id for entry in cluster.engine.sources() if entry.source != "changes.txt"}
    if held != ids:
        wrong.append(f"{len(ids - held)} articles are missing, {len(held - ids)} are not those of the files")
    counts = cluster.engine.counts()
    if counts[:2] != (len(ids) + 1, passages + 1):
        wrong.append(f"{counts[0]} articles and {counts[1]} passages, not {len(ids) + 1} and {passages + 1}")
    if index.vectors.count() != counts[1]:
        wrong.append(f"Chroma has {index.vectors.count()} passages, not {counts[1]}")
    wrong += list(index.problems())
    wrong += [f"{one.name} does not answer" for one in cluster.replicas if not works(one, f"{ABOUT} Say it.")]
    return wrong


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def main() -> None:
    """Run it and print the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.add_argument("--passages", type=int, default=20_000)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--stand-in", action="store_true", help="count words instead of embedding with the model")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dateline-cluster-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)  # PostgreSQL runs as another user
        result = run(options.passages, options.questions, folder, options.stand_in)
    print(json.dumps(result | {"seconds": round(time.monotonic() - began, 1)}, indent=2))
    sys.exit(bool(result["wrong"]))


if __name__ == "__main__":
    main()
