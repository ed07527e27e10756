"""Keep a failure to the item that it happened in, so that the other items of the same file are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec, TypeVar

from rag.errors import DocumentError, one_line
from rag.load.article import BombError
from rag.types import Note

_T = TypeVar("_T")
_P = ParamSpec("_P")


def contained(
    source: str, label: str, items: Callable[_P, Iterable[_T]], *args: _P.args, **options: _P.kwargs
) -> Iterator[_T | Note]:
    """Yield `items(*args, **options)`; if that fails, yield a note that says so, and raise nothing.

    What ends the reading of the whole file is still raised: a lack of memory, and an archive that unpacks to too much.

    Args:
        source: The name in the note.
        label: What failed (`message 3`), put before the reason; empty where the reason names it.
        items: Makes the items, such as the articles of one message.
        *args: Its arguments.
        **options: Its other arguments.
    """
    try:
        yield from items(*args, **options)
    except (BombError, MemoryError):
        raise
    except DocumentError as error:
        yield Note(source, f"{label}: {error}" if label else str(error))
    except OSError as error:
        yield Note(source, f"{label or source} cannot be read: {error.strerror}; check the room for temporary files")
    except Exception as error:  # parsers fail in ways that no list of exceptions covers
        yield Note(source, unreadable(label or source, error))


def unreadable(what: str, error: Exception) -> str:
    """Return a message about an error that no reader expects."""
    return f"{what} cannot be read ({one_line(error, named=True)}); save its text and add that"
