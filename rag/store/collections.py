"""Collections: separate libraries in one store, each with its own documents, vectors and lexical index.

The default collection lies in the store's folder itself, every other one in a folder of its own below it. So a question
cannot reach another collection, and what is removed from one stays in the others.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from rag.errors import CollectionError, StoreError
from rag.settings import DEFAULT_COLLECTION, collection_name

MOST = 200  # collections in a store: a server keeps each one open that it was asked about
_PREFIX = "collection-"  # so that no name is one that the system or the store itself uses
_DATABASE = "documents.db"


def checked(name: str) -> str:
    """Return the name of a collection as it is stored: in lower case, since some file systems do not tell cases apart.

    Raises:
        CollectionError: It cannot be the name of a collection.
    """
    try:
        return collection_name(name)
    except ValueError as error:
        raise CollectionError(str(error)) from error


def folder_of(store: Path, name: str) -> Path:
    """Return the folder of a collection, whether it exists or not.

    Raises:
        CollectionError: It cannot be the name of a collection.
    """
    name = checked(name)
    return store.expanduser() / (f"{_PREFIX}{name}" if name != DEFAULT_COLLECTION else "")


def collections(store: Path) -> tuple[str, ...]:
    """Return the names of the collections in a store: the default one, then the others in alphabetical order."""
    found = (path.parent.name.removeprefix(_PREFIX) for path in store.expanduser().glob(f"{_PREFIX}*/{_DATABASE}"))
    return DEFAULT_COLLECTION, *sorted(name for name in found if _is_usual(name))


def find(store: Path, name: str, create: bool = False) -> Path:
    """Return the folder of a collection.

    Args:
        store: Folder of the store.
        name: Its name.
        create: Whether it may be one that does not exist yet.

    Raises:
        CollectionError: There is no collection of this name, or it cannot be one.
    """
    return folder_of(store, chosen(collections(store), name, create))


def chosen(known: Sequence[str], name: str, create: bool = False) -> str:
    """Return the name of a collection as it is stored, after looking whether it is a known one.

    Args:
        known: The names of the collections that exist.
        name: Its name.
        create: Whether it may be one that does not exist yet.

    Raises:
        CollectionError: There is no collection of this name, or it cannot be one.
    """
    if checked(name) not in known:
        if not create:
            raise CollectionError(
                f"there is no collection {checked(name)!r}; there are {', '.join(known)}; "
                "make one with: rag ingest PATH --collection NAME"
            )
        if len(known) >= MOST:
            raise CollectionError(f"there are {len(known)} collections already, and no more are kept; use one of them")
    return checked(name)


def discard(folder: Path) -> None:
    """Delete the folder of a collection that nothing was ever added to; the default collection is kept.

    Raises:
        StoreError: It cannot be deleted.
    """
    if not folder.name.startswith(_PREFIX):
        return
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StoreError(f"{folder} cannot be removed: {error.strerror}; remove it by hand") from error


def _is_usual(name: str) -> bool:
    try:
        return collection_name(name) == name != DEFAULT_COLLECTION
    except ValueError:  # somebody else's folder
        return False
