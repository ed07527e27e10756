"""The real model in this process: streams, limits, readers in line, and prompts that are kept on disk."""

from __future__ import annotations

import io
import secrets
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from answers import AID, LONG, say
from fakes import WAIT, make_engine
from llama_index.core.base.llms.types import ChatMessage

from rag import Answer, LLMError, ModelError
from rag.models.llm import SLOTS, LocalLLM, _prompt_folder, _slot
from rag.models.reply import stream_chat


@pytest.fixture(scope="module")
def local(weights: Path) -> LocalLLM:
    return LocalLLM(path=str(weights), name="small", threads=2, timeout=60)


@pytest.mark.slow
def test_model_streams(local: LocalLLM) -> None:
    pieces = list(local.stream_chat(say("What is the capital of France? Answer with one sentence.")))
    text = pieces[-1].message.content or ""
    assert "Paris" in text and len(pieces) > 2
    assert "".join(piece.delta or "" for piece in pieces) == text
    logprobs = pieces[-1].additional_kwargs["logprobs"]
    assert len(logprobs) >= len(pieces) and all(value <= 0 for value in logprobs)
    assert local.chat(say("What is the capital of France? Answer with one sentence.")).message.content == text


@pytest.mark.slow
def test_model_that_reaches_its_limit_is_cut_off(local: LocalLLM) -> None:
    with pytest.raises(LLMError, match="cut off at its longest"):
        list(stream_chat(local, say(LONG), WAIT, max_tokens=4))
    assert list(stream_chat(local, say(LONG), WAIT, whole=False, max_tokens=4))


@pytest.mark.slow
def test_model_completes(local: LocalLLM) -> None:
    text = local.complete("What is 2 + 2? Answer with digits only.").text
    assert "4" in text
    assert list(local.stream_complete("What is 2 + 2? Answer with digits only."))[-1].text == text


@pytest.mark.slow
def test_closing_the_stream_stops_the_model(weights: Path) -> None:
    local = LocalLLM(path=str(weights), name="small", threads=2, timeout=60)
    stream = local.stream_chat(say(LONG), max_tokens=3500)
    assert next(stream).delta
    local.timeout = 8  # were the first one not stopped, the next one would wait in vain
    stream.close()
    assert local.chat(say("Say hello."), max_tokens=2).message.content


@pytest.mark.slow
def test_time_limit_of_the_model(weights: Path, local: LocalLLM) -> None:
    local.chat(say("Say hello."), max_tokens=1)  # loads it
    hasty = LocalLLM(path=str(weights), name="small", threads=2, timeout=1)
    with pytest.raises(LLMError, match="longer than 1 s"):
        list(hasty.stream_chat(say(LONG), max_tokens=3500))
    assert local.chat(say("Say hello."), max_tokens=2).message.content  # and it is free again


@pytest.mark.slow
def test_one_question_at_a_time(weights: Path) -> None:
    local = LocalLLM(path=str(weights), name="small", threads=2, timeout=60)
    stream = local.stream_chat(say(LONG), max_tokens=3500)
    next(stream)
    local.timeout = 0.2
    with pytest.raises(LLMError, match="busy"):
        local.chat(say("Say hello."))
    stream.close()


@pytest.mark.slow
def test_questions_of_many_readers(local: LocalLLM) -> None:
    capitals = {"France": "Paris", "Italy": "Rome", "Germany": "Berlin", "Japan": "Tokyo"}
    said: dict[str, str] = {}

    def ask(country: str) -> None:
        said[country] = (
            local.chat(say(f"What is the capital of {country}? One word."), max_tokens=8).message.content or ""
        )

    threads = [threading.Thread(target=ask, args=(country,)) for country in capitals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert all(capital in said[country] for country, capital in capitals.items())


@pytest.mark.slow
def test_prompt_beyond_the_window(local: LocalLLM) -> None:
    with pytest.raises(LLMError) as caught:
        local.chat(say("word " * 6000))
    assert "\n" not in str(caught.value)
    assert local.chat(say("Say hello."), max_tokens=2).message.content


@pytest.mark.slow
@pytest.mark.parametrize("bytes_kept", [0, 4_000_000])
def test_corrupted_weights(weights: Path, tmp_path: Path, bytes_kept: int) -> None:
    damaged = tmp_path / "damaged.gguf"
    with weights.open("rb") as file:
        damaged.write_bytes(file.read(bytes_kept) or b"no weights" * 1000)
    with pytest.raises(ModelError) as caught:
        LocalLLM(path=str(damaged), name="damaged", threads=2, timeout=20).complete("Hello")
    assert str(damaged) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.slow
def test_start_of_the_prompt_is_kept_on_disk(weights: Path) -> None:
    start = say("The cod left the harbour in spring. " * 20)
    name = f"kept-{secrets.token_hex(4)}"
    local = LocalLLM(path=str(weights), name=name, threads=2, timeout=60)

    def kept() -> list[Path]:
        return list(_prompt_folder().glob(f"{name}-*.bin"))

    local.prepare(start)
    [file] = kept()
    made = file.stat().st_mtime_ns
    local = LocalLLM(path=str(weights), name=name, threads=2, timeout=60)
    local.prepare(start)
    assert kept() == [file] and file.stat().st_mtime_ns == made, "read back, not made again"
    asked = [*start, ChatMessage(role="assistant", content="I see."), *say("What left the harbour? One word.")]
    assert "cod" in (local.chat(asked, max_tokens=8).message.content or "").lower()
    for number in range(SLOTS):
        local.prepare(say(f"Another start, number {number}."))
    assert len(kept()) == SLOTS and file not in kept(), "what no prompt begins with any more is removed"


@pytest.mark.slow
@pytest.mark.parametrize("damage", [b"", b"damaged " * 1000])
def test_damaged_start_of_the_prompt_is_made_again(weights: Path, damage: bytes) -> None:
    start = say("Herring came home in autumn. " * 20)
    name = f"damaged-{secrets.token_hex(4)}"
    local = LocalLLM(path=str(weights), name=name, threads=2, timeout=60)
    local.prepare(start)
    [file] = _prompt_folder().glob(f"{name}-*.bin")
    file.write_bytes(damage)
    local = LocalLLM(path=str(weights), name=name, threads=2, timeout=60)
    local.prepare(start)
    assert file.stat().st_size > len(damage)
    assert local.chat(say("Say hello."), max_tokens=2).message.content


@pytest.mark.parametrize(
    ("reply", "done"), [(b'{"n_restored": 9}', True), (b'{"n_restored": 0}', False), (b"?", False)]
)
def test_a_start_without_words_is_none(monkeypatch: pytest.MonkeyPatch, reply: bytes, done: bool) -> None:
    """What a process saved that was stopped before it had read anything must not pass for a start that was read."""
    opener = SimpleNamespace(open=lambda *_, **__: io.BytesIO(reply))
    monkeypatch.setattr("urllib.request.build_opener", lambda *_: opener)
    server = SimpleNamespace(listening_address="http://127.0.0.1:9")
    assert _slot(server, 0, "restore", "start.bin") is done  # type: ignore[arg-type]


@pytest.mark.slow
def test_answer_of_the_real_model(tmp_path: Path) -> None:
    with make_engine(tmp_path, llm="local:small", threads=2) as engine:
        engine.warm_up()
        parts = list(engine.stream(AID))
    answer = parts[-1]
    assert isinstance(answer, Answer)
    assert len(parts) > 2 and "310" in "".join(part for part in parts if isinstance(part, str))
    assert "310 million" in answer.text and not answer.notices
    assert "310 million" in answer.citations[0].quote
