"""The web chat: asks the engine, streams its answers and shows the sentence behind each statement."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ui.app import Access, build, launch, serve

__all__ = ["Access", "build", "launch", "serve"]


def __getattr__(name: str) -> Any:
    # Loaded on demand: `rag mcp` uses `ui.api` and must not wait for Gradio, which takes seconds to import.
    if name not in __all__:
        raise AttributeError(f"module 'ui' has no attribute {name!r}")
    return getattr(import_module("ui.app"), name)
