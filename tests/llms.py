"""What the tests of answer models share: a key, a way to say it, and what a fallback looks like."""

from __future__ import annotations

from pathlib import Path

from llama_index.core.base.llms.types import ChatMessage

from rag import Answer, ModelError

KEY = "sk-very-secret-1234"
LONG = "Write the numbers from 1 to 500, one per line."  # about 1,800 tokens, most of a minute on two cores


def say(text: str) -> list[ChatMessage]:
    return [ChatMessage(role="user", content=text)]


def no_weights(name: str) -> Path:
    raise ModelError(f"no weights of {name}; run: rag models pull {name}")


def find_weights(name: str) -> Path:
    return Path("/weights") / f"{name.replace(':', '-')}.gguf"


def assert_fell_back(answer: Answer) -> None:
    """The best sentence, cited, with one line that says why."""
    assert not answer.abstained and answer.model == "extractive"
    assert "310 million" in answer.text and answer.citations[0].source.startswith("003")
    [notice] = answer.notices
    assert "\n" not in notice and KEY not in notice and "llm" in notice
