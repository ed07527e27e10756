"""Deterministic fakes with the real interfaces: an embedding, an answer model, and an engine that uses both.

The engine's store is real (Chroma, tantivy and SQLite in a folder of the test); only the two models are fake.
"""

from __future__ import annotations

import re
import threading
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.llms import CustomLLM

from rag import Document, Engine, Settings
from rag.language.words import terms
from rag.load.files import make_document
from rag.load.passages import split
from rag.models.embedding import PassageEmbedding
from rag.protocols import Judge
from rag.types import Chunk

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT / "seeds"
WAIT = 30.0  # seconds after which a test that waits for an event has failed
SIZE = 32  # dimensions of a tiny model's vectors
_WORDS = (
    "the cod left harbour in spring nobody town objected to ban on night fishing query passage : . , ? day of".split()
)


class FakeEmbedding(PassageEmbedding):
    """Counts terms in hashed dimensions, so that texts that share words have similar vectors; loads nothing.

    Each text's vector gets a little noise, so that two texts that share no words with a question are not equally near
    to it: Chroma returns equally near texts in any order. `embedded` counts the embedded passages.
    """

    dimensions: int = 256
    embedded: int = 0

    def __init__(self, name: str = "fake-embedding") -> None:
        super().__init__("no-folder", name)

    @property
    def path(self) -> str:
        return "fake"

    def load(self) -> None:
        """Do nothing, since there is nothing to load."""

    def embed_passages(self, chunks: Sequence[Chunk]) -> list[npt.NDArray[np.float32]]:
        """Return for each passage a unit row for the passage and one for each of its sentences."""
        self.embedded += len(chunks)
        return [
            self._encode([c.text, *(c.text[s.start - c.start : s.end - c.start] for s in c.sentences)]) for c in chunks
        ]

    def _encode(self, texts: list[str], question: bool = False) -> npt.NDArray[np.float32]:
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for term in terms(text):
                row[zlib.crc32(term.encode("utf-8", "surrogatepass")) % self.dimensions] += 1
            if not row.any():
                row[0] = 1
            noise = np.random.default_rng(zlib.crc32(text.encode("utf-8", "surrogatepass"))).standard_normal(row.size)
            row += 1e-4 * noise
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class FakeLLM(CustomLLM):
    """Streams scripted replies word by word.

    The first key of `replies` that occurs in the last message selects the reply; without a match it is `default`.
    `messages` records every call. If `error` is given, every call raises it (after the first word if `fail_late`).
    With `gate`, only the first word comes until the event is set. `pace` is the number of seconds before each word.
    `started` is set once the first word is read; `closed` once a stream has ended, whether it was complete or its
    reader stopped.
    """

    replies: dict[str, str] = Field(default_factory=dict)
    default: str = "unknown"
    error: Any = None
    fail_late: bool = False
    gate: Any = None
    pace: float = 0.0
    messages: list[list[ChatMessage]] = Field(default_factory=list)
    _started: Any = PrivateAttr(default_factory=threading.Event)
    _closed: Any = PrivateAttr(default_factory=threading.Event)

    @property
    def started(self) -> threading.Event:
        return self._started

    @property
    def closed(self) -> threading.Event:
        return self._closed

    @property
    def prompts(self) -> list[str]:
        """Return the last message of each call."""
        return [call[-1].content or "" for call in self.messages]

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=4096, num_output=160, is_chat_model=True, model_name="fake-llm")

    @classmethod
    def class_name(cls) -> str:
        return "FakeLLM"

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        self.messages.append(list(messages))
        return self._words(messages[-1].content or "")

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        *_, last = self.stream_chat(messages, **kwargs)
        return last

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        said = self.chat([ChatMessage(role="user", content=prompt)])
        return CompletionResponse(text=said.message.content or "")

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        for piece in self.stream_chat([ChatMessage(role="user", content=prompt)]):
            yield CompletionResponse(text=piece.message.content or "", delta=piece.delta)

    def _words(self, asked: str) -> ChatResponseGen:
        reply = next((reply for key, reply in self.replies.items() if key in asked), self.default)
        try:
            if self.error and not self.fail_late:
                raise self.error
            text = ""
            for word in re.findall(r"\s*\S+", reply):
                if self.pace:
                    time.sleep(self.pace)
                text += word
                yield ChatResponse(message=ChatMessage(role="assistant", content=text), delta=word)
                self._started.set()
                if self.error:
                    raise self.error
                if self.gate and not self.gate.wait(WAIT):
                    raise RuntimeError("nobody opened the gate")
        finally:
            self._closed.set()


def make_passages(
    text: str, source: str = "a.txt", path: str = ""
) -> tuple[Document, list[Chunk], list[npt.NDArray[np.float32]]]:
    """Return the input of an index: a document, its passages of at most two sentences, and their vectors."""
    document = make_document(text, source, path)
    chunks = split(document, 2)
    return document, chunks, FakeEmbedding().embed_passages(chunks)


def write_articles(folder: Path, documents: Mapping[str, str]) -> Path:
    """Write each text unchanged to the file with its name in `folder`, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
    return folder


def make_engine(
    folder: Path,
    replies: Mapping[str, str] | None = None,
    documents: Mapping[str, str] | None = None,
    *,
    model: FakeLLM | None = None,
    embedding: FakeEmbedding | None = None,
    judge: Judge | None = None,
    **settings: Any,
) -> Engine:
    """Return an engine over a store in `folder / "store"`.

    Args:
        folder: A folder of the test.
        replies: The answer model's replies, by a part of the question. Without `replies` and `model`, the engine is
            extractive: the best sentence is the answer.
        documents: Texts by file name; the shipped articles if omitted, an empty library if empty.
        model: The answer model, instead of `replies`.
        embedding: The embedding; a new `FakeEmbedding` if omitted.
        judge: The judge of what the answer model says; words are compared if omitted.
        **settings: Settings that differ from the defaults.
    """
    if model is None and replies is not None:
        model = FakeLLM(replies=dict(replies))
    options = {"store": folder / "store", "llm": "local" if model else "extractive"} | settings
    engine = Engine(Settings(**options), llm=model, embedding=embedding or FakeEmbedding(), judge=judge)
    if documents is None:
        engine.ingest(SEEDS)
    elif documents:
        engine.ingest(write_articles(folder / "articles", documents))
    return engine


def make_model(
    folder: Path, pooling: str = "mean", *, dense: bool = False, special: bool = True, **options: Any
) -> Path:
    """Save a BERT of two small layers with random weights, and return its folder."""
    import torch
    import transformers
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    torch.manual_seed(5)
    kept = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *dict.fromkeys(_WORDS),
        *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"),
    ]
    tokenizer = Tokenizer(models.WordPiece({word: n for n, word in enumerate(kept)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if special:
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    base = folder.with_name(f"{folder.name}-base")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(base)
    config = transformers.BertConfig(
        vocab_size=len(kept), hidden_size=SIZE, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, initializer_range=0.5,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(base)
    modules = [Transformer(str(base), max_seq_length=24), Pooling(SIZE, pooling)]
    modules += [Dense(SIZE, 16)] if dense else []
    SentenceTransformer(modules=[*modules, Normalize()], **options).save(str(folder))
    return folder
