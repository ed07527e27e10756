"""Files in object stores (`s3://bucket/folder`), listed and copied through fsspec; only this module uses it."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rag.errors import DocumentError, ObjectStoreError, RagError, UsageError, one_line

UNKNOWN = -1  # the time of a file whose bytes have to be compared
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_WEB = ("http", "https")
_EXTRAS = {"s3fs": "dateline[objects]"}
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")  # in the order of preference
_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_SECOND = 1_000_000_000  # ns
_ATTEMPTS = 3
_stores: dict[tuple[type, str], Any] = {}  # those that this process has used, by kind and options


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object: its address, its size in bytes, and a time that is another one when its content has changed.

    The time is in ns since 1970, or `UNKNOWN`. Stores count it in seconds, so where there is an ETag, the fraction of
    the second is made from that.
    """

    url: str
    size: int
    mtime_ns: int
    tag: str = ""


def is_object(path: Path | str) -> bool:
    """Return whether this is an address in an object store, and not a path or a web address."""
    found = _ADDRESS.match(path) if isinstance(path, str) else None
    return found is not None and found[1].lower() not in _WEB


def listing(url: str) -> tuple[str, list[StoredObject]]:
    """Return an address as its store writes it, and every object at it or below it, sorted by address.

    Raises:
        DocumentError: There is no such place, or it may not be read.
        ObjectStoreError: The store cannot be reached.
        UsageError: It is no address of a store, or the package for this kind of store is not installed.
    """
    with _translated(url):
        files, root = _opened(url)
        files.invalidate_cache()
        found = files.find(root, detail=True)
        objects = [_stored(files, name, told) for name, told in found.items() if told.get("type") == "file"]
        return str(files.unstrip_protocol(root)), sorted(objects, key=lambda stored: stored.url)


@contextmanager
def copied(url: str, size: int, mtime_ns: int) -> Iterator[tuple[Path, StoredObject]]:
    """Copy an object to a temporary file, and lend that with what the store says about the object copied.

    Args:
        url: The object's address.
        size: The size that was listed.
        mtime_ns: The time that was listed.

    Raises:
        FileNotFoundError: The object is gone.
        DocumentError: It may not be read, or changes all the time.
        ObjectStoreError: The store cannot be reached.
    """
    with tempfile.TemporaryDirectory(prefix="dateline-") as folder:
        path = Path(folder, "object")
        with _translated(url, gone=True):
            stored = _copy(url, path, (size, mtime_ns))
        yield path, stored


def _copy(url: str, path: Path, seen: tuple[int, int]) -> StoredObject:
    files, name = _opened(url)
    for _ in range(_ATTEMPTS):
        files.get_file(name, str(path))
        files.invalidate_cache()
        stored = _stored(files, name, files.info(name))
        if (stored.size, stored.mtime_ns) == seen:
            return stored
        seen = stored.size, stored.mtime_ns
    raise DocumentError(f"{url} changes while it is read; it is read again with the next ingest")


def _opened(url: str) -> tuple[Any, str]:
    """Return the store and the name of an object or folder in it."""
    import fsspec

    if "::" in url:
        raise UsageError(f"{url} is more than one address; give one such as s3://bucket/folder")
    if urlsplit(url).password:  # it would become part of what readers see of the article
        raise UsageError("an address of a store holds a password; set the credentials in the environment instead")
    # fsspec would keep one for each thread, for ever.
    files, root = fsspec.core.url_to_fs(url, skip_instance_cache=True)
    files = _stores.setdefault((type(files), repr(sorted(files.storage_options.items()))), files)
    if not root.strip("/"):
        raise UsageError(f"{url} names no bucket; write it like s3://bucket/folder")
    return files, root


def _stored(files: Any, name: str, told: Mapping[str, Any]) -> StoredObject:
    tag = str(told.get("ETag") or told.get("etag") or "").strip('"')
    time = next((told[key] for key in _TIMES if told.get(key) is not None), None)
    mtime_ns = UNKNOWN if time is None else _nanoseconds(time)
    if tag:
        fraction = int.from_bytes(hashlib.sha256(tag.encode()).digest()[:8], "big") % _SECOND
        mtime_ns = max(mtime_ns, 0) // _SECOND * _SECOND + fraction
    return StoredObject(str(files.unstrip_protocol(name)), int(told["size"]), mtime_ns, tag)


def _nanoseconds(time: object) -> int:
    if isinstance(time, str):
        time = datetime.fromisoformat(time.replace("Z", "+00:00"))
    if isinstance(time, datetime):
        time = (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp()
    return int(float(str(time)) * _SECOND)


@contextmanager
def _translated(url: str, gone: bool = False) -> Iterator[None]:
    """Turn what the libraries of stores raise into errors of one line; with `gone`, leave `FileNotFoundError`."""
    try:
        yield
    except RagError:
        raise
    except FileNotFoundError as error:
        if gone:
            raise
        raise DocumentError(f"{url} does not exist; check the address") from error
    except PermissionError as error:
        raise DocumentError(
            f"{url} may not be read: {_reason(error)}; check the credentials in the environment and their rights"
        ) from error
    except ImportError as error:
        raise UsageError(_lacking(url)) from error
    except Exception as error:  # each store's library has errors of its own
        if isinstance(error, ValueError) and "rotocol not known" in str(error):
            raise UsageError(f"{url} is in no kind of store that is known; give one such as s3://bucket") from error
        raise ObjectStoreError(
            f"the store of {url} cannot be used: {_reason(error)}; check the address, the credentials in the "
            "environment and the network, then run it again"
        ) from error


def _reason(error: Exception) -> str:
    return one_line(error, first=True, named=True, keys=[os.environ.get(name) for name in _SECRETS])


def _lacking(url: str) -> str:
    """Return what to install for a kind of store."""
    from fsspec.registry import known_implementations

    scheme = url.partition("://")[0].lower()
    package = str(known_implementations.get(scheme, {}).get("class", "fsspec")).partition(".")[0]
    what = _EXTRAS.get(package, package)
    return f'{scheme}:// needs a package that is not installed ({package}); run: pip install "{what}"'
