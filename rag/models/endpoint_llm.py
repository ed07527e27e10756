"""The answer model at an OpenAI-compatible endpoint; only its answers are passed on, never its error messages.

A user of the web chat may enter the address of any server in Dateline's network, so error messages from such a server
go to the log and never to the user. This module is imported only when needed: the OpenAI client takes most of a second,
and a local model does not need it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import openai
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ChatResponseGen
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms.llm import LLM
from llama_index.llms.openai_like import OpenAILike

from rag.errors import LLMError, RagError, SettingsError, one_line
from rag.models.profile import profile_of
from rag.network.bounded import BoundedTransport
from rag.settings import Settings

_log = logging.getLogger(__name__)
_IT = "the answer model's endpoint"
# Limits of a reply, including thinking. Each token is a piece, and each piece takes a millisecond.
MAX_CHARS, MAX_PIECES = 100_000, 12_000
_THINKING = 8_000  # tokens that a model may think, once it has shown that it does
# Parameters that some endpoints refuse, with the name that they may want instead.
_OPTIONAL = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "",
    "temperature": "",
    "stream_options": "",
}
_REFUSES = (400, 422)
_PROMPT_TOKENS = 2_000  # of a prompt without its evidence
_OPEN, _CLOSE = "<think>", "</think>"
_STATUS = {
    401: "refused the key; check llm_api_key",
    403: "refused the key; check llm_api_key",
    404: "knows no such model or address (404); check the model's name in llm and llm_base_url: most end in /v1",
    429: "takes no more questions for now (429); ask again later, or set another model in llm",
}


class _OnlyThoughtError(LLMError):
    """The reply ended before anything was said."""


class EndpointLLM(OpenAILike):
    """OpenAI-compatible chat, always streamed; a `<think>` part in front of the answer is left out.

    A parameter that the endpoint refuses is not sent again, whatever the model is called. If a reply ended while the
    model was thinking, it is asked once more with room for its thoughts, and later calls have that room as well.

    Raises:
        LLMError: The endpoint failed, only sent thinking, or sent too much; one line in our own words.
    """

    # Both are shared by the copies that single calls are made with.
    _refused: set[str] = PrivateAttr(default_factory=set)
    _thinks: threading.Event = PrivateAttr(default_factory=threading.Event)

    @classmethod
    def class_name(cls) -> str:
        """Return the name LlamaIndex stores with a serialised component."""
        return "EndpointLLM"

    def _get_model_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        values = super()._get_model_kwargs(**kwargs)
        values["max_tokens"] = kwargs.get("max_tokens") or values.pop("max_completion_tokens", None) or self.max_tokens
        values["max_tokens"] += _THINKING * self._thinks.is_set()
        if values.get("stream"):
            values["stream_options"] = {"include_usage": True}
        for name, instead in _OPTIONAL.items():
            if name in self._refused and name in values:
                value = values.pop(name)
                if instead:
                    values[instead] = value
        return values

    def _stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        while True:
            try:
                yield from self._called(messages, **kwargs)
                return
            except _OnlyThoughtError:
                if self._thinks.is_set():
                    raise
                self._thinks.set()
            except openai.APIStatusError as error:  # before the first piece
                if not self._learns(error):
                    raise self._translated(error) from error

    def _learns(self, error: openai.APIStatusError) -> bool:
        """Return whether an endpoint refused parameters that can be left out; these are not sent again."""
        sent = {name for name in _OPTIONAL if name not in self._refused}
        if "max_tokens" in sent:
            sent.discard("max_completion_tokens")
        if error.status_code not in _REFUSES or not sent:
            return False
        named = {name for name in sent if re.search(rf"\b{name}\b", f"{error.param} {error.message}")}
        self._refused |= named or sent
        return True

    def _called(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        # Neither LlamaIndex nor the OpenAI client closes the stream of an answer that is no longer wanted. Closing the
        # HTTP client of each call does, and then the endpoint stops writing.
        transport = BoundedTransport(self.timeout)
        with httpx.Client(transport=transport, follow_redirects=False, trust_env=False) as client:
            call = self.model_copy()
            call._client, call._http_client = None, client
            try:
                yield from _spoken(super(EndpointLLM, call)._stream_chat(messages, **kwargs))
            except (RagError, openai.APIStatusError):
                raise
            except Exception as error:  # the client's own errors, and those caused by a malformed reply
                raise self._translated(error) from error

    def _chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        last = ChatResponse(message=ChatMessage(role="assistant", content=""))
        for piece in self._stream_chat(messages, **kwargs):
            last = piece
        return last

    def _translated(self, error: Exception) -> LLMError:
        cause: BaseException | None = error
        while cause:  # the client wraps what the transport raises
            if isinstance(cause, LLMError):
                return cause
            cause = cause.__cause__
        _log.warning("the endpoint %s failed: %s", self.api_base, one_line(error, keys=[self.api_key]))
        if isinstance(error, openai.APIStatusError):
            return LLMError(f"{_IT} {_status(error.status_code)}")
        if isinstance(error, openai.APITimeoutError):
            return LLMError(f"{_IT} took longer than {self.timeout:g} s; raise llm_timeout")
        if isinstance(error, openai.APIConnectionError):
            return LLMError(f"{_IT} cannot be reached; check llm_base_url and the network")
        return LLMError(f"{_IT} sent no answer that can be read; check llm_base_url: most end in /v1")


def _spoken(pieces: Iterator[ChatResponse]) -> ChatResponseGen:
    """Yield the pieces without a `<think>` part, within the limit."""
    text, length, thought = "", 0, False
    for number, piece in enumerate(pieces):
        raw = piece.message.content or ""
        length += len(piece.delta or "") + len(str(piece.additional_kwargs.get("thinking_delta", "")))
        if length > MAX_CHARS or number > MAX_PIECES:
            raise LLMError(f"{_IT} says far more than an answer; set another model in llm")
        ends = [choice.finish_reason for choice in getattr(piece.raw, "choices", None) or ()]
        # Some endpoints do not show thoughts, but count them.
        thought = thought or raw != "" or "thinking_delta" in piece.additional_kwargs or "length" in ends
        said = _after_thinking(raw)
        # Text that was held back is in the delta of the first piece that shows it.
        message = ChatMessage(role="assistant", content=said)
        yield piece.model_copy(update={"message": message, "delta": said[len(text) :]})
        text = said
    if not text and thought:
        raise _OnlyThoughtError("the answer model spent its reply on thinking; set one that answers at once in llm")


def _after_thinking(text: str) -> str:
    lead = text.lstrip()
    if _CLOSE in lead:  # the opening tag may be in the endpoint's own prompt
        return lead.rpartition(_CLOSE)[2].lstrip()
    return "" if _OPEN.startswith(lead) or lead.startswith(_OPEN) else text


def _status(code: int) -> str:
    if code in _STATUS:
        return _STATUS[code]
    if code < 400:
        return f"leads to another address ({code}), which is not followed; set that one in llm_base_url"
    if code < 500:
        return f"refused the question ({code}); check the model's name in llm"
    return f"has a fault of its own ({code}); ask again, or set another model in llm"


def endpoint(settings: Settings, model: str) -> LLM:
    """Return the answer model `model` at the endpoint that the settings name.

    Args:
        settings: `llm_base_url`, `llm_api_key`, `llm_timeout` and those of the profile are read.
        model: The model's name at the endpoint.

    Raises:
        SettingsError: The model's name is missing.
        LLMError: The model cannot be used at a chat endpoint.
    """
    if not model:
        raise SettingsError("setting 'llm' is 'openai:' without a model; write openai:MODEL")
    profile = profile_of(settings, is_local=False)
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none"
    try:
        return EndpointLLM(
            model=model,
            api_base=settings.llm_base_url or "https://api.openai.com/v1",
            api_key=key,
            is_chat_model=True,
            context_window=profile.evidence_tokens + profile.answer_tokens + _PROMPT_TOKENS,
            max_tokens=profile.answer_tokens,
            temperature=0.0,
            timeout=settings.llm_timeout,
            max_retries=0,  # the time limit is for the whole answer, not for each try
        )
    except ValueError as error:
        raise LLMError(f"the model {model!r} cannot be asked at a chat endpoint; set another one in llm") from error
