"""Detect a lack of memory in errors, and in advance where a library would end the process."""

from __future__ import annotations

import errno
from pathlib import Path

from rag.errors import RagError

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

ADVICE = (
    "close other programs or raise the limit (ulimit -v), or use a smaller model: RAG_LLM=extractive or local:small"
)
# Texts in libraries' errors of other classes when they run out of memory, or cannot start a thread because of it.
_SAYS = (
    "bad_alloc",
    "can't alloc",
    "cannot allocate memory",
    "unable to allocate memory",
    "failed to map segment",
    "can't start new thread",
    "not enough memory",
    "resource temporarily unavailable",
)


def is_short(error: BaseException | None) -> bool:
    """Return whether an error, or its cause, is a lack of memory."""
    while error is not None:
        said = str(error).lower()
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return True
        # An OSError says it by its number, and what Dateline's own errors say may be an article's words.
        if not isinstance(error, OSError | RagError) and any(words in said for words in _SAYS):
            return True
        error = error.__cause__ or error.__context__
    return False


def room() -> int | None:
    """Return how many bytes this process may still map under its limit (`ulimit -v`); None if there is no limit."""
    try:
        limit = resource.getrlimit(resource.RLIMIT_AS)[0] if resource else -1
        if resource is None or limit == resource.RLIM_INFINITY:
            return None
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):  # not Linux
        return None
    return int(limit - pages * resource.getpagesize())
