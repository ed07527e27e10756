"""The web chat: asks the engine, streams its answers and shows the sentence behind each statement."""

from ui.app import Access, build, launch, serve

__all__ = ["Access", "build", "launch", "serve"]
