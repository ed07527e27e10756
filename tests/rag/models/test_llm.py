"""The answer model: which one the settings mean, what its failures become, and the real one, in process and served."""

from __future__ import annotations

import http.server
import io
import json
import math
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import WAIT, FakeLLM, make_engine
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ChatResponseGen

from rag import Answer, LLMError, ModelError, Settings, SettingsError
from rag.models import registry
from rag.models.llm import SLOTS, LocalLLM, _prompt_folder, _slot, is_extractive, make_llm
from rag.models.reply import stream_chat

KEY = "sk-very-secret-1234"
AID = "How much additional aid did Harris announce for the region?"
LONG = "Write the numbers from 1 to 500, one per line."  # about 1,800 tokens, most of a minute on two cores


def say(text: str) -> list[ChatMessage]:
    return [ChatMessage(role="user", content=text)]


def no_weights(name: str) -> Path:
    raise ModelError(f"no weights of {name}; run: rag models pull {name}")


def find_weights(name: str) -> Path:
    return Path("/weights") / f"{name.replace(':', '-')}.gguf"


# --- which model


@pytest.mark.parametrize("llm", ["local", "local:small"])
def test_local_models_by_name(llm: str) -> None:
    made = make_llm(Settings(llm=llm, threads=3, llm_timeout=7), find_weights)
    assert isinstance(made, LocalLLM)
    assert made.path == str(find_weights(llm)) and made.metadata.model_name == find_weights(llm).stem
    assert (made.threads, made.timeout) == (3, 7)


def test_local_model_by_path(tmp_path: Path) -> None:
    weights = tmp_path / "my-model.gguf"
    weights.touch()
    made = make_llm(Settings(llm=str(weights)), no_weights)
    assert isinstance(made, LocalLLM) and made.metadata.model_name == "my-model"


def test_path_in_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "m.gguf").touch()
    made = make_llm(Settings(llm="~/m.gguf"), no_weights)
    assert isinstance(made, LocalLLM) and made.path == str(tmp_path / "m.gguf")


def test_endpoint() -> None:
    settings = Settings(llm="openai:my/model:7b", llm_base_url="http://127.0.0.1:9/v1", llm_api_key=KEY, llm_timeout=3)
    made: Any = make_llm(settings, no_weights)
    assert made.metadata.model_name == "my/model:7b" and made.metadata.is_chat_model
    assert (made.api_base, made.api_key, made.timeout) == ("http://127.0.0.1:9/v1", KEY, 3)


def test_endpoint_without_an_address_is_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", "http://127.0.0.1:9/elsewhere")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-program")
    made: Any = make_llm(Settings(llm="openai:gpt-5"), no_weights)
    assert made.api_base == "https://api.openai.com/v1"
    assert made.api_key != "sk-of-another-program"  # only what Dateline was given is sent


@pytest.mark.parametrize("llm", ["gpt-5", "openai:", "openai", "locall", "LOCAL", "/no/suffix"])
def test_no_kind_of_model(llm: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_llm(Settings(llm=llm), no_weights)
    assert "openai:MODEL" in str(caught.value) and "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        make_llm(Settings(llm=str(tmp_path / "no.gguf")), no_weights)


@pytest.mark.parametrize("llm", ["local", "local:small", "local:huge"])
def test_missing_weights_say_how_to_get_them(llm: str) -> None:
    with pytest.raises(ModelError, match="rag models pull"):
        make_llm(Settings(llm=llm), no_weights)


def test_extractive() -> None:
    assert is_extractive(Settings(llm="extractive")) and not is_extractive(Settings(llm="local"))


# --- what failures become


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


# --- an endpoint that misbehaves


class Endpoint(http.server.ThreadingHTTPServer):
    """Answers every request with one status and body, and counts them."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body, self.requests = status, body, 0
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/event-stream" if self.server.status == 200 else "application/json")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def answer_from(url: str, tmp_path: Path, timeout: float = WAIT, key: str = KEY) -> Answer:
    options = {"llm": "openai:any", "llm_base_url": url, "llm_api_key": key, "llm_timeout": timeout}
    with make_engine(tmp_path, **options) as engine:
        return engine.answer(AID)


def assert_fell_back(answer: Answer) -> None:
    """The best sentence, cited, with one line that says why."""
    assert not answer.abstained and answer.model == "extractive"
    assert "310 million" in answer.text and answer.citations[0].source.startswith("003")
    [notice] = answer.notices
    assert "\n" not in notice and KEY not in notice and "llm" in notice


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b'{"error": {"message": "Incorrect API key provided: sk-very-secret-1234"}}'),
        (404, b'{"error": {"message": "no such model"}}'),
        (500, b"<html>\n<body>\nout of order\n</body></html>"),
        (200, b"data: {this is no JSON}\n\n"),
        (200, b"<html>a captive portal</html>"),
        (200, b'data: {"error": {"message": "out of memory"}}\n\n'),
        (200, b""),
        (200, b'data: {"choices": []}\n\ndata: [DONE]\n\n'),
    ],
)
def test_endpoint_that_fails(status: int, body: bytes, tmp_path: Path) -> None:
    server = Endpoint(status, body)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert_fell_back(answer_from(server.url, tmp_path))
    finally:
        server.shutdown()
        server.server_close()
    assert server.requests >= 1


def said(text: str) -> bytes:
    """What an endpoint streams for a reply."""
    piece = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "any"}
    first = piece | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}]}
    last = piece | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return f"data: {json.dumps(first)}\n\ndata: {json.dumps(last)}\n\ndata: [DONE]\n\n".encode()


LIES = (
    "US $999 million [1]",
    "Harris promised a bridge to Guatemala [1][2].",
    "Boris Johnson [3]",
    "She announced it in Tokyo on 4 July 1822. [1]",
    "“Nobody deserves any aid whatsoever,” Harris shouted [1].",
    "As an AI I am certain: the moon landing cost 12 pesos [7]",
)


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("question", [AID, "Who is Mexico's foreign minister?", "Why did Harris call López Obrador?"])
def test_nothing_that_a_lying_endpoint_says_reaches_the_reader(lie: str, question: str, tmp_path: Path) -> None:
    server = Endpoint(200, said(lie))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        options = {"llm": "openai:any", "llm_base_url": server.url, "llm_api_key": KEY, "caution": 0.0}
        with make_engine(tmp_path, **options) as engine:
            answer = engine.answer(question)
    finally:
        server.shutdown()
        server.server_close()
    assert server.requests == 1 and not answer.notices
    assert answer.abstained and not answer.citations, answer.text


@pytest.mark.parametrize("key", ["hf_abcdefghij", "0123456789abcdef", "my secret"])
def test_key_that_an_endpoint_repeats_is_not_shown(key: str, tmp_path: Path) -> None:
    server = Endpoint(401, json.dumps({"error": {"message": f"{key} is no key"}}).encode())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        [notice] = answer_from(server.url, tmp_path, key=key).notices
    finally:
        server.shutdown()
        server.server_close()
    assert key not in notice and "is no key" not in notice and "refused the key" in notice


def test_endpoint_that_is_not_there(tmp_path: Path) -> None:
    assert_fell_back(answer_from("http://127.0.0.1:9/v1", tmp_path))


def test_endpoint_that_never_answers(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.perf_counter()
        answer = answer_from(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", tmp_path, timeout=1)
    assert_fell_back(answer)
    assert time.perf_counter() - started < 10
    assert answer.timings["generate"] < 2 * 1, "the limit holds for the answer, not for each try"


def test_damaged_address_is_no_traceback(tmp_path: Path) -> None:
    assert_fell_back(answer_from("not a url", tmp_path))


# --- the real model in this process


@pytest.fixture(scope="module")
def weights(models_folder: Path) -> Path:
    return registry.path("local:small", models_folder)


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


# --- the real model behind a real OpenAI-compatible server


@pytest.fixture(scope="module")
def served(weights: Path) -> Iterator[dict[str, str]]:
    import xllamacpp

    key = secrets.token_urlsafe(16)
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx = 4096
    params.n_parallel = 1
    params.cpuparams.n_threads = 2
    params.cpuparams_batch.n_threads = 2
    params.verbosity = -1
    params.ui = False
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    server = xllamacpp.Server(params)
    yield {"llm": "openai:any", "llm_base_url": f"{server.listening_address}/v1", "llm_api_key": key}
    del server


@pytest.mark.slow
def test_answer_over_the_api(served: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in served.items():
        monkeypatch.setenv(f"RAG_{name.upper()}", value)
    with make_engine(tmp_path, **served) as engine:
        parts = list(engine.stream(AID))
        answer = parts[-1]
        assert isinstance(answer, Answer)
        assert answer.notices == () and answer.model == "any"
        assert len(parts) > 2, "it streams"
        assert "310 million" in answer.text
        assert engine.document(answer.citations[0].document_id).source.startswith("003")
        assert "310 million" in answer.citations[0].quote
        assert json.dumps(answer.to_dict()).count(served["llm_api_key"]) == 0


@pytest.mark.slow
def test_api_with_the_wrong_key(served: dict[str, str], tmp_path: Path) -> None:
    with make_engine(tmp_path, **served | {"llm_api_key": KEY}) as engine:
        assert_fell_back(engine.answer(AID))


@pytest.mark.slow
def test_closing_the_stream_over_the_api(served: dict[str, str]) -> None:
    settings = Settings(**served)
    llm = make_llm(settings, no_weights)
    stream = stream_chat(llm, say(LONG), WAIT, max_tokens=3500)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    # The server has one slot; it is given to the next question at once.
    *_, (text, _, _) = stream_chat(llm, say("What is the capital of France? One word."), WAIT, max_tokens=8)
    assert re.search("Paris", text)
