"""Every error that Dateline raises on purpose.

One hierarchy: catch `RagError` for all of them. Each message is one line that says what happened and what to do next.
Errors of third-party libraries are translated into these where they enter the package, and stay chained as
`__cause__`. `exit_code` is what the command line exits with: 1 the work failed, 2 the request was wrong.
"""

from __future__ import annotations


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
