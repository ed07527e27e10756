"""`rag check`: read the text to hold against the library."""

from __future__ import annotations

import sys
from pathlib import Path

from rag.errors import UsageError


def text_of(given: str) -> str:
    """Return the text to check: what a file of this name holds, standard input for `-`, else what was given.

    Raises:
        UsageError: The file cannot be read as an article.
    """
    if given == "-":
        return sys.stdin.read()
    path = Path(given)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # a text is too long for a file name, or has characters that none can have
        is_file = False
    if not is_file:
        return given
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{given} cannot be read as UTF-8 text; give a plain text file or the text itself") from error
