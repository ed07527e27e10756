"""Run parsers in another process, because a hostile file can crash them, stall them or make them use all memory.

The process starts with the first file that needs it, and serves one call after another. If a call takes too long or
ends the process, that is reported as an error of the file, and the next call starts a new process.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

from rag.errors import DocumentError
from rag.load.article import Article, Input
from rag.types import Note

SECONDS = 60.0  # of processor time, where the system counts it
_WAIT = 4  # times as long as that is waited on a busy machine
# How the process ends when it has used its processor time; None where the system does not count it.
_OUT_OF_TIME = -signal.SIGPROF if hasattr(signal, "SIGPROF") else None
_CODE = "from rag.load.worker_process import main; main()"
_lock = threading.Lock()
_process: subprocess.Popen[bytes] | None = None


def call(task: str, raw: bytes, source: str, **options: str | None) -> Any:
    """Parse a file in the other process.

    Args:
        task: A name in `rag.load.worker_process.TASKS`.
        raw: The file's bytes.
        source: The file's name in messages.
        **options: Other arguments of the task.

    Raises:
        DocumentError: The file breaks the parser or takes more than `SECONDS`, or the parser rejects it.
    """
    with _lock:
        reply = _call(task, raw, source, options)
    if "problem" in reply:
        raise DocumentError(reply["problem"])
    return reply["result"]


def read(task: str, file: Input, limit: int = 0) -> Iterator[Article | Note]:
    """Yield the articles and notes of a file (of at most `limit` bytes), parsed in the other process."""
    for said in call(task, file.read(limit), file.source):
        yield Note(**said["note"]) if "note" in said else Article(**said["article"])


def stop() -> int | None:
    """Stop the other process, if there is one; return how it ended."""
    global _process
    process, _process = _process, None
    if process is None:
        return None
    process.kill()
    ended = process.wait()
    for pipe in (process.stdin, process.stdout):
        try:
            if pipe:
                pipe.close()
        except OSError:  # unwritten data has no reader any more
            continue
    return ended


def _call(task: str, raw: bytes, source: str, options: dict[str, str | None]) -> dict[str, Any]:
    global _process
    if _process is None:
        _process = _start()
    late = threading.Event()
    timer = threading.Timer(SECONDS if _OUT_OF_TIME is None else SECONDS * _WAIT, _end, (_process, late))
    timer.daemon = True
    timer.start()
    try:
        head = json.dumps({"task": task, "source": source, "seconds": SECONDS, **options}).encode()
        reply: dict[str, Any] = json.loads(_exchange(_process, struct.pack("<II", len(head), len(raw)) + head + raw))
        return reply
    except (OSError, EOFError, struct.error) as error:
        ended = stop()
        too_long = late.is_set() or ended == _OUT_OF_TIME
        what = f"takes longer than {SECONDS:g} s to parse" if too_long else "breaks its parser (made to do so?)"
        raise DocumentError(f"{source} {what}; save its text and add that") from error
    except BaseException:  # interrupted half way: the next answer would belong to this call
        stop()
        raise
    finally:
        timer.cancel()


def _exchange(process: subprocess.Popen[bytes], request: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(request)
    process.stdin.flush()
    (size,) = struct.unpack("<I", process.stdout.read(4))
    reply = process.stdout.read(size)
    if len(reply) < size:
        raise EOFError
    return reply


def _start() -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", _CODE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


atexit.register(stop)
