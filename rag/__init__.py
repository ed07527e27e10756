"""Dateline: answers over news articles, every statement cited to the exact sentence it rests on.

>>> from rag import answer
>>> print(answer("How much additional aid did Harris announce for the region?"))  # doctest: +SKIP
US $310 million [1]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rag.errors import (
    ClusterError,
    CollectionError,
    DamagedError,
    DatabaseServerError,
    DocumentError,
    DownloadError,
    IntegrityError,
    LLMError,
    ModelError,
    ModelMissingError,
    ObjectStoreError,
    QuestionError,
    RagError,
    SettingsError,
    StoreError,
    StoreLockedError,
    StoreMismatchError,
    UsageError,
    VectorServerError,
)

if TYPE_CHECKING:
    from rag.answering.verify import is_refusal
    from rag.chat import Chat
    from rag.engine import Engine
    from rag.origin import readable_date
    from rag.reports import CheckedSentence, CheckReport, IngestReport
    from rag.settings import Settings
    from rag.shared_engine import answer, open_engine, seeds_folder, support
    from rag.types import Answer, Citation, Document, Evidence, Filters, Place, SourceInfo, Span, Statement, Usage
    from rag.users.accounts import User, Users
    from rag.users.feedback import Feedback
    from rag.users.roles import Role

__all__ = [
    "Answer",
    "Chat",
    "CheckReport",
    "CheckedSentence",
    "Citation",
    "ClusterError",
    "CollectionError",
    "DamagedError",
    "DatabaseServerError",
    "Document",
    "DocumentError",
    "DownloadError",
    "Engine",
    "Evidence",
    "Feedback",
    "Filters",
    "IngestReport",
    "IntegrityError",
    "LLMError",
    "ModelError",
    "ModelMissingError",
    "ObjectStoreError",
    "Place",
    "QuestionError",
    "RagError",
    "Role",
    "Settings",
    "SettingsError",
    "SourceInfo",
    "Span",
    "Statement",
    "StoreError",
    "StoreLockedError",
    "StoreMismatchError",
    "Usage",
    "UsageError",
    "User",
    "Users",
    "VectorServerError",
    "answer",
    "is_refusal",
    "open_engine",
    "readable_date",
    "seeds_folder",
    "support",
]

# Chroma and LlamaIndex take two seconds to import, so names are loaded on demand: `rag --help` does not need them.
_WHERE = (
    {
        "Chat": "rag.chat",
        "Engine": "rag.engine",
        "Feedback": "rag.users.feedback",
        "Role": "rag.users.roles",
        "Settings": "rag.settings",
        "User": "rag.users.accounts",
        "Users": "rag.users.accounts",
        "answer": "rag.shared_engine",
        "is_refusal": "rag.answering.verify",
        "open_engine": "rag.shared_engine",
        "readable_date": "rag.origin",
        "seeds_folder": "rag.shared_engine",
        "support": "rag.shared_engine",
    }
    | dict.fromkeys(
        ("CheckReport", "CheckedSentence", "IngestReport"),
        "rag.reports",
    )
    | dict.fromkeys(
        (
            "Answer",
            "Citation",
            "Document",
            "Evidence",
            "Filters",
            "Place",
            "SourceInfo",
            "Span",
            "Statement",
            "Usage",
        ),
        "rag.types",
    )
)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'rag' has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
