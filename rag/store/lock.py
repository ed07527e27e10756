"""Lock a store's folder, so that only one process at a time uses it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import filelock

from rag.errors import StoreError, StoreLockedError


def take_lock(folder: Path) -> filelock.FileLock:
    """Acquire and return the lock of a store's folder. The folder is created if missing.

    Raises:
        StoreLockedError: Another process, or an `Index` in this one, holds the lock.
        StoreError: The folder cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The thread that closes the store may be another one.
        lock = filelock.FileLock(folder / "lock", timeout=0, thread_local=False)
        lock.acquire()
        (folder / "owner").write_text(str(os.getpid()), encoding="ascii")
    except filelock.Timeout as error:
        raise StoreLockedError(
            f"the store {folder} is in use by {_owner(folder)}; stop it first, or choose another store with --store"
        ) from error
    except OSError as error:
        raise StoreError(
            f"the store {folder} cannot be used: {error.strerror}; check its permissions, or use --store"
        ) from error
    return lock


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold the lock of a store's folder without opening the store.

    Raises:
        StoreLockedError: Another process, or an `Index` in this one, has the store open.
    """
    lock = take_lock(folder)
    try:
        yield
    finally:
        lock.release()


def is_taken(folder: Path) -> bool:
    """Return whether another process, or an `Index` in this one, has the store open."""
    lock = filelock.FileLock(folder / "lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        return True
    lock.release()
    return False


def _owner(folder: Path) -> str:
    try:
        return f"process {(folder / 'owner').read_text(encoding='ascii')}"
    except (OSError, UnicodeDecodeError):
        return "another process"
