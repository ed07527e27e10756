"""The models of an engine, loaded at first use."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import LLMError, ModelError, RagError
from rag.language import word_table
from rag.language.questions import Form, form
from rag.language.word_table import WordTable
from rag.models import openvino_encoder, reader, registry
from rag.models.embedding import PassageEmbedding
from rag.models.judge import BASE as JUDGE_BASE
from rag.models.judge import TrainedJudge
from rag.models.judge import shared as shared_judge
from rag.models.profile import is_extractive, profile_of
from rag.models.prompts import answer_start, rewrite_start, speaks_messages, speaks_start
from rag.models.reply import stream_chat
from rag.models.reranker import CrossEncoderJudge
from rag.models.reranker import Reranker as CrossEncoder
from rag.protocols import Judge, Reranker, Vectors
from rag.settings import Settings

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage
    from llama_index.core.llms.llm import LLM

_log = logging.getLogger(__name__)


class Models:
    """The embedding model and the answer model from the settings, or those passed in. Thread-safe.

    Args:
        settings: The configuration.
        llm: Any LlamaIndex LLM to use instead of the one that the settings name.
        embedding: Embedding model to use instead of the one that the settings name.
        judge: Judge to use instead of the one that the settings name.
    """

    def __init__(
        self,
        settings: Settings,
        llm: LLM | None = None,
        embedding: PassageEmbedding | None = None,
        judge: Judge | None = None,
    ) -> None:
        self.settings = settings
        self.given, self._judge = judge, judge
        self._llm = llm
        self._embedding = embedding
        self._vector: tuple[str, Vectors] | None = None
        named = settings.reranker not in ("reader", "none")
        self.reranker: Reranker | None = CrossEncoder(settings.reranker) if named else None
        self._finding, self._loading = threading.Lock(), threading.Lock()

    @property
    def extractive(self) -> bool:
        """Return whether answers are made without an answer model."""
        return is_extractive(self.settings) and self._llm is None

    @property
    def loaded(self) -> LLM | None:
        """Return the answer model if it was passed in or is already loaded, else None."""
        return self._llm

    @property
    def hash(self) -> str | None:
        """Return the SHA-256 of the embedded answer model's weights; None for an endpoint or no model."""
        return None if self.extractive else registry.weights_hash(self.settings.llm, self.settings.models)

    def word_table(self) -> WordTable | None:
        """Return the embedding model's word table, or None if it has none."""
        return word_table.load(Path(self.embedding().folder))

    def reader(self) -> reader.Reader | None:
        """Return the reader, or None if it is not configured or cannot be used."""
        wanted = self.settings.reranker == "reader" and self.embeds_as_fitted and openvino_encoder.is_here()
        return reader.shared(Path(self.embedding().folder)) if wanted else None

    def judge(self) -> Judge | None:
        """Return the judge, or None if it is turned off; the one passed in comes first.

        Raises:
            ModelError: Its base is missing or damaged.
        """
        name = self.settings.judge
        if self._judge is None and name != "none":
            base = registry.path(JUDGE_BASE, self.settings.models) if name == "judge" else None
            self._judge = shared_judge(base) if base else CrossEncoderJudge(name)
        return self._judge

    @property
    def is_local(self) -> bool:
        """Return whether the answer model runs in this process; a model passed in counts as one that does not."""
        if self._llm is None:
            return not self.settings.llm.startswith("openai:")
        from rag.models.llm import LocalLLM

        return isinstance(self._llm, LocalLLM)

    @property
    def is_strong(self) -> bool:
        """Return whether there is an answer model, and it is given what suits a strong one."""
        return not self.extractive and profile_of(self.settings, self.is_local).strong

    @property
    def embedding_name(self) -> str:
        """Return the name of the embedding model, whether it can be used or not."""
        return self._embedding.model_name if self._embedding else self.settings.embedding

    @property
    def embeds_as_fitted(self) -> bool:
        """Return whether the embedding model is the one that Dateline comes with, to which other parts were fitted."""
        embedding = self.embedding()
        return embedding.model_name == reader.BASE and Path(embedding.folder).is_dir()

    def embedding(self) -> PassageEmbedding:
        """Return the embedding model; its weights are loaded at first use."""
        with self._finding:
            if self._embedding is None:
                name = self.settings.embedding
                known = any(name == model.name for model in registry.MODELS)
                folder = registry.path(name, self.settings.models) if known else Path(name).expanduser()
                self._embedding = PassageEmbedding(folder, name)
            return self._embedding

    def vector(self, question: str) -> Vectors:
        """Return the embedding model's vector of a question, which is needed more than once in a row."""
        last = self._vector
        if last is None or last[0] != question:
            self._vector = last = (question, self.embedding().embed_question(question))
        return last[1]

    def llm(self) -> LLM:
        """Return the answer model, loaded.

        Raises:
            ModelError: Its weights are missing or damaged.
        """
        from rag.models.llm import make_llm  # the runtimes take seconds to import; `extractive` needs none

        with self._loading:
            if self._llm is None:
                self._llm = make_llm(self.settings, lambda name: registry.path(name, self.settings.models))
            return self._llm

    def prepare(self, start: Sequence[ChatMessage]) -> None:
        """Let a local answer model read a start that many prompts share, once."""
        from rag.models.llm import LocalLLM

        llm = self.llm()
        if isinstance(llm, LocalLLM):
            llm.prepare(start)

    def stream(
        self,
        messages: Sequence[ChatMessage],
        max_tokens: int | None = None,
        whole: bool = True,
        count: Callable[[tuple[int, int]], None] | None = None,
    ) -> Iterator[tuple[str, float | None, dict[str, float]]]:
        """Yield what the answer model says; see `rag.models.reply.stream_chat`."""
        limits = {} if max_tokens is None else {"max_tokens": max_tokens}
        return stream_chat(self.llm(), messages, self.settings.llm_timeout, whole=whole, count=count, **limits)

    def complete(self, messages: Sequence[ChatMessage], max_tokens: int) -> str | None:
        """Return the answer model's reply to these messages, or None if there is no model or it fails."""
        if self.extractive:
            return None
        text = ""
        try:
            for so_far, _, _ in self.stream(messages, max_tokens):
                text = so_far
        except (ModelError, LLMError) as error:
            _log.warning("%s", error)
            return None
        return text.strip()

    def speaks(self, sentence: str, word: str) -> float:
        """Return how likely a sentence mentions what a word means, according to the answer model.

        Returns:
            A probability in [0, 1]; 0.5 if the model is missing, fails or says neither yes nor no.
        """
        likely = {"yes": 0.0, "no": 0.0}
        try:
            self.prepare(speaks_start())
            for text, _, first in self.stream(speaks_messages(sentence, word), max_tokens=1, whole=False):
                for token, share in (first or {text: 1.0}).items():
                    if (said := token.strip(" .").lower()) in likely:
                        likely[said] += share
        except (ModelError, LLMError) as error:
            _log.info("%s", error)
            return 0.5
        total = sum(likely.values())
        return likely["yes"] / total if total else 0.5

    def warm_up(self, question: str | None) -> None:
        """Load both models in parallel; with a question, only what it needs."""
        answering = threading.Thread(target=self._warm_up_model, args=(question,), name="dateline-warm-up", daemon=True)
        answering.start()
        self.load()
        self._warm_up_judge()
        answering.join()

    def load(self) -> None:
        """Load what finds the sentences: the embedding model, its word table and the reader."""
        self.embedding().load()
        self.word_table()
        if close := self.reader():
            close.load()

    def _warm_up_judge(self) -> None:
        if not self.is_strong:
            return
        try:
            judge = self.judge()
            if isinstance(judge, TrainedJudge):
                judge.load()
        except RagError as error:  # the first answer says so, or does without
            _log.info("%s", error)

    def _warm_up_model(self, question: str | None) -> None:
        if self.extractive:
            return
        try:
            if question is not None:
                self.prepare(answer_start(form(question)))
                return
            for start in (*map(answer_start, Form), speaks_start(), rewrite_start()):
                self.prepare(start)
        except Exception as error:  # this thread cannot report it; the first answer will
            _log.info("%s", error)
