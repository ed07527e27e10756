"""Every error that Dateline raises on purpose.

All are subclasses of `RagError`. Each message is one line that says what happened and what to do next.
Errors of third-party libraries are translated into these where they enter the package, and stay chained as
`__cause__`. `exit_code` is the exit code of the command line: 1 if the work failed, 2 if the request was wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MOST_CHARS = 200  # longest text of another library in our messages


class RagError(Exception):
    """Base of all errors of this package."""

    exit_code = 1


class UsageError(RagError):
    """The request cannot be carried out as it was made; nothing was changed."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is unknown or its value is unusable."""


class QuestionError(UsageError):
    """The question is empty or too long."""


class CollectionError(UsageError):
    """The store has no collection of this name, or it cannot be the name of one."""


class DocumentError(RagError):
    """A file or folder cannot be read as articles."""


class StoreError(RagError):
    """The store cannot be opened, read or written."""


class DamagedError(StoreError):
    """The store is damaged: its contents are not what was written to it."""


class StoreLockedError(StoreError):
    """Another process has the store open."""


class StoreMismatchError(StoreError):
    """The store was made with another layout or another embedding model."""


class VectorServerError(StoreError):
    """The Chroma server cannot be reached, or refuses what it is asked."""


class DatabaseServerError(StoreError):
    """The PostgreSQL server cannot be reached, or the connection to it was lost; it may be back soon."""


class ClusterError(RagError):
    """The Ray cluster cannot be reached, or its workers cannot do what they are asked."""


class ObjectStoreError(RagError):
    """An object store (such as S3) cannot be reached or used."""


class ModelError(RagError):
    """Model weights are unknown, missing or cannot be loaded."""


class ModelMissingError(ModelError):
    """The model's weights are not on this machine yet."""


class DownloadError(ModelError):
    """No source could provide a model's weights."""


class IntegrityError(ModelError):
    """A model file is not the official one: its SHA-256 differs."""


class LLMError(RagError):
    """The answer model failed, timed out or cannot be reached."""


def one_line(
    error: object, *, first: bool = False, named: bool = False, keys: Sequence[str | None] | None = None
) -> str:
    """Return an error's text on one line of at most 200 characters, or the name of its class if it has no text.

    Args:
        error: An exception, or what a library reports instead of one.
        first: Use only the first line of the error: some libraries add advice below it.
        named: Put the class name before the text, for unexpected errors.
        keys: Secrets that may be in the text (None among them is ignored). If given, even if empty, these and anything
            that looks like a key are replaced by `***`.
    """
    name = type(error).__name__
    if isinstance(error, dict):
        error = error.get("message", error)
    text = str(error).strip()
    text = " ".join((text.partition("\n")[0] if first else text).split()) or name
    if named and text != name:
        text = f"{name}: {text}"
    if keys is not None:
        for key in filter(None, keys):
            text = text.replace(key, "***")  # some services repeat the key in their error message
        text = re.sub(r"\b(?:sk|key|api)-[\w-]{4,}", "***", text)
    return text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…"
