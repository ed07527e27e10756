"""The stages in order: `Engine` ingests articles and answers questions over them."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from llama_index.core import VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms.llm import LLM

from rag import models
from rag.confidence import probability
from rag.draft import extract, generate
from rag.embed import PassageEmbedding
from rag.errors import DocumentError, LLMError, ModelError, ModelMissingError, QuestionError, SettingsError, StoreError
from rag.evidence import nearest, select
from rag.index import Index
from rag.llm import LocalLLM, is_extractive, make_llm, stream_chat
from rag.prompts import answer_start, rewrite_start
from rag.question import Form, form, parts
from rag.retrieve import rank
from rag.settings import Settings
from rag.sync import Progress, add, sync
from rag.text import acronyms, content_terms, names, words
from rag.types import Answer, Document, Draft, Evidence, Filters, Hit, IngestReport, SourceInfo
from rag.verify import Verdict, combine, refusal, unmarked, verify
from rag.web import fetch

_log = logging.getLogger(__name__)
EMPTY = "The library holds no articles yet, so nothing can be answered. Add some with: rag ingest FOLDER"
_MOST_KNOWN = 500  # answers kept for questions that are asked again
RELATED = 3  # sentences offered beside an abstention
_MODEL_SETTINGS = ("llm", "llm_base_url", "llm_api_key", "llm_timeout", "models", "threads")


@dataclasses.dataclass(frozen=True, slots=True)
class Weighed:
    """A verdict with the probability that it, or what it holds back, is right, and what that was weighed from."""

    verdict: Verdict
    probability: float
    signals: dict[str, float]


class Engine:
    """Answers questions over one store. Safe to use from several threads; close it, or use it in a `with` block.

    Args:
        settings: What is configured; read from the environment and `rag.toml` when left out.
        llm: Any LlamaIndex LLM to use instead of the one that the settings name.
        embedding: Embedding model to use instead of the one that the settings name.

    Raises:
        StoreError: The store cannot be opened; see its subclasses.
    """

    def __init__(
        self, settings: Settings | None = None, *, llm: LLM | None = None, embedding: PassageEmbedding | None = None
    ) -> None:
        self.settings = settings or Settings()
        self._embedding = embedding
        self._llm = llm
        self._closed = False
        self._known: OrderedDict[tuple[int, str, Filters | None], Answer] = OrderedDict()
        self._finding, self._loading = threading.Lock(), threading.Lock()
        self._index = Index.open(self.settings.store, embedding.model_name if embedding else self.settings.embedding)

    def using(self, **changes: Any) -> Engine:
        """Return another engine over the same open store and loaded models, with other settings; close it as well.

        Args:
            **changes: Settings by name; `store` and `embedding` stay what they are.

        Raises:
            SettingsError: A setting does not exist, is not usable, or is one of those two.
        """
        if fixed := {"store", "embedding"} & changes.keys():
            raise SettingsError(f"{' and '.join(sorted(fixed))} cannot change here; make another Engine")
        settings = Settings(**(self.settings.model_dump() | changes))
        same = all(getattr(settings, name) == getattr(self.settings, name) for name in _MODEL_SETTINGS)
        return Engine(settings, llm=self._llm if same else None, embedding=self._embedder())

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the store back; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._index.close()

    @property
    def is_new(self) -> bool:
        """Tell whether nothing was ever ingested into the store."""
        return self._index.documents.get_meta("used") is None

    def counts(self) -> tuple[int, int, int]:
        """Return how many articles, passages and sentences the library holds."""
        return self._index.documents.count()

    def warm_up(self, question: str | None = None) -> None:
        """Load the models now, side by side, so that no question waits for them; or only what this question needs."""
        starts = [*map(answer_start, Form), rewrite_start()] if question is None else [answer_start(form(question))]
        answering = threading.Thread(target=self._warm_up_model, args=(starts,), name="dateline-warm-up", daemon=True)
        answering.start()
        self._embedder().load()
        answering.join()

    def _warm_up_model(self, starts: Sequence[Sequence[ChatMessage]]) -> None:
        if self._extractive:
            return
        try:
            for start in starts:
                self._prepare(start)
        except (ModelError, LLMError) as error:
            _log.info("%s", error)  # the first answer says it to the reader

    def ingest(self, *paths: Path | str, progress: Progress | None = None) -> IngestReport:
        """Add the articles at these paths; changed files replace what they were, unchanged ones cost nothing.

        Args:
            *paths: Files and folders.
            progress: Called with (files done, files in all, source) after each file.

        Returns:
            What happened to each source. A file that fails is reported there and never stops the others.

        Raises:
            DocumentError: A path does not exist or holds no article; nothing was changed then.
        """
        return sync(self._index, self._embedder(), paths, self.settings.chunk_sentences, progress)

    def add(self, source: str, content: str | bytes, path: str = "") -> IngestReport:
        """Add one article given as text, or as a file's bytes.

        Args:
            source: What it is called in citations.
            content: The article.
            path: Where it came from; an article from the same place is replaced.

        Returns:
            What happened to it; a failure is reported there.
        """
        return add(self._index, self._embedder(), source, content, path, self.settings.chunk_sentences)

    def add_url(self, url: str, *, allow_private: bool = False) -> IngestReport:
        """Fetch a web page and add its article.

        Args:
            url: An http or https address.
            allow_private: Fetch from loopback and private networks too; never for strangers.

        Returns:
            What happened to it; a failure is reported there.
        """
        try:
            page = fetch(url, allow_private=allow_private)
        except DocumentError as error:
            return IngestReport(failed=((url, str(error)),))
        return self.add(page.url, page.text, page.url)

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
        """Remove the articles with this source name or id, and return the source names that went.

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
        """Return the answer model, loaded; None when there is none to use (`extractive`).

        Raises:
            ModelError: Its weights are missing or damaged.
        """
        return None if self._extractive else self._model()

    @property
    def model_hash(self) -> str | None:
        """Return the SHA-256 of the embedded answer model's weights; None for an endpoint or no model."""
        return None if self._extractive else models.weights_hash(self.settings.llm, self.settings.models)

    def vector_index(self) -> VectorStoreIndex:
        """Return LlamaIndex's view of the same passages: its index over the same Chroma and embedding model."""
        return VectorStoreIndex.from_vector_store(self._index.vectors.llama_index, embed_model=self._embedder())

    def retrieve(self, question: str, limit: int = 10, filters: Filters | None = None) -> tuple[Evidence, ...]:
        """Return the sentences nearest to a question, ranked, whether they answer it or not; no model is asked.

        Raises:
            QuestionError: The question is empty or too long.
        """
        return tuple(nearest(self._hits(self.checked(question), filters), limit))

    def answer(self, question: str, filters: Filters | None = None) -> Answer:
        """Answer a question, or abstain.

        Args:
            question: What to answer.
            filters: Which articles to look in; all when left out.

        Raises:
            QuestionError: The question is empty or too long.
            RagError: The store or the embedding model failed. A failing answer model is no error: the best evidence
                sentence is given instead, with a notice.
        """
        for part in self.stream(question, filters):
            if isinstance(part, Answer):
                return part
        raise LLMError("the answer ended before it was complete; ask again")

    def stream(self, question: str, filters: Filters | None = None) -> Iterator[str | Answer]:
        """Yield the model's words as they come, unchecked, and last the checked `Answer`.

        Closing the iterator stops the model. Errors are those of `answer`.
        """
        started = time.perf_counter()
        timings: dict[str, float] = {}
        question = self.checked(question)
        if self._index.documents.is_empty():
            verdict = Verdict(EMPTY, (), abstained=True)
            yield self._answer(question, verdict, (), Draft("", "none"), timings, started)
            return
        if (known := self._recall(question, filters)) is not None:
            if not known.abstained:
                yield unmarked(known.text)
            yield dataclasses.replace(known, timings={"total": time.perf_counter() - started})
            return
        version = self._index.version
        missing = self._missing(question)
        hits = self._hits(question, filters)
        asked = parts(question)
        evidence = self._evidence(asked, hits, filters)
        timings["retrieve"] = time.perf_counter() - started
        drafts: list[tuple[str, Draft]] = []
        weighed: list[Weighed] = []
        if not missing and evidence:
            for part in self._drafts(asked, evidence, timings, started):
                if isinstance(part, str):
                    yield part
                else:
                    drafts.append(part)
            checking = time.perf_counter()
            weighed = [self._weigh(text, draft, evidence) for text, draft in drafts]
            timings["verify"] = time.perf_counter() - checking
        verdict = combine([q for q, _ in drafts], [w.verdict for w in weighed]) if weighed else refusal(missing)
        related = nearest(hits, RELATED) if verdict.abstained else ()
        draft = drafts[0][1] if drafts else Draft("", "none")
        least = min(weighed, key=lambda w: w.probability, default=None)
        answer = self._answer(question, verdict, evidence, draft, timings, started, related, least)
        if not answer.notices:  # a fallback is no answer to keep
            self._remember((version, question, filters), answer)
        yield answer

    def _recall(self, question: str, filters: Filters | None) -> Answer | None:
        """Return the answer that this question got since the store last changed."""
        with self._finding:
            return self._known.get((self._index.version, question, filters))

    def _remember(self, key: tuple[int, str, Filters | None], answer: Answer) -> None:
        with self._finding:
            self._known[key] = answer
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)

    async def aanswer(self, question: str, filters: Filters | None = None) -> Answer:
        """Answer without blocking the event loop; see `answer`."""
        return await asyncio.to_thread(self.answer, question, filters)

    async def astream(self, question: str, filters: Filters | None = None) -> AsyncIterator[str | Answer]:
        """Stream without blocking the event loop; see `stream`."""
        parts = self.stream(question, filters)
        try:
            while (part := await asyncio.to_thread(next, parts, None)) is not None:
                yield part
        finally:
            await asyncio.to_thread(parts.close)  # type: ignore[attr-defined]

    def complete(self, messages: Sequence[ChatMessage], max_tokens: int = 64) -> str | None:
        """Return what the answer model says to these messages, or None when there is no model or it fails."""
        if self._extractive:
            return None
        text = ""
        try:
            for so_far, _, _ in self._stream(self._model())(messages, max_tokens=max_tokens):
                text = so_far
        except (ModelError, LLMError) as error:
            _log.warning("%s", error)
            return None
        return text.strip()

    def checked(self, question: str) -> str:
        """Return the question with its white space tidied.

        Raises:
            QuestionError: It is empty or too long.
        """
        question = " ".join(question.split())
        if not question:
            raise QuestionError("the question is empty; ask something about the articles")
        if len(question) > self.settings.max_question_chars:
            raise QuestionError(
                f"the question has {len(question):,} characters, at most {self.settings.max_question_chars:,} are "
                "read; ask a shorter one"
            )
        return question

    def _missing(self, question: str) -> list[str]:
        """Return the names of the question, as typed, that occur in no article."""
        wanted = [name for name in names(question) if not self._index.knows(name)]
        typed = {content_terms(word)[0]: word for word in words(question) if content_terms(word)}
        return [typed[name].removesuffix("'s").removesuffix("’s") for name in wanted if name in typed]

    def _hits(self, question: str, filters: Filters | None) -> list[Hit]:
        asked = self._index.correct(content_terms(question))
        full = {short: name for short in acronyms(question) if (name := self._index.spell_out(short))}
        aliases = {content_terms(short)[0]: frozenset(content_terms(name)) for short, name in full.items()}
        vector = self._embedder().embed_question(_spelled_out(question, full))
        documents = filters.documents if filters else ()
        wanted = [*asked, *(term for names in aliases.values() for term in sorted(names))]
        candidates = self._index.search(vector, wanted, self.settings.candidates, documents)
        return rank(question, candidates, vector, {term: self._index.idf(term) for term in asked}, aliases)

    def _evidence(self, asked: Sequence[str], hits: Sequence[Hit], filters: Filters | None) -> list[Evidence]:
        """Return what the model is shown: the best sentences, and where a question has parts the best for each."""
        if len(asked) == 1:
            return select(hits, self.settings.evidence)
        by_part = [select(hits, 2), *(select(self._hits(part, filters), 2) for part in asked)]
        chosen: dict[tuple[str, int], Evidence] = {}
        for evidence in (e for found in by_part for e in found):
            chosen.setdefault((evidence.document_id, evidence.start), evidence)
        kept = list(chosen.values())[: self.settings.evidence]
        return [dataclasses.replace(e, rank=rank) for rank, e in enumerate(kept, 1)]

    def _weigh(self, question: str, draft: Draft, evidence: Sequence[Evidence]) -> Weighed:
        """Return what is left of a draft where it is likely enough to be right, else a refusal."""

        def read(document_id: str) -> str:
            return self.document(document_id).text

        verdict = verify(question, draft, evidence, read)
        signals = _signals(evidence[0], draft, verdict, evidence)
        if verdict.abstained:
            return Weighed(verdict, 0.0, signals)
        likely = probability("extractive" if draft.model == "extractive" else "answer", signals)
        if likely < self.settings.caution:
            return Weighed(refusal(), likely, signals)
        citations = tuple(dataclasses.replace(c, support=round(likely, 3)) for c in verdict.citations)
        return Weighed(dataclasses.replace(verdict, citations=citations), likely, signals)

    def _drafts(
        self, asked: Sequence[str], evidence: list[Evidence], timings: dict[str, float], started: float
    ) -> Iterator[str | tuple[str, Draft]]:
        """Yield the model's words, and after each part of the question the part with its draft."""
        generating = time.perf_counter()
        if self._extractive:
            yield " and ".join(asked) if len(asked) > 1 else asked[0], extract(evidence)
            return
        earlier: list[tuple[str, str]] = []
        for question in asked:
            if earlier:
                yield "; "
            for part in self._draft(question, evidence, form(asked[0]), earlier, timings, started):
                if isinstance(part, str):
                    yield part
                else:
                    earlier.append((question, part.text))
                    yield question, part
        timings["generate"] = time.perf_counter() - generating

    def _draft(
        self,
        question: str,
        evidence: list[Evidence],
        form: Form,
        earlier: Sequence[tuple[str, str]],
        timings: dict[str, float],
        started: float,
    ) -> Iterator[str | Draft]:
        try:
            llm = self._model()
            self._prepare(answer_start(form))
            for part in generate(question, evidence, self._stream(llm), llm.metadata.model_name, form, earlier):
                timings.setdefault("first_token", time.perf_counter() - started)
                yield part
        except (ModelMissingError, LLMError) as error:
            # A damaged or unusable model is an error; one that is missing or down must not keep the reader waiting.
            fallback = extract(evidence)
            notice = f"{error}. The best matching sentence is shown instead."
            yield dataclasses.replace(fallback, notices=(notice,))

    def _answer(
        self,
        question: str,
        verdict: Verdict,
        evidence: Sequence[Evidence],
        draft: Draft,
        timings: dict[str, float],
        started: float,
        related: Sequence[Evidence] = (),
        weighed: Weighed | None = None,
    ) -> Answer:
        timings["total"] = time.perf_counter() - started
        return Answer(
            question=question,
            text=verdict.text,
            abstained=verdict.abstained,
            citations=verdict.citations,
            evidence=tuple(evidence),
            model=draft.model,
            timings=timings,
            settings_hash=self.settings.hash,
            notices=draft.notices,
            related=tuple(related),
            confidence=round(weighed.probability, 3) if weighed else None,
            signals=weighed.signals if weighed else {},
        )

    @property
    def _extractive(self) -> bool:
        return is_extractive(self.settings) and self._llm is None

    def _embedder(self) -> PassageEmbedding:
        with self._finding:
            if self._embedding is None:
                name = self.settings.embedding
                known = any(name == model.name for model in models.MODELS)
                folder = models.path(name, self.settings.models) if known else Path(name).expanduser()
                self._embedding = PassageEmbedding(folder, name)
            return self._embedding

    def _model(self) -> LLM:
        with self._loading:
            if self._llm is None:
                self._llm = make_llm(self.settings, lambda name: models.path(name, self.settings.models))
            return self._llm

    def _prepare(self, start: Sequence[ChatMessage]) -> None:
        """Have the model read a start that many prompts share, once."""
        llm = self._model()
        if isinstance(llm, LocalLLM):
            llm.prepare(start)

    def _stream(self, llm: LLM) -> Any:
        def stream(
            messages: Sequence[ChatMessage], **kwargs: Any
        ) -> Iterator[tuple[str, float | None, dict[str, float]]]:
            return stream_chat(llm, messages, self.settings.llm_timeout, **kwargs)

        return stream


def _spelled_out(question: str, names: Mapping[str, str]) -> str:
    """Return the question with acronyms replaced by the names that they stand for."""
    for short, name in names.items():
        question = re.sub(rf"\b{re.escape(short)}\b", lambda _, name=name: name, question)  # type: ignore[misc]
    return question


def _signals(best: Evidence, draft: Draft, verdict: Verdict, evidence: Sequence[Evidence]) -> dict[str, float]:
    """Return what speaks for an answer: the best sentence's scores, the model's certainty, the support it found."""
    cited = [
        e for e in evidence if any((c.document_id, c.start) == (e.document_id, e.start) for c in verdict.citations)
    ]
    found = {
        "score": best.score,
        "dense": best.dense,
        "coverage": best.coverage,
        "cited_score": max((e.score for e in cited), default=best.score),
        "cited_coverage": max((e.coverage for e in cited), default=best.coverage),
        "support": verdict.support,
        "sentences": float(len(evidence)),
    }
    if draft.confidence is not None:
        found["certainty"] = draft.confidence
    if draft.unknown is not None:
        found["unknown"] = draft.unknown
    return {name: round(value, 4) for name, value in found.items()}
