"""Whose store it is: one process at a time has a folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import filelock

from rag.errors import StoreError, StoreLockedError


def take_lock(folder: Path) -> filelock.FileLock:
    """Return the lock of a store's folder, taken; the folder is made when it is missing.

    Raises:
        StoreLockedError: Another process, or an `Index` of this one, has it.
        StoreError: The folder cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Any thread may be the one that closes.
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
    """Have a store's folder for oneself without opening what is in it.

    Raises:
        StoreLockedError: Another process, or an `Index` of this one, has it open.
    """
    lock = take_lock(folder)
    try:
        yield
    finally:
        lock.release()


def _owner(folder: Path) -> str:
    try:
        return f"process {(folder / 'owner').read_text(encoding='ascii')}"
    except (OSError, UnicodeDecodeError):
        return "another process"
