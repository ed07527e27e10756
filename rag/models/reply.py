"""Stream the reply of any answer model; a reply that is late or incomplete is an error."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rag.errors import LLMError, ModelError, one_line

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage, ChatResponse
    from llama_index.core.llms.llm import LLM

# Finish reasons of a complete reply; after any other reason, part of the reply is missing.
_ENDS = {"stop", "eos", "eos_token", "stop_token", "stop_sequence", "end_turn"}
_BROKEN = "the answer model's reply broke off before its end and is not used; ask again, or set another model in llm"
_LONG = "the answer model's reply was cut off at its longest and is not used; ask for less, or set another model in llm"
_HELD = "the answer model's provider held the reply back; ask in other words, or set another model in llm"
_CUT = {"length": _LONG, "max_tokens": _LONG, "content_filter": _HELD}


def stream_chat(
    llm: LLM,
    messages: Sequence[ChatMessage],
    timeout: float,
    *,
    whole: bool = True,
    count: Callable[[tuple[int, int]], None] | None = None,
    **kwargs: Any,
) -> Iterator[tuple[str, float | None, dict[str, float]]]:
    """Yield (text so far, mean token probability or None, most likely first tokens) while a model answers.

    Args:
        llm: The answer model.
        messages: The prompt.
        timeout: Seconds that the reply may take.
        whole: Whether a reply that was cut off ("US $310" of "US $310 million") is an error.
        count: Receives the tokens of the prompt and of the reply if the model reports them.
        **kwargs: Passed to the model, such as `max_tokens`.

    Raises:
        LLMError: The model failed, took longer than `timeout` seconds, cannot be reached or was cut off.
    """
    deadline = time.monotonic() + timeout
    text, finish, tells = "", None, False
    try:
        for piece in llm.stream_chat(messages, **kwargs):
            text = piece.message.content or text + (piece.delta or "")
            facts = piece.additional_kwargs
            reason, known = _finish(piece)
            finish, tells = reason or finish, tells or known
            if count and (tokens := _tokens(piece)):
                count(tokens)
            yield text, _confidence(facts.get("logprobs")), facts.get("first") or {}
            if time.monotonic() > deadline:
                raise LLMError(f"the answer model took longer than {timeout:g} s; raise llm_timeout")
    except (LLMError, ModelError):
        raise
    except Exception as error:  # every client library has its own error classes
        raise LLMError(
            f"the answer model {llm.metadata.model_name} failed: {one_line(error, keys=())}; check llm"
        ) from error
    if whole and tells and finish not in _ENDS:
        raise LLMError(_CUT.get(finish or "", _BROKEN))
    if not text:
        raise LLMError(f"the answer model {llm.metadata.model_name} said nothing; check llm and llm_base_url")


def _finish(piece: ChatResponse) -> tuple[str | None, bool]:
    """Return why a reply ended, if known, and whether this kind of model reports it at all."""
    if "finish" in piece.additional_kwargs:
        return str(piece.additional_kwargs["finish"]), True
    choices = getattr(piece.raw, "choices", None)
    reason = getattr(choices[0], "finish_reason", None) if choices else None
    return (str(reason).lower() if reason else None), choices is not None


def _tokens(piece: ChatResponse) -> tuple[int, int] | None:
    usage = getattr(piece.raw, "usage", None)
    read, wrote = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
    return (read, wrote) if isinstance(read, int) and isinstance(wrote, int) else None


def _confidence(logprobs: Any) -> float | None:
    if not isinstance(logprobs, list) or not logprobs or not isinstance(logprobs[0], float):
        return None
    return math.exp(sum(logprobs) / len(logprobs))
