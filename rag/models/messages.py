"""Messages for an answer model, in LlamaIndex's type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage


def message(role: str, content: str) -> ChatMessage:
    """Return a message.

    Args:
        role: `system`, `user` or `assistant`.
        content: Its text.
    """
    # Imported here because LlamaIndex takes seconds to import, and answers without a model need no messages.
    from llama_index.core.base.llms.types import ChatMessage

    return ChatMessage(role=role, content=content)
