"""`Engine` runs the stages in order: it ingests articles and answers questions over them."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rag.answering.answer import Answerer
from rag.answering.composed import Composed
from rag.answering.known import KnownAnswers, unasked
from rag.answering.route import Route
from rag.answering.timely import Timely
from rag.answering.verify import unmarked
from rag.errors import LLMError, QuestionError, SettingsError, StoreError
from rag.language.characters import usual
from rag.library import Library
from rag.models.embedding import PassageEmbedding
from rag.models.runtime import Models
from rag.protocols import Judge
from rag.reports import CheckReport
from rag.retrieve.select import nearest_sentences
from rag.settings import Settings
from rag.store import collections
from rag.store.articles import Articles
from rag.store.filters import unmet
from rag.types import Answer, Evidence, Filters

# Reading files and LlamaIndex take seconds to import, so they are imported where they are used.
if TYPE_CHECKING:
    from llama_index.core import VectorStoreIndex
    from llama_index.core.llms import LLM, ChatMessage

EMPTY = "The library holds no articles yet, so nothing can be answered. Add some with: rag ingest FOLDER"
BY_WORDS = "Passages were found by their words alone, because the server that compares their meaning is down or behind."
_OF_MODEL = "llm llm_base_url llm_api_key llm_timeout models threads profile evidence_tokens answer_tokens".split()


class Engine(Library):
    """Answers questions over one store. Safe to use from several threads; close it, or use it in a `with` block.

    Args:
        settings: The configuration; read from the environment and `rag.toml` when left out.
        llm: Any LlamaIndex LLM to use instead of the one that the settings name.
        embedding: Embedding model to use instead of the one that the settings name.
        judge: Judge to use instead of the one that the settings name.
        create: Whether the collection that the settings name is made if it does not exist.

    Raises:
        CollectionError: There is no such collection.
        StoreError: The store cannot be opened; see its subclasses.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        llm: LLM | None = None,
        embedding: PassageEmbedding | None = None,
        judge: Judge | None = None,
        create: bool = False,
    ) -> None:
        """Open the store; the models are loaded at the first question. See the class for the arguments."""
        settings = settings or Settings()
        self._start(settings, Models(settings, llm, embedding, judge), create)

    def _start(self, settings: Settings, models: Models, create: bool) -> None:
        self._others: dict[str, Engine] = {}
        self._others_lock = threading.Lock()
        self.has_answered = False  # whether an answer took every model that the settings name; they are loaded then
        self._known = KnownAnswers()
        super().__init__(settings, models, create)
        self._answerer = Answerer(self._index, settings, models)
        articles = Articles(self._index)
        timely = Timely(articles, self._answerer, models)
        self._composed = Composed(articles, timely, self._answerer.finder, models)

    def using(self, **changes: Any) -> Engine:
        """Return another engine over the same open store and loaded models, with other settings; close it as well.

        Args:
            **changes: Settings by name; `store`, `database` and `embedding` cannot change.

        Raises:
            SettingsError: A setting does not exist, has an unusable value, or is one of those three.
        """
        if fixed := {"store", "database", "embedding"} & changes.keys():
            raise SettingsError(f"{' and '.join(sorted(fixed))} cannot change here; make another Engine")
        settings = Settings(**(self.settings.model_dump() | changes))
        same, models = all(getattr(settings, n) == getattr(self.settings, n) for n in _OF_MODEL), self._models
        return Engine(settings, llm=models.loaded if same else None, embedding=models.embedding(), judge=models.given)

    def collection(self, name: str, *, create: bool = False) -> Engine:
        """Return the engine over another collection of the same store; this one shares its models, and closes it.

        Args:
            name: The collection; an empty name is this one.
            create: Whether it is made if it does not exist.

        Raises:
            CollectionError: There is no such collection.
            StoreError: It cannot be opened.
        """
        if not name or collections.checked(name) == self.settings.collection:
            return self
        settings = self.settings.model_copy(update={"collection": collections.checked(name)})
        with self._others_lock:
            if self._closed:
                raise StoreError("this engine is closed; make another Engine")
            other = self._others.get(settings.collection)
            if other is None:
                other = Engine.__new__(Engine)
                other._start(settings, self._models, create)
                self._others[settings.collection] = other
            return other

    def _among(self, filters: Filters | None) -> tuple[Engine, Filters | None]:
        """Return the engine over the filters' collection, and the other filters."""
        if filters is None or not filters.collection:
            return self, filters
        others = dataclasses.replace(filters, collection="")
        return self.collection(filters.collection), None if others == Filters() else others

    def __repr__(self) -> str:
        return f"Engine(store={str(self.settings.store)!r}, llm={self.settings.llm!r})"

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store and what `collection` returned; a second call does nothing."""
        with self._others_lock:
            others, self._others = list(self._others.values()), {}
            for other in others:
                other.close()
            super().close()

    def warm_up(self, question: str | None = None) -> None:
        """Load the models now, in parallel, so that no question waits for them; or only what this question needs."""
        self._models.warm_up(question)

    @property
    def llm(self) -> LLM | None:
        """Return the answer model, loaded, or None for `extractive`; raises `ModelError` if it cannot be loaded."""
        return None if self._models.extractive else self._models.llm()

    @property
    def model_hash(self) -> str | None:
        """Return the SHA-256 of the embedded answer model's weights; None for an endpoint or no model."""
        return self._models.hash

    def vector_index(self) -> VectorStoreIndex:
        """Return LlamaIndex's view of the same passages: its index over the same Chroma and embedding model."""
        from llama_index.core import VectorStoreIndex

        embedding = self._models.embedding().llama_index
        return VectorStoreIndex.from_vector_store(self._index.vectors.llama_index, embed_model=embedding)

    def retrieve(self, question: str, limit: int = 10, filters: Filters | None = None) -> tuple[Evidence, ...]:
        """Return the ranked sentences nearest to a question, whether they answer it or not; no answer model is used.

        Raises:
            QuestionError: The question is empty or too long.
        """
        engine, filters = self._among(filters)
        return tuple(nearest_sentences(engine._answerer.finder.look_up(self.checked(question), filters, {}), limit))

    def answer(self, question: str, filters: Filters | None = None) -> Answer:
        """Answer a question, or abstain.

        Args:
            question: What to answer.
            filters: Which articles to search; all when left out.

        Raises:
            QuestionError: The question is empty or too long.
            RagError: The store or the embedding model failed. If the answer model fails, the best evidence sentence is
                returned instead, with a notice.
        """
        if found := next((part for part in self.stream(question, filters) if isinstance(part, Answer)), None):
            return found
        raise LLMError("the answer ended before it was complete; ask again")

    def stream(
        self, question: str, filters: Filters | None = None, *, wordings: Sequence[str] = ()
    ) -> Iterator[str | Answer]:
        """Yield the model's words as they arrive, unchecked, then the checked `Answer`.

        Closing the iterator stops the model. Raises the same errors as `answer`.

        Args:
            question: What to answer.
            filters: Which articles to search; all when left out.
            wordings: Other wordings of the question, also used to search for evidence.
        """
        engine, filters = self._among(filters)
        if engine is not self:
            yield from engine.stream(question, filters, wordings=wordings)
            return
        started = time.perf_counter()
        question = self.checked(question)
        key = (self._index.version, question, filters, tuple(wordings))
        if (known := self._known.get(key)) is not None:
            if not known.abstained:
                yield unmarked(known.text)
            yield dataclasses.replace(known, timings={"total": time.perf_counter() - started})
            return
        asks = self.asks(question)
        if talk := self._composed.talk(asks, question):
            yield talk
            return
        if self._index.documents.is_empty():
            self._index.check()
            yield unasked(question, EMPTY, self.settings.hash)
            return
        if filters and not self._index.meets(filters):
            yield unasked(question, unmet(filters), self.settings.hash)
            return
        by_words = self._index.by_words
        for part in self._composed.stream(asks, question, filters, wordings):
            if isinstance(part, Answer) and self._index.by_words != by_words:
                part = dataclasses.replace(part, notices=(*part.notices, BY_WORDS))
            if isinstance(part, Answer) and part.abstained:
                self._index.check()
            # Who wrote an article, for one, is told without a model.
            if isinstance(part, Answer) and ("retrieve" if self._models.extractive else "first_token") in part.timings:
                self.has_answered = True
            # Do not keep a fallback answer.
            if isinstance(part, Answer) and not part.notices:
                self._known.keep(key, part)
            yield part

    def asks(self, message: str) -> Route:
        """Return what a message asks for, such as an answer, a summary, or more about the answer before."""
        return self._composed.route(message)

    def check(self, text: str, filters: Filters | None = None) -> CheckReport:
        """Say of every sentence of a text whether the articles support it, contradict it or do not have it.

        Args:
            text: What to check.
            filters: Which articles to search; all when left out.

        Raises:
            RagError: The text is empty or too long, the judge is off or missing, or the store failed.
        """
        engine, filters = self._among(filters)
        if engine._index.documents.is_empty():
            engine._index.check()
        return engine._answerer.check(text, filters)

    async def aanswer(self, question: str, filters: Filters | None = None) -> Answer:
        """Answer without blocking the event loop; see `answer`."""
        return await asyncio.to_thread(self.answer, question, filters)

    async def astream(
        self, question: str, filters: Filters | None = None, *, wordings: Sequence[str] = ()
    ) -> AsyncIterator[str | Answer]:
        """Stream without blocking the event loop; see `stream`."""
        parts = self.stream(question, filters, wordings=wordings)
        try:
            while (part := await asyncio.to_thread(next, parts, None)) is not None:
                yield part
        finally:
            await asyncio.to_thread(parts.close)  # type: ignore[attr-defined]

    def checked(self, question: str) -> str:
        """Return the question with extra white space removed, and with its characters as they are usually written.

        Raises:
            QuestionError: It is empty or too long.
        """
        question = " ".join(usual(question).split())
        if not question:
            raise QuestionError("the question is empty; ask something about the articles")
        if len(question) > self.settings.max_question_chars:
            raise QuestionError(
                f"the question has {len(question):,} characters, at most {self.settings.max_question_chars:,} are "
                "read; ask a shorter one"
            )
        return question

    def complete(self, messages: Sequence[ChatMessage], max_tokens: int = 64) -> str | None:
        """Return the answer model's reply to these messages, or None if there is no model or it fails."""
        return self._models.complete(messages, max_tokens)
