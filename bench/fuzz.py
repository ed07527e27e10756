"""Read broken and hostile files of every format; each must be read or reported without a crash or memory exhaustion.

    python -m bench.fuzz                  # one table; exit code 1 if a case was fatal
    python -m bench.fuzz --only .csv --size 50000000

Each format is tried in a separate process. Its peak memory is the highest value among that process and the processes
that it starts. The same seed gives the same files.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from broken import WHOLE, cases, lengthy  # noqa: E402

from rag.errors import DocumentError  # noqa: E402
from rag.load import worker  # noqa: E402
from rag.load.files import read, read_bytes  # noqa: E402
from rag.types import Document, Note  # noqa: E402

SECONDS = 3600


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Read broken and hostile files of every format.")
    parser.add_argument("--only", help="one suffix, such as .csv")
    parser.add_argument("--cases", type=int, default=60, help="truncations, and damages, of each format")
    parser.add_argument("--size", type=int, default=1_000_000_000, help="bytes on one line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        json.dump(try_all(options.one, options.cases, options.size, options.seed), sys.stdout)
        return 0
    samples = [sample for sample in WHOLE if options.only in (None, Path(sample).suffix)]
    print(f"{platform.machine()}, Python {platform.python_version()}, {options.size / 1e6:,.0f} MB on one line")
    print(f"{'format':<8}{'cases':>7}{'reported':>10}{'read fine':>11}{'fatal':>7}{'peak MB':>9}{'slowest s':>11}")
    fatal = 0
    for sample in samples:
        row = apart(sample, options)
        fatal += len(row["fatal"])
        print(
            f"{Path(sample).suffix:<8}{row['cases']:>7}{row['reported']:>10}{row['fine']:>11}{len(row['fatal']):>7}"
            f"{row['peak']:>9,.0f}{row['seconds']:>11.1f}  {row['slowest']}",
            flush=True,
        )
        for what in row["fatal"]:
            print(what, file=sys.stderr)
    return 1 if fatal else 0


def apart(sample: str, options: argparse.Namespace) -> dict:
    """Try one format in a separate process."""
    numbers = ["--cases", str(options.cases), "--size", str(options.size), "--seed", str(options.seed)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.fuzz", "--one", sample, *numbers],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        reason = f"{sample}: the process ended with {done.returncode}\n{done.stderr[-2000:]}"
        return {"cases": 0, "reported": 0, "fine": 0, "fatal": [reason], "peak": 0, "seconds": 0, "slowest": ""}
    return json.loads(done.stdout)


def try_all(sample: str, count: int, size: int, seed: int) -> dict:
    """Read all broken files of a format in this process."""
    row = {"cases": 0, "reported": 0, "fine": 0, "fatal": [], "seconds": 0.0, "slowest": ""}
    for case in cases(sample, count, seed):
        judge(row, f"{case.what} {case.name}", read_bytes(case.raw, case.name))
    suffix = Path(sample).suffix
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"long{suffix}")
        write_long(path, suffix, size)
        judge(row, f"one line {path.name}", read(path, path.name))
    worker.stop()  # its peak memory is only known once it has ended
    peaks = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return row | {"peak": max(peaks) / unit}


def judge(row: dict, what: str, items: Iterator[Document | Note]) -> None:
    """Read one file and count the result."""
    started = time.perf_counter()
    documents = failures = 0
    try:
        for item in items:
            documents += isinstance(item, Document)
            failures += isinstance(item, Note) and item.failed
        if not documents and not failures:
            row["fatal"].append(f"{what}: nothing was read and nothing was said")
    except DocumentError as error:
        failures += 1
        if "\n" in str(error):
            row["fatal"].append(f"{what}: a reason of several lines: {error}")
    except BaseException:
        row["fatal"].append(f"{what}: {traceback.format_exc(limit=-3)}")
    seconds = time.perf_counter() - started
    row["cases"] += 1
    row["reported" if failures else "fine"] += 1
    if seconds > row["seconds"]:
        row["seconds"], row["slowest"] = seconds, what


def write_long(path: Path, suffix: str, size: int) -> None:
    """Write a file with one line of `size` bytes."""
    head, end = lengthy(suffix, size)
    block = b"It rained in Harborough all day. " * 32_000
    with path.open("wb") as file:
        file.write(head)
        for start in range(0, size, len(block)):
            file.write(block[: size - start])
        file.write(end)


if __name__ == "__main__":
    sys.exit(main())
