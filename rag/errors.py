"""Every error that Dateline raises on purpose.

One hierarchy: catch `RagError` for all of them. Each message is one line that says what happened and what to do next.
Errors of third-party libraries are translated into these where they enter the package, and stay chained as
`__cause__`. `exit_code` is what the command line exits with: 1 the work failed, 2 the request was wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MOST_CHARS = 200  # of what another library says in a message of ours


class RagError(Exception):
    """Base of all errors of this package."""

    exit_code = 1


class UsageError(RagError):
    """The request cannot be carried out as it was made; nothing was changed."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is unknown or its value is not usable."""


class QuestionError(UsageError):
    """The question is empty or too long."""


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


class ModelError(RagError):
    """Model weights are unknown, missing or cannot be loaded."""


class ModelMissingError(ModelError):
    """The model's weights are not on this machine yet."""


class DownloadError(ModelError):
    """No source of a model's weights could deliver them."""


class IntegrityError(ModelError):
    """A model file is not the official one: its SHA-256 differs."""


class LLMError(RagError):
    """The answer model failed, timed out or cannot be reached."""


def one_line(
    error: object, *, first: bool = False, named: bool = False, keys: Sequence[str | None] | None = None
) -> str:
    """Return what an error says on one line of at most 200 characters; the name of its class where it says nothing.

    Args:
        error: An exception, or what a library reports in place of one.
        first: Take the error's first line alone: some libraries add advice of their own below it.
        named: Put the class before the text, for an error that nobody expected.
        keys: Secrets that may stand in the text (None among them is passed over); given, even when empty, they and
            whatever looks like a key are replaced by `***`.
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
            text = text.replace(key, "***")  # some services repeat the key in their complaint
        text = re.sub(r"\b(?:sk|key|api)-[\w-]{4,}", "***", text)
    return text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…"
