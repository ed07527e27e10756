"""Ask questions from several threads while the same process keeps syncing a folder that keeps changing.

Every sentence of an article contains a word that identifies the article's version. This reveals an answer that mixes
two versions, a quote that is in no version, an article that is only partly stored, and an old version that is cited
after the new one was stored.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.support.stand_in import StandIn
from bench.support.table import show
from rag import Answer, Engine, RagError, Settings

TOPICS = ("harbour", "museum", "ferry", "bridge", "orchard", "quarry", "theatre", "railway", "hospital", "library")
SENTENCES = 12  # in an article: several passages, so that an article could be half stored


@dataclass
class Outcome:
    """What happened: `faults` by kind, and in `examples` the first fault of each kind."""

    questions: int = 0
    answered: int = 0
    syncs: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def fault(self, kind: str, example: str) -> None:
        """Count a fault."""
        self.faults[kind] += 1
        self.examples.setdefault(kind, example)


class Articles:
    """A folder of articles that are written, changed, moved and removed; each version contains its own word."""

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        self.folder = folder
        self.texts: dict[str, str] = {}  # every version ever written, by its word
        self._draw = random.Random(seed)
        self._versions: Counter[int] = Counter()
        self.count = count
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            self.write(number)

    def write(self, number: int) -> None:
        """Write the next version of an article atomically."""
        self._versions[number] += 1
        text = self.texts[f"v{number}x{self._versions[number]}"] = article(number, self._versions[number])
        partial = self.folder / f".{number}.partial"
        partial.write_text(text, encoding="utf-8", newline="")
        partial.replace(self.folder / f"{number:03}.txt")

    def change(self, many: int) -> None:
        """Change, remove or put back some articles."""
        for number in self._draw.sample(range(self.count), min(many, self.count)):
            path = self.folder / f"{number:03}.txt"
            if path.exists() and number and self._draw.random() < 0.3:
                path.unlink()
            else:
                self.write(number)


def article(number: int, version: int) -> str:
    """Return one version of an article; every sentence contains its word, such as `v12x7`."""
    word, topic = f"v{number}x{version}", TOPICS[number % len(TOPICS)]
    said = [
        f"In report {word} the {topic} number {number} counted {version * 100 + n} visitors on day {n} of the fair."
        for n in range(SENTENCES)
    ]
    return f"Report {word} from the {topic}\n\n" + " ".join(said) + "\n"


def ask(engine: Engine, articles: Articles, outcome: Outcome, seed: int, questions: int) -> None:
    """Ask one thread's share of the questions and check every answer."""
    draw = random.Random(seed)
    for _ in range(questions):
        number = draw.randrange(articles.count)
        day = draw.randrange(SENTENCES)
        question = f"How many visitors did the {TOPICS[number % len(TOPICS)]} number {number} count on day {day}?"
        started = time.perf_counter()
        try:
            answer = engine.answer(question)
        except RagError as error:
            outcome.fault("errors", f"{question}: {error}")
        except Exception as error:  # any error at all is a fault that this benchmark looks for
            outcome.fault("errors", f"{question}: {type(error).__name__}: {error}")
        else:
            check(engine, answer, articles, outcome)
            outcome.answered += not answer.abstained
        outcome.seconds.append(time.perf_counter() - started)
        outcome.questions += 1


def check(engine: Engine, answer: Answer, articles: Articles, outcome: Outcome) -> None:
    """Check an answer against all versions that were ever written."""
    versions: dict[str, set[str]] = {}
    for entry in answer.evidence:
        words = {word for word in entry.text.split() if word[0] == "v" and word[1:2].isdigit()}
        versions.setdefault(entry.source, set()).update(words)
    for source, words in versions.items():
        if len(words) != 1:
            outcome.fault("evidence of two versions of one article", f"{source}: {sorted(words)}")
    for cited in answer.citations:
        word = next((w for w in cited.quote.split() if w[0] == "v" and w[1:2].isdigit()), "")
        text = articles.texts.get(word, "")
        if not word or text[cited.start : cited.end] != cited.quote:
            outcome.fault("citations that are not verbatim", f"{cited.source} {cited.start}: {cited.quote!r}")
        try:
            held = engine.document(cited.document_id).text
        except RagError:
            continue  # replaced since it was cited, as it should be
        if held != text:
            outcome.fault("half documents", f"{cited.source}: {held[:80]!r}")


def sync(engine: Engine, articles: Articles, outcome: Outcome, done: threading.Event) -> None:
    """Change the folder and sync it repeatedly until `done` is set."""
    while not done.is_set():
        articles.change(6)
        try:
            report = engine.ingest(articles.folder)
        except Exception as error:  # as above
            outcome.fault("errors", f"sync: {type(error).__name__}: {error}")
            return
        outcome.syncs += 1
        for state in ("added", "replaced", "moved", "removed", "failed"):
            outcome.changes[state] += len(getattr(report, state))
        whole(engine, articles, outcome)


def whole(engine: Engine, articles: Articles, outcome: Outcome) -> None:
    """Check that the library holds exactly what the folder holds after a sync."""
    wanted = {path.name: path.read_text(encoding="utf-8") for path in sorted(articles.folder.glob("*.txt"))}
    held = {entry.source: engine.document(entry.id).text for entry in engine.sources()}
    if wanted != held:
        differ = sorted(name for name in wanted.keys() | held.keys() if wanted.get(name) != held.get(name))
        outcome.fault("libraries that differ from their folder after a sync", f"{differ}")


def run(folder: Path, questions: int, threads: int, count: int, engine: Engine, seed: int = 1) -> Outcome:
    """Ask from several threads while the folder is changed and synced.

    Args:
        folder: Where the articles are written.
        questions: The number of questions over all threads.
        threads: The number of threads that ask.
        count: The number of articles in the folder.
        engine: An engine over an empty store.
        seed: Seed of the changes and the questions.
    """
    articles, outcome, done = Articles(folder, count, seed), Outcome(), threading.Event()
    engine.ingest(folder)
    syncing = threading.Thread(target=sync, args=(engine, articles, outcome, done))
    shares = [questions // threads + (n < questions % threads) for n in range(threads)]
    asking = [
        threading.Thread(target=ask, args=(engine, articles, outcome, seed + n, share))
        for n, share in enumerate(shares)
    ]
    for thread in (syncing, *asking):
        thread.start()
    for thread in asking:
        thread.join()
    done.set()
    syncing.join()
    return outcome


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--articles", type=int, default=60)
    parser.add_argument("--stand-in", action="store_true", help="an embedding that needs no model")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        settings = Settings(store=home / "store", llm="extractive", caution=0)
        with Engine(settings, embedding=StandIn() if options.stand_in else None) as engine:
            outcome = run(home / "articles", options.questions, options.threads, options.articles, engine)
    kinds = (
        "errors",
        "half documents",
        "evidence of two versions of one article",
        "citations that are not verbatim",
        "libraries that differ from their folder after a sync",
    )
    rows = [
        ("questions", f"{outcome.questions:,}"),
        ("of them answered with citations", f"{outcome.answered:,}"),
        ("syncs meanwhile", f"{outcome.syncs:,}"),
        *((f"articles {state} meanwhile", f"{outcome.changes[state]:,}") for state in ("added", "replaced", "removed")),
        *((kind, f"{outcome.faults[kind]:,}") for kind in kinds),
        ("p50 of an answer", f"{statistics.median(outcome.seconds) * 1000:.0f} ms"),
        ("whole run", f"{time.perf_counter() - started:.0f} s"),
    ]
    show("Questions during a sync", ("what", "count"), rows)
    for kind, example in outcome.examples.items():
        print(f"\nFirst of {kind}: {example}")
    if outcome.faults:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
