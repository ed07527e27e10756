"""What tests of a run share: a model that can be interrupted or fail, and what two runs have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fakes import ROOT, FakeLLM
from llama_index.core.base.llms.types import ChatMessage, ChatResponseGen
from llama_index.core.llms.callbacks import llm_chat_callback
from pydantic import Field

from eval.records import Run

DATA = ROOT / "tests" / "data"


class Model(FakeLLM):
    """A `FakeLLM` whose calls LlamaIndex's callbacks see, and that can be interrupted or fail at some question."""

    interrupt_at: str = ""
    fail_at: list[str] = Field(default_factory=list)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        asked = messages[-1].content or ""
        if self.interrupt_at and self.interrupt_at in asked:
            raise KeyboardInterrupt
        if any(words in asked for words in self.fail_at):
            raise ConnectionError("no route to host")
        return super().stream_chat(messages, **kwargs)


def but_times(run: Run) -> list[dict[str, Any]]:
    """The records without what no two runs share."""
    return [
        {**record.model_dump(), "answer": {**record.model_dump()["answer"], "timings": None}} for record in run.records
    ]


def ids(run: Run) -> list[str]:
    return [record.question.id for record in run.records]
