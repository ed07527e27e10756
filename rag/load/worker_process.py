"""The process that parses files for `rag.load.worker`: it answers calls one by one and keeps no state."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any

from rag.errors import DocumentError
from rag.load.article import Article, Budget, Input
from rag.load.contain import unreadable
from rag.load.formats import feed, html, opendocument, pdf_process, powerpoint, rtf, word
from rag.types import Note

MAX_MEMORY = 2_000_000_000
TASKS: dict[str, Callable[..., Any]] = {
    "page": lambda raw, source, url: dataclasses.asdict(html.extract_here(raw.decode(), source, url)),
    "feed": lambda raw, source: _items(feed.parse, raw, source),
    "pdf": lambda raw, source: pdf_process.extract(raw, source),
    "prose": lambda raw, source: html.headed_prose_here(raw),
    "opendocument": lambda raw, source: _items(opendocument.parse, raw, source),
    "powerpoint": lambda raw, source: _items(powerpoint.parse, raw, source),
    "rtf": lambda raw, source: _items(rtf.parse, raw, source),
    "word": lambda raw, source: _items(word.parse, raw, source),
}


def main() -> None:
    """Answer calls until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the calling process
    _limit_memory()
    html.HARMLESS = sys.maxsize  # parse pages of any size here: this process may crash
    calls = sys.stdin.buffer
    # Output that a library prints must not get mixed up with the answers.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        while len(sizes := calls.read(8)) == 8:
            head, size = struct.unpack("<II", sizes)
            options = json.loads(calls.read(head))
            _allow(options.pop("seconds"))
            reply = json.dumps(_answer(options.pop("task"), calls.read(size), options), default=str).encode()
            _allow(0.0)
            answers.write(struct.pack("<I", len(reply)) + reply)
            answers.flush()


def _answer(task: str, raw: bytes, options: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": TASKS[task](raw, **options)}
    except DocumentError as error:
        return {"problem": str(error)}
    except MemoryError:
        return {"problem": f"{options['source']} takes more than {MAX_MEMORY // 10**9} GB to parse; split it"}
    except Exception as error:  # the process goes on: the next file is none the worse
        return {"problem": unreadable(options["source"], error)}


def _items(parse: Callable[[Input], Iterator[Article | Note]], raw: bytes, source: str) -> list[dict[str, Any]]:
    file = Input(source, io.BytesIO(raw), Budget(len(raw)))
    return [{"note" if isinstance(item, Note) else "article": dataclasses.asdict(item)} for item in parse(file)]


def _allow(seconds: float) -> None:
    """Let the system end this process after so much more processor time; 0 for no limit.

    Time on the clock would count against a file what other programs use.
    """
    if hasattr(signal, "setitimer"):  # Windows has no such limit; there the caller waits less long
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
