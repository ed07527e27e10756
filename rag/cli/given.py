"""What the options of a command give: filters, settings, and the engine over the library."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rag.settings import Settings
from rag.types import Filters

if TYPE_CHECKING:  # the engine takes a second to import
    from rag.engine import Engine


def filters(
    since: str, until: str, source: list[str] | None, author: list[str] | None, language: list[str] | None
) -> Filters | None:
    """Return the filters that the options of a command give; None if they give none."""
    from rag.store.filters import day  # imports the store's engine

    filters = Filters(
        sources=tuple(map(decoded, source or ())),
        since=day("--since", since),
        until=day("--until", until),
        authors=tuple(map(decoded, author or ())),
        languages=tuple(language or ()),
    )
    return None if filters == Filters() else filters


def decoded(text: str) -> str:
    """Return an argument without the lone surrogates that undecodable bytes of a console become."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def settings(store: Path | None, collection: str | None = None) -> Settings:
    """Return the settings, with the store and the collection of a command's options if there are any."""
    given = {"store": store, "collection": collection}
    return Settings(**{name: value for name, value in given.items() if value is not None})


def opened(store: Path | None, collection: str | None = None, quick: bool = False) -> Engine:
    """Return the engine over a collection; `quick` loads the models meanwhile, for one question."""
    if quick:
        from rag.cli.opening import open_for_one

        return open_for_one(settings(store, collection), notify)
    from rag.shared_engine import open_engine

    return open_engine(settings(store, collection), notify)


def notify(line: str) -> None:
    """Print news on standard error, apart from results."""
    print(f"rag: {line}", file=sys.stderr)
