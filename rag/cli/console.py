"""Print the output of commands on consoles of any encoding."""

from __future__ import annotations

import json
import sys


def print_json(value: object, one_line: bool = False) -> None:
    """Print a value as JSON to stdout, with escapes if stdout's encoding lacks a character.

    Args:
        value: What `json.dumps` takes.
        one_line: Whether to print it without line breaks.
    """
    indent = None if one_line else 2
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent)
    print(text, flush=True)
