"""`Engine` runs the stages in order: it ingests articles and answers questions over them."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from llama_index.core import VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms.llm import LLM

from rag.answering.answer import Answerer
from rag.answering.composed import Composed
from rag.answering.known import KnownAnswers, unasked
from rag.answering.route import Route
from rag.answering.timely import Timely
from rag.answering.verify import unmarked
from rag.errors import DocumentError, LLMError, QuestionError, SettingsError, StoreError
from rag.ingest.sync import Pace, Progress, add, put, sync
from rag.language.characters import usual
from rag.load.files import from_page
from rag.load.web import fetch
from rag.models.embedding import PassageEmbedding
from rag.models.runtime import Models
from rag.protocols import Judge
from rag.reports import CheckReport, IngestReport
from rag.retrieve.select import nearest_sentences
from rag.settings import Settings
from rag.store.articles import Articles
from rag.store.filters import unmet
from rag.store.index import Index
from rag.types import Answer, Document, Evidence, Filters, SourceInfo

EMPTY = "The library holds no articles yet, so nothing can be answered. Add some with: rag ingest FOLDER"
_MODEL_SETTINGS = (
    "llm", "llm_base_url", "llm_api_key", "llm_timeout", "models", "threads",
    "profile", "evidence_tokens", "answer_tokens",
)  # fmt: skip


class Engine:
    """Answers questions over one store. Safe to use from several threads; close it, or use it in a `with` block.

    Args:
        settings: The configuration; read from the environment and `rag.toml` when left out.
        llm: Any LlamaIndex LLM to use instead of the one that the settings name.
        embedding: Embedding model to use instead of the one that the settings name.
        judge: Judge to use instead of the one that the settings name.

    Raises:
        StoreError: The store cannot be opened; see its subclasses.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        llm: LLM | None = None,
        embedding: PassageEmbedding | None = None,
        judge: Judge | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._models = Models(self.settings, llm, embedding, judge)
        self._closed = False
        self._known = KnownAnswers()
        self._index = Index.open(self.settings.store, embedding.model_name if embedding else self.settings.embedding)
        self._answerer = Answerer(self._index, self.settings, self._models)
        articles = Articles(self._index)
        timely = Timely(articles, self._answerer, self._models)
        self._composed = Composed(articles, timely, self._answerer.finder, self._models)

    def using(self, **changes: Any) -> Engine:
        """Return another engine over the same open store and loaded models, with other settings; close it as well.

        Args:
            **changes: Settings by name; `store` and `embedding` cannot change.

        Raises:
            SettingsError: A setting does not exist, has an unusable value, or is one of those two.
        """
        if fixed := {"store", "embedding"} & changes.keys():
            raise SettingsError(f"{' and '.join(sorted(fixed))} cannot change here; make another Engine")
        settings = Settings(**(self.settings.model_dump() | changes))
        same, models = all(getattr(settings, n) == getattr(self.settings, n) for n in _MODEL_SETTINGS), self._models
        return Engine(settings, llm=models.loaded if same else None, embedding=models.embedding(), judge=models.given)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._index.close()

    @property
    def is_new(self) -> bool:
        """Return whether nothing was ever ingested into the store."""
        return self._index.documents.get_meta("used") is None and self._index.documents.is_empty()

    def counts(self) -> tuple[int, int, int]:
        """Return how many articles, passages and sentences the library holds."""
        return self._index.documents.count()

    def warm_up(self, question: str | None = None) -> None:
        """Load the models now, in parallel, so that no question waits for them; or only what this question needs."""
        self._models.warm_up(question)

    def ingest(
        self,
        *paths: Path | str,
        progress: Progress | None = None,
        columns: Mapping[str, str] | None = None,
        pace: Pace | None = None,
    ) -> IngestReport:
        """Make the library hold the articles at these paths; for unchanged files, only size and time are checked.

        The articles of a changed file are replaced, a moved file keeps its articles, and the articles of files that
        are gone from a folder are removed. If a file can no longer be read, the library keeps its articles.

        Args:
            *paths: Files and folders. For a single file, the rest of its folder is ignored.
            progress: Called with (files done, total files, source) after each file.
            columns: For tables (csv, jsonl), which column holds what: `{"text": "Body", "title": "Head"}`; the keys are
                text, title, date, url, source, author and language. Common column names are recognised without it.
            pace: Called after each batch with (passages embedded so far, share of the bytes read).

        Returns:
            What happened to each source. A file that fails is reported there and does not stop the others.

        Raises:
            DocumentError: A path does not exist or holds no article; nothing was changed.
        """
        size = self.settings.chunk_sentences
        return sync(self._index, self._models.embedding(), paths, size, progress, columns, pace)

    def add(
        self, source: str, content: str | bytes, path: str = "", *, stopped: Callable[[], bool] = lambda: False
    ) -> IngestReport:
        """Add one article given as text, or as a file's bytes.

        Args:
            source: Its name in citations.
            content: The article.
            path: Where it came from; an article from the same place is replaced.
            stopped: Called after each batch of passages of a file; if it returns True, adding stops there.

        Returns:
            What happened to it; a failure is reported there.
        """
        size = self.settings.chunk_sentences
        return add(self._index, self._models.embedding(), source, content, path, size, stopped=stopped)

    def add_url(self, url: str, *, allow_private: bool = False) -> IngestReport:
        """Fetch a web page and add its article.

        Args:
            url: An http or https address.
            allow_private: Also fetch from loopback and private networks; never set this for untrusted addresses.

        Returns:
            What happened to it; a failure is reported there.
        """
        try:
            page = fetch(url, allow_private=allow_private)
        except DocumentError as error:
            return IngestReport(failed=((url, str(error)),))
        report = self.restore(from_page(page))
        return dataclasses.replace(report, notices=((url, page.notice), *report.notices)) if page.notice else report

    def restore(self, document: Document) -> IngestReport:
        """Put an article back as it was, with its metadata; an article from the same place is replaced.

        Args:
            document: What `document` returned before the article was removed or replaced.
        """
        raw = document.text.encode("utf-8", "surrogatepass")
        size = self.settings.chunk_sentences
        embedding = self._models.embedding()
        return put(self._index, embedding, document.source, raw, document.path, size, [document])

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return the articles in the library, by source name."""
        return self._index.sources()

    def document(self, document_id: str) -> Document:
        """Return one article with its text.

        Raises:
            StoreError: The library holds no article with this id.
        """
        document = self._index.documents.document(document_id)
        if document is None:
            raise StoreError(f"the library holds no article with id {document_id}; see: rag sources")
        return document

    def remove(self, source: str) -> tuple[str, ...]:
        """Remove the articles with this source name or id, and return the source names of those removed.

        Raises:
            StoreError: There is no such article.
        """
        found = [s for s in self.sources() if source in (s.source, s.id)]
        if not found:
            raise StoreError(f"the library holds no article {source!r}; see: rag sources")
        for entry in found:
            self._index.remove(entry.id)
        return tuple(entry.source for entry in found)

    @property
    def llm(self) -> LLM | None:
        """Return the loaded answer model, or None if answers are made without one (`extractive`).

        Raises:
            ModelError: Its weights are missing or damaged.
        """
        return None if self._models.extractive else self._models.llm()

    @property
    def model_hash(self) -> str | None:
        """Return the SHA-256 of the embedded answer model's weights; None for an endpoint or no model."""
        return self._models.hash

    def vector_index(self) -> VectorStoreIndex:
        """Return LlamaIndex's view of the same passages: its index over the same Chroma and embedding model."""
        return VectorStoreIndex.from_vector_store(self._index.vectors.llama_index, embed_model=self._models.embedding())

    def retrieve(self, question: str, limit: int = 10, filters: Filters | None = None) -> tuple[Evidence, ...]:
        """Return the ranked sentences nearest to a question, whether they answer it or not; no answer model is used.

        Raises:
            QuestionError: The question is empty or too long.
        """
        return tuple(nearest_sentences(self._answerer.finder.look_up(self.checked(question), filters, {}), limit))

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
        for part in self.stream(question, filters):
            if isinstance(part, Answer):
                return part
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
        for part in self._composed.stream(asks, question, filters, wordings):
            if isinstance(part, Answer) and part.abstained:
                self._index.check()
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
        if self._index.documents.is_empty():
            self._index.check()
        return self._answerer.check(text, filters)

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
