"""Options for how events reach the server; every handler is private, since the page is not an API."""

from __future__ import annotations

from typing import Any

# For events that are handled at once: they skip Gradio's queue, and an earlier unfinished event never drops them.
QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "multiple",
}
# For events that stream an answer. Any number may run: no thread waits, and `ui.server.queue` limits the model.
SLOW: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "multiple",
}
