"""The answer model behind LlamaIndex's `LLM` interface. Only this module knows the runtime of local models.

`local` runs a GGUF file in this process (xllamacpp, the llama.cpp server engine); `openai:MODEL` is any
OpenAI-compatible endpoint (rag.models.endpoint_llm); `extractive` is no model at all.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import platform
import queue
import re
import secrets
import threading
import time
import urllib.request
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import platformdirs
import xllamacpp
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.llm import LLM

from rag import memory
from rag.errors import LLMError, ModelError, SettingsError, one_line
from rag.models.profile import profile_of
from rag.settings import Settings

_log = logging.getLogger(__name__)
CONTEXT_TOKENS = 4096
SLOTS = 5  # prompts with different fixed starts that are cached at the same time
_KEY = secrets.token_urlsafe(32)
_STOP = ["<|im_end|>", "<|endoftext|>"]
_WORKING = 1_200_000_000  # bytes that the model needs besides its weights: five contexts, buffers and threads
_CONTROL = re.compile(r"<(?=[|/]?\w+\|?>)")  # "<|im_start|>", "</s>", "<start_of_turn>"
_TOP = 10  # most likely first tokens that are reported


class LocalLLM(CustomLLM):
    """A GGUF chat model run in this process.

    One request runs at a time; others wait. Prompts that begin with the same system message share a slot of the model's
    cache, which keeps their common start.

    Args:
        path: The .gguf file.
        name: The model's name in answers.
        threads: Processor threads.
        timeout: Seconds that one answer may take, including waiting.

    Raises:
        ModelError: The runtime cannot load the file (raised at first use).
        LLMError: The request timed out, or the runtime failed.
    """

    path: str
    name: str
    threads: int
    timeout: float
    max_tokens: int = 160  # of an answer
    _turn: Any = PrivateAttr(default_factory=threading.Lock)
    _starts: dict[str, int] = PrivateAttr(default_factory=dict)
    _prepared: set[str] = PrivateAttr(default_factory=set)

    @property
    def metadata(self) -> LLMMetadata:
        """Return the context window (tokens), the output limit (tokens) and the name."""
        return LLMMetadata(
            context_window=CONTEXT_TOKENS, num_output=self.max_tokens, is_chat_model=True, model_name=self.name
        )

    @classmethod
    def class_name(cls) -> str:
        """Return the name LlamaIndex stores with a serialised component."""
        return "LocalLLM"

    def prepare(self, messages: Sequence[ChatMessage]) -> None:
        """Load the model and cache a start that many prompts share; a second call does nothing.

        The cached state is kept in a file, because reading the start takes about ten seconds on two cores and loading
        the file takes milliseconds. The file's name depends on the model, the runtime and the words.

        Args:
            messages: A prompt with that start.

        Raises:
            ModelError: The model cannot be loaded.
            LLMError: The model failed.
        """
        server = _server(self.path, self.threads)
        slot = self._slot_of(messages)
        stat = Path(self.path).stat()
        words = [(m.role.value, m.content) for m in messages]
        made_of = json.dumps([self.path, stat.st_size, stat.st_mtime_ns, xllamacpp.__version__, CONTEXT_TOKENS, words])
        name = f"{self.name}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}.bin"
        if name in self._prepared:
            return
        self._prepared.add(name)
        if (_prompt_folder() / name).exists() and _slot(server, slot, "restore", name):
            return
        for _ in self._stream(messages, max_tokens=1):
            pass
        _slot(server, slot, "save", name)
        made = sorted(_prompt_folder().glob(f"{self.name}-*.bin"), key=lambda path: path.stat().st_mtime_ns)
        for old in made[:-SLOTS]:  # from earlier versions
            old.unlink(missing_ok=True)

    def _slot_of(self, messages: Sequence[ChatMessage]) -> int:
        start = str(messages[0].content) if messages and messages[0].role == "system" else ""
        return self._starts.setdefault(start, len(self._starts) % SLOTS)

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer the messages; see `stream_chat`."""
        last = ChatResponse(message=ChatMessage(role="assistant", content=""))
        for piece in self._stream(messages, **kwargs):
            last = piece
        return last

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answer the messages piece by piece; closing the generator stops the model.

        In each piece, `additional_kwargs["logprobs"]` lists the log probabilities of all tokens so far and `"first"`
        the most likely first tokens with their probabilities; in the last, `"finish"` says why the reply was cut off.
        """
        return self._stream(messages, **kwargs)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer one user message."""
        response = self.chat([ChatMessage(role="user", content=prompt)], **kwargs)
        return CompletionResponse(text=response.message.content or "")

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """Answer one user message piece by piece."""
        for r in self._stream([ChatMessage(role="user", content=prompt)], **kwargs):
            yield CompletionResponse(text=r.message.content or "", delta=r.delta)

    def _stream(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        deadline = time.monotonic() + self.timeout
        server = _server(self.path, self.threads)
        request = {
            "messages": [{"role": m.role.value, "content": _plain(m.content or "")} for m in messages],
            "max_tokens": kwargs.get("max_tokens", self.max_tokens),
            "temperature": 0,
            "stream": True,
            "cache_prompt": True,
            "logprobs": True,
            "top_logprobs": _TOP,
            "id_slot": self._slot_of(messages),
            "stop": _STOP,
        }
        if not self._turn.acquire(timeout=self.timeout):
            raise LLMError("the answer model is busy with other questions; ask again, or raise the setting llm_timeout")
        stop = threading.Event()
        pieces: queue.Queue[dict[str, Any] | Exception | None] = queue.Queue()

        def receive(piece: dict[str, Any]) -> bool:
            pieces.put(piece)
            return stop.is_set()  # True ends the generation

        def work() -> None:
            try:
                server.handle_chat_completions(request, receive)
                pieces.put(None)
            except Exception as error:  # passed to the reading thread, which translates it
                pieces.put(error)
            finally:
                self._turn.release()

        threading.Thread(target=work, name="dateline-llm", daemon=True).start()
        try:
            yield from self._read(pieces, deadline)
        finally:
            stop.set()

    def _read(self, pieces: queue.Queue[dict[str, Any] | Exception | None], deadline: float) -> ChatResponseGen:
        text = ""
        logprobs: list[float] = []
        first: dict[str, float] = {}
        while True:
            try:
                piece = pieces.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise LLMError(f"the answer model took longer than {self.timeout:g} s; raise llm_timeout") from None
            if piece is None:
                return
            if isinstance(piece, Exception):
                raise LLMError(
                    f"the answer model failed: {one_line(piece, keys=())}; ask again, or run: rag doctor"
                ) from piece
            if "error" in piece or "choices" not in piece:
                raise LLMError(
                    f"the answer model failed: {one_line(piece.get('error', piece), keys=())}; ask a shorter question"
                )
            for choice in piece["choices"]:
                delta = choice.get("delta", {}).get("content") or ""
                tokens = (choice.get("logprobs") or {}).get("content") or []
                if tokens and not first:
                    first = {t["token"]: math.exp(t["logprob"]) for t in tokens[0].get("top_logprobs", [])}
                logprobs += [t["logprob"] for t in tokens]
                if delta:
                    text += delta
                    message = ChatMessage(role="assistant", content=text, additional_kwargs={})
                    facts = {"logprobs": list(logprobs), "first": first}
                    yield ChatResponse(message=message, delta=delta, additional_kwargs=facts)
                if (finish := choice.get("finish_reason")) and finish != "stop":
                    cut = {"logprobs": list(logprobs), "first": first, "finish": finish}
                    yield ChatResponse(
                        message=ChatMessage(role="assistant", content=text), delta="", additional_kwargs=cut
                    )


@lru_cache(maxsize=2)
def _load_server(path: str, threads: int) -> xllamacpp.Server:
    _require_room(path)
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = CONTEXT_TOKENS * SLOTS
    params.n_parallel = SLOTS
    params.n_batch = 512
    params.n_ubatch = 128  # the part that is not cached is short
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    # Weights rearranged for the processor take a second gigabyte of memory. On x86, a prompt is read 8 % faster without
    # them and a word written 15 % slower, and prompts are long and answers short. On ARM they are worth it.
    params.no_extra_bufts = platform.machine().lower() in ("x86_64", "amd64")
    params.verbosity = -1
    params.ui = False
    # The engine also listens on a free loopback port; a random key keeps other users of the machine out.
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [_KEY]
    params.cache_ram_mib = 256  # other prompts' starts; the default is 8 GiB
    folder = _prompt_folder()
    folder.mkdir(parents=True, exist_ok=True)
    params.slot_save_path = f"{folder}/"
    return xllamacpp.Server(params)


def _prompt_folder() -> Path:
    return platformdirs.user_cache_path("dateline", appauthor=False) / "prompts"


def _slot(server: xllamacpp.Server, slot: int, action: str, name: str) -> bool:
    """Save or restore what a slot of the model has read; return False on failure, which only costs time."""
    request = urllib.request.Request(
        f"{server.listening_address}/slots/{slot}?action={action}",
        data=json.dumps({"filename": name}).encode(),
        headers={"Authorization": f"Bearer {_KEY}", "Content-Type": "application/json"},
    )
    try:
        # No proxy: this is a loopback address.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as response:
            done = json.load(response)
            # A file without tokens (from a process stopped while reading) must not count as a start that was read.
            return int(done.get("n_restored", done.get("n_saved", 0))) > 0
    except (OSError, ValueError) as error:
        _log.debug("could not %s the prompt's start: %s", action, error)
        return False


_server_lock = threading.Lock()


def _server(path: str, threads: int) -> xllamacpp.Server:
    with _server_lock:
        try:
            return _load_server(path, threads)
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(
                f"{path} cannot be loaded: {one_line(error, keys=())}; is it a GGUF chat model?"
            ) from error


def _require_room(path: str) -> None:
    """Raise `ModelError` if the model would exceed a memory limit: the runtime ends the process if allocation fails."""
    room = memory.room()
    needed = Path(path).stat().st_size + _WORKING
    if room is not None and room < needed:
        raise ModelError(
            f"there is not enough memory for the answer model ({needed / 1e9:.1f} GB needed, {max(0, room) / 1e9:.1f} "
            f"GB left under the limit); {memory.ADVICE}"
        )


def _plain(text: str) -> str:
    """Return text without control tokens: "<|im_end|>" in an article would end the user's turn."""
    return _CONTROL.sub("< ", text)


def make_llm(settings: Settings, find_weights: Any) -> LLM:
    """Return the answer model that the settings name.

    Args:
        settings: `llm`, `llm_base_url`, `llm_api_key`, `llm_timeout` and `threads` are read.
        find_weights: Returns the path of the verified weights for a model's name.

    Raises:
        SettingsError: The value of `llm` is not a known kind of model.
        ModelError: The weights are missing or damaged.
    """
    if settings.llm.startswith("openai:"):
        # Imported here because the OpenAI client takes most of a second and a local model does not need it.
        from rag.models.endpoint_llm import endpoint

        return endpoint(settings, settings.llm.removeprefix("openai:"))
    if settings.llm == "local" or settings.llm.startswith("local:"):
        path = Path(find_weights(settings.llm))
    elif settings.llm.endswith(".gguf"):
        path = Path(settings.llm).expanduser()
        if not path.is_file():
            raise ModelError(f"{path} does not exist; correct the setting 'llm' (RAG_LLM)")
    else:
        raise SettingsError(
            f"setting 'llm' is {settings.llm!r}; use local, local:small, extractive, openai:MODEL or a .gguf file"
        )
    most = profile_of(settings, is_local=True).answer_tokens
    return LocalLLM(
        path=str(path), name=path.stem, threads=settings.threads, timeout=settings.llm_timeout, max_tokens=most
    )
