"""Run the chosen questions through every system, score the answers and write each record as it comes."""

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
    """Progress of a run: `what` is a system's name, "articles" or "judge"; `record` is the newest record, if any."""

    what: str
    done: int
    total: int
    record: Record | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Options:
    """What to ask and how.

    Args:
        split: Name of a split or "all"; the data set's default split if omitted.
        kinds: Kinds of question; all kinds if empty.
        limit: The maximum number of questions.
        judge: A value of the setting `llm` for the model that judges the answers; no judge if omitted.
        seed: Seed of the bootstrap in the report.
        parallel: The number of threads that ask; by default 4 for an endpoint and 1 for a model on this machine.
        out: Folder for one run file per system; nothing is written if omitted.
        resume: Continue the run files in `out`.
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

    The articles of the data set are ingested once, into a store created for the run. A data set without articles is
    asked over the reader's library. However a run ends, its file has all finished answers, and `resume` continues it.

    Args:
        data: The questions and their articles.
        systems: Names; see `eval.run.systems.open_system`.
        options: What to ask and how.
        settings: The engine's settings; read from the environment and `rag.toml` if omitted.
        engine: An open engine over the reader's library, for a data set without articles.
        on_progress: Called after each question and each article.
        cancelled: Once it is set, the run ends after the questions in progress.

    Returns:
        A run for each system, with each question once in the data set's order; fewer if the run was cancelled.

    Raises:
        UsageError: No question is left, a system's name is wrong, or a run file already exists or does not match.
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
    """Return each system's run file, after checking everything that can be checked before the first question."""
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
        own = settings.model_copy(update={"store": Path(folder) / "store", "collection": "default"})
        with Engine(own) as fresh:

            def progress(done: int, total: int, _: str) -> None:
                report(Progress("articles", done, total))

            if failed := fresh.ingest(data.articles, progress=progress).failed:
                raise DatasetError(f"article {failed[0][0]} of {data.name} cannot be used: {failed[0][1]}")
            yield fresh


def _begin(path: Path | None, header: Header, *, resume: bool) -> Run:
    """Return the existing part of a run, and prepare its file for more records."""
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
    write_run(path, found)  # drops a last line that was cut off
    return found


def _ask(
    system: System,
    questions: Sequence[Question],
    begun: Run,
    parallel: int | None,
    report: OnProgress,
    cancelled: threading.Event,
) -> Run:
    """Ask the remaining questions; each record is written to the file before the next record."""
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
    """Judge every answer that has not been judged.

    This runs after all answers are given: a local model would lose its prompt cache with each change of task.
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
    """Return the run in the order of the data set, and rewrite its file in this order."""
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
