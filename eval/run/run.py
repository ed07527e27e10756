"""A run: every question of a choice put to every system, scored, and written down as it comes."""

from __future__ import annotations

import hashlib
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from eval.datasets.dataset import DataSet, Question
from eval.datasets.rows import DatasetError
from eval.records import Header, Record, Run, RunError, append, latest, read_run, write_header, write_run
from eval.run.outcomes import outcomes
from eval.run.provenance import code_version, commit
from eval.run.systems import System, check_name, open_system
from eval.score.judge import Judge
from rag import Engine, Settings, UsageError, open_engine

ENDPOINT_THREADS = 4
_MAY_DIFFER = {"started"}


@dataclass(frozen=True)
class Progress:
    """How far a run is: `what` is a system's name, "articles" or "judge"; `record` is what just came, if anything."""

    what: str
    done: int
    total: int
    record: Record | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Options:
    """What to ask and how.

    Args:
        split: Name of a split or "all"; the data set's own choice when left out.
        kinds: Kinds of question; all when there are none.
        limit: How many questions, at most.
        judge: A value of the setting `llm`: that model judges the answers; none does when left out.
        seed: Seed of the bootstrap in the report.
        parallel: Threads that ask; when left out, 4 for an endpoint and 1 for what runs on this processor.
        out: Folder for one run file a system; nothing is written when left out.
        resume: Go on with the run files that are in `out`.
    """

    split: str | None = None
    kinds: tuple[str, ...] = ()
    limit: int | None = None
    judge: str | None = None
    seed: int = 0
    parallel: int | None = None
    out: Path | None = None
    resume: bool = False


def run(
    data: DataSet,
    systems: Sequence[str] = ("dateline",),
    options: Options | None = None,
    *,
    settings: Settings | None = None,
    engine: Engine | None = None,
    on_progress: OnProgress | None = None,
    cancelled: threading.Event | None = None,
) -> list[Run]:
    """Ask every system the same questions over the same store, one system after the other.

    The articles of the data set are ingested once, into a store made for the run. A data set without articles is asked
    over the reader's library. However a run ends, what was answered is in its file, and `resume` goes on from there.

    Args:
        data: The questions and their articles.
        systems: Names; see `eval.run.systems.open_system`.
        options: What to ask and how.
        settings: The engine's; read from the environment and `rag.toml` when left out.
        engine: An engine that is open over the reader's library, for a data set without articles.
        on_progress: Called after each question and each article.
        cancelled: When it is set, the run ends after the questions that are being asked.

    Returns:
        A run for each system, each question once, in the data set's order; fewer when it was cancelled.

    Raises:
        UsageError: Nothing is left to ask, a system's name is wrong, or a run file is in the way or does not fit.
        RagError: The store or a model failed.
    """
    options = options or Options()
    cancelled = cancelled or threading.Event()
    report = on_progress or (lambda _: None)
    questions = data.choose(options.split, options.kinds, options.limit)
    files = _files(systems, options)
    runs: list[Run] = []
    with _open(data, settings or Settings(), engine, report) as base:
        data_hash = _data_hash(data, base)
        for name in systems:
            if cancelled.is_set():
                break
            system = open_system(name, base)
            try:
                header = _header(system, data, data_hash, options)
                begun = _begin(files[name], header, resume=options.resume)
                done = _ask(system, questions, begun, options.parallel, report, cancelled)
            finally:
                system.close()
            if options.judge and not cancelled.is_set():
                done = _judge(done, options.judge, base, report, cancelled)
            runs.append(_finish(done, questions))
    return runs


def file_name(system: str) -> str:
    """Return the name of a system's run file."""
    name = Path(system).stem if system.endswith(".gguf") else system
    return re.sub(r"[^\w.-]+", "-", name) + ".jsonl"


def _files(systems: Sequence[str], options: Options) -> dict[str, Path | None]:
    """Return each system's run file, after a look at all that can be wrong before the first question."""
    if options.resume and options.out is None:
        raise UsageError("--resume needs the folder of the run to go on with; give it with --out")
    for name in systems:
        check_name(name)
    if options.out is None:
        return dict.fromkeys(systems)
    files = {name: options.out / file_name(name) for name in systems}
    if len(set(files.values())) < len(systems):
        raise UsageError(f"two of the systems {', '.join(systems)} have one name; name each once")
    for path in files.values():
        if path.exists() and not options.resume:
            raise RunError(f"{path} holds a run already; go on with it with --resume, or choose another folder")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{options.out} cannot be written: {error.strerror}; choose another folder") from error
    return dict(files)


@contextmanager
def _open(data: DataSet, settings: Settings, engine: Engine | None, report: OnProgress) -> Iterator[Engine]:
    """Yield an engine over the data set's articles."""
    if data.articles is None:
        with engine.using() if engine else open_engine(settings) as library:
            yield library
        return
    with tempfile.TemporaryDirectory(prefix="dateline-eval-") as folder:
        own = settings.model_copy(update={"store": Path(folder) / "store"})
        with Engine(own) as fresh:

            def progress(done: int, total: int, _: str) -> None:
                report(Progress("articles", done, total))

            if failed := fresh.ingest(data.articles, progress=progress).failed:
                raise DatasetError(f"article {failed[0][0]} of {data.name} cannot be used: {failed[0][1]}")
            yield fresh


def _begin(path: Path | None, header: Header, *, resume: bool) -> Run:
    """Return what there is of a run, and make its file ready for more."""
    if path is None or not resume or not path.exists():
        if path:
            write_header(path, header)
        return Run(header, (), path)
    found = read_run(path, unfinished=True)
    mine, theirs = header.model_dump(exclude=_MAY_DIFFER), found.header.model_dump(exclude=_MAY_DIFFER)
    for field, value in theirs.items():
        if mine[field] != value:
            wanted = field.replace("_", " ")
            raise RunError(
                f"{path} cannot go on: its {wanted} is {value!r}, now it is {mine[field]!r}; "
                "set it back, or choose another folder"
            )
    write_run(path, found)  # without a last line that was cut off
    return found


def _ask(
    system: System,
    questions: Sequence[Question],
    begun: Run,
    parallel: int | None,
    report: OnProgress,
    cancelled: threading.Event,
) -> Run:
    """Ask what is left; each record is in the file before the next question's."""
    records = {record.question.id: record for record in begun.records}
    left = [question for question in questions if question.id not in records]
    threads = parallel or (ENDPOINT_THREADS if begun.header.llm.startswith("openai:") else 1)
    report(Progress(system.name, len(records), len(questions)))
    with closing(outcomes(system, left, threads, cancelled)) as coming:
        for record in coming:
            if begun.path:
                append(begun.path, record)
            records[record.question.id] = record
            report(Progress(system.name, len(records), len(questions), record))
    return Run(begun.header, tuple(records.values()), begun.path)


def _judge(done: Run, setting: str, base: Engine, report: OnProgress, cancelled: threading.Event) -> Run:
    """Have every answer judged that is not yet.

    It is done when all are given: a model on this processor would lose its prompt cache with each change of task.
    """
    with base.using(llm=setting) as engine:
        judge = Judge(engine)
        records: list[Record] = []
        for number, record in enumerate(done.records, 1):
            if cancelled.is_set():
                break
            if judge.lacks(record):
                record = judge(record)
                if done.path:
                    append(done.path, record)
            records.append(record)
            report(Progress("judge", number, len(done.records), record))
    return Run(done.header, latest([*done.records, *records]), done.path)


def _finish(done: Run, questions: Sequence[Question]) -> Run:
    """Return the run in the order of the data set, and leave its file so."""
    records = {record.question.id: record for record in done.records}
    ordered = tuple(records[question.id] for question in questions if question.id in records)
    finished = Run(done.header, ordered, done.path)
    if done.path:
        write_run(done.path, finished)
    return finished


def _header(system: System, data: DataSet, data_hash: str, options: Options) -> Header:
    settings = system.engine.settings
    return Header(
        system=system.name,
        llm=settings.llm,
        model=system.model,
        model_hash=system.engine.model_hash,
        embedding=settings.embedding,
        settings_hash=settings.hash,
        data=data.name,
        data_hash=data_hash,
        split=options.split or data.split,
        kinds=options.kinds,
        limit=options.limit,
        judge=options.judge,
        seed=options.seed,
        commit=commit(),
        version=code_version(),
        started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _data_hash(data: DataSet, engine: Engine) -> str:
    articles = sorted(f"{info.source} {info.id}" for info in engine.sources())
    return hashlib.sha256("\n".join([data.hash, *articles]).encode()).hexdigest()
