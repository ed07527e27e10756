"""What the commands print, on consoles of any encoding."""

from __future__ import annotations

import json
import sys


def print_json(value: object, one_line: bool = False) -> None:
    """Print a value as JSON to stdout; what stdout's encoding lacks is written as escapes, so that it stays the same.

    Args:
        value: What `json.dumps` takes.
        one_line: Without line breaks.
    """
    indent = None if one_line else 2
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent)
    print(text, flush=True)
