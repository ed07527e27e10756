"""What a model streams: its confidence, its failures in one line, its time limit, and its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from answers import say
from fakes import WAIT, FakeLLM
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ChatResponseGen

from rag import LLMError, ModelError
from rag.models.reply import stream_chat


def test_text_so_far() -> None:
    assert list(stream_chat(FakeLLM(default="US $310 million"), say("?"), WAIT)) == [
        ("US", None, {}),
        ("US $310", None, {}),
        ("US $310 million", None, {}),
    ]


class WithProbabilities(FakeLLM):
    """Reports the log probabilities of 0.9 and then of 0.9 and 0.4."""

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        for text, logprobs in (("a", [math.log(0.9)]), ("a b", [math.log(0.9), math.log(0.4)])):
            message = ChatMessage(role="assistant", content=text)
            yield ChatResponse(message=message, delta=text[-1], additional_kwargs={"logprobs": logprobs})


def test_confidence_is_the_mean_probability() -> None:
    confidences = [confidence for _, confidence, _ in stream_chat(WithProbabilities(), say("?"), WAIT)]
    # the geometric mean of 0.9 and 0.4 is the square root of 0.36
    assert confidences == pytest.approx([0.9, 0.6])


@pytest.mark.parametrize("fail_late", [False, True])
def test_any_error_is_one_line(fail_late: bool) -> None:
    broken = RuntimeError("it broke\nTraceback: here\nand there")
    with pytest.raises(LLMError, match="it broke") as caught:
        list(stream_chat(FakeLLM(error=broken, fail_late=fail_late), say("?"), WAIT))
    assert "\n" not in str(caught.value) and caught.value.__cause__ is broken


def test_own_errors_stay_as_they_are() -> None:
    with pytest.raises(ModelError, match=r"^it is damaged$"):
        list(stream_chat(FakeLLM(error=ModelError("it is damaged")), say("?"), WAIT))


def test_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 100.5, 101.5])  # begun, after the first word, after the second
    monkeypatch.setattr("rag.models.reply.time.monotonic", lambda: next(clock))
    llm = FakeLLM(default="one two three")
    seen = []
    with pytest.raises(LLMError, match="longer than 1 s"):
        for text, _, _ in stream_chat(llm, say("?"), 1.0):
            seen.append(text)
    assert seen == ["one", "one two"]


def test_closing_reaches_the_model() -> None:
    llm = FakeLLM(default="one two three")
    stream = stream_chat(llm, say("?"), WAIT)
    assert next(stream) == ("one", None, {})
    assert not llm.closed.is_set()
    stream.close()  # type: ignore[attr-defined]
    assert llm.closed.wait(WAIT)
