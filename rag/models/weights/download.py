"""Fetch model weights from the first of `rag.models.weights.sources` that has them.

Weights are data. A file is accepted only if its SHA-256 is the pinned one, whichever source it came from; nothing that
is downloaded is installed, imported or run. The next download continues from what an interrupted one left in
`.partial`.
"""

from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from rag.errors import DownloadError, UsageError, one_line
from rag.models.weights import pins
from rag.models.weights.job import SPARE, DamagedError, Job, UnusableError, size_of
from rag.models.weights.pins import Model, WeightFile
from rag.models.weights.sources import SOURCES

logger = logging.getLogger(__name__)


def fetch(model: Model, home: Path, *, local: Path | None = None, progress: bool = True) -> None:
    """Fetch and verify every file of `model` that is not yet in the folder `home`, from the first source that has it.

    Two processes may do this at once: the second one waits and then finds the files in place.

    Args:
        model: What to fetch.
        home: The model's own folder; created if it does not exist.
        local: A file, or a folder with the files, to try first.
        progress: Show a progress bar on stderr.

    Raises:
        UsageError: `local` does not exist.
        DownloadError: No source could deliver, or the disk is full or not writable; one line with every reason.
    """
    if local is not None and not local.exists():
        raise UsageError(f"there is no file or folder {local}; correct the path given with --from")
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home / ".lock")
        try:
            held = lock.acquire(timeout=0.2)
        except Timeout:
            logger.warning("another process is pulling %s; waiting for it", model.name)
            held = lock.acquire()
        with held:
            _fetch(model, home, local, progress)
    except (OSError, NotImplementedError) as error:
        raise DownloadError(f"cannot write {model.name} into {home}: {one_line(error)}; free or change it") from error


def _fetch(model: Model, home: Path, local: Path | None, progress: bool) -> None:
    missing = [file for file in model.files if not _is_official(home / file.path, file)]
    partial = home / ".partial"
    if missing:
        needed = sum(file.size for file in missing) - size_of(partial)
        if (lack := needed + SPARE - shutil.disk_usage(home).free) > 0:
            raise DownloadError(f"{home} lacks {lack:,} bytes of disk space for {model.name}; free some and try again")
        partial.mkdir(exist_ok=True)
        # In a log file, every update of the bar is a line, so it is updated rarely there.
        interval = 0.2 if sys.stderr.isatty() else 10
        with tqdm(unit="B", unit_scale=True, mininterval=interval, disable=not progress) as bar:
            try:
                _try_sources(Job(model, home, partial, missing, bar, local))
            finally:
                if not any(partial.iterdir()):  # the next pull could use nothing from it
                    partial.rmdir()
    shutil.rmtree(partial, ignore_errors=True)


def _try_sources(job: Job) -> None:
    sources = [source for source in SOURCES if job.local or not source.given]
    reasons: list[str] = []
    cause: Exception | None = None
    for source in sources:
        label = str(job.local) if source.given else source.name
        job.start(label)
        try:
            source.fetch(job)
            return
        except (UnusableError, OSError) as error:
            reasons.append(f"{label}: {one_line(error)}")
            cause = error
        # A source without the file is not worth a warning, unless the user named it.
        if (isinstance(cause, DamagedError) or source.given) and source is not sources[-1]:
            logger.warning("%s: %s; trying the next source", job.model.name, reasons[-1])
    raise DownloadError(
        f"cannot get {job.model.name}: {'; '.join(reasons)}. Check the network and try again, or bring the files "
        f"from elsewhere and run: rag models pull {job.model.name} --from PATH"
    ) from cause


def _is_official(path: Path, file: WeightFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and pins.sha256_of(path) == file.sha256
