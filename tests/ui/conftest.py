"""Makes the fake engine importable under every import mode of pytest, and keeps Gradio from leaking event loops."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import gradio
import gradio.queueing
import gradio.utils
import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True, scope="session")
def no_leaked_loops() -> Iterator[None]:
    """Let Gradio make its locks without a loop of their own each, which it never closes (Python < 3.10 needed one)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradio.queueing, "safe_get_lock", asyncio.Lock)
        patch.setattr(gradio.utils, "safe_get_lock", asyncio.Lock)
        patch.setattr(gradio.utils, "safe_get_stop_event", asyncio.Event)
        yield
