"""Print the output of commands on consoles of any encoding and width."""

from __future__ import annotations

import json
import sys
import unicodedata

from rich.console import Console
from rich.table import Table

_WIDE = 100_000  # columns; wider than any table, so that nothing is cut
# They turn the direction of the text around them, so that a line can look as if it said something else.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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


def print_table(table: Table) -> None:
    """Print a table to stdout: folded to the width of a terminal, and never cut where the output is piped."""
    for column in table.columns:
        column.overflow = "fold"
    output().print(table)


def output() -> Console:
    """Return a console for stdout; where that is not a terminal, its lines are as long as they need to be."""
    return Console(width=None if sys.stdout.isatty() else _WIDE)


def printable(text: str) -> str:
    """Return a text of several lines with control characters escaped, so that it cannot control the terminal.

    Args:
        text: It may quote articles, which are not trusted.
    """
    return "".join(_escaped(c) if _controls(c) else c for c in text)


def shown(text: str) -> str:
    """Return a name with every unprintable character escaped, line breaks too."""
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 article`, `2,000 articles`.

    Args:
        number: How many.
        noun: The noun in the singular; the plural is made with an s.
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _controls(character: str) -> bool:
    return character in _TURNS or (unicodedata.category(character) == "Cc" and character not in "\n\t")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
