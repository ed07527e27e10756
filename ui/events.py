"""How events reach the server. Every handler is private: the page is no API."""

from __future__ import annotations

from typing import Any

# What is done at once: past Gradio's queue, and never dropped because an earlier event is still on its way.
QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "multiple",
}
# What streams an answer. Any number at the same time: no thread waits, and the queue for a model is `ui.server.queue`.
SLOW: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "multiple",
}
