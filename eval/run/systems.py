"""The systems to evaluate over the same store: Dateline with any answer model, and LlamaIndex as a baseline."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Sequence
from typing import Protocol

from llama_index.core import QueryBundle
from llama_index.core.base.response.schema import RESPONSE_TYPE, StreamingResponse
from llama_index.core.chat_engine import CondenseQuestionChatEngine
from llama_index.core.llms.llm import LLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.query_engine import CitationQueryEngine
from llama_index.core.schema import BaseNode, NodeWithScore

from rag import Answer, Chat, Citation, Engine, Evidence, LLMError, QuestionError, Span, UsageError, is_refusal

NAMES = ("dateline", "extractive", "naive")
RANKED = 10  # the most items of a ranking that any metric reads
_HEADING = re.compile(r"\ASource \d+:\n")
_MARKER = re.compile(r"\[(\d+)\]")
_NOTHING = ("", "Empty Response")  # what LlamaIndex answers if it found nothing


class System(Protocol):
    """A system that answers conversations over the articles of an engine's store."""

    name: str
    engine: Engine

    @property
    def model(self) -> str:
        """Return the model name in the answers; this loads the model, so that no question has to wait for it."""

    def ask(self, turns: Sequence[str]) -> Answer:
        """Answer the last turn of a conversation; `timings` has seconds `total` and, with a model, `first_token`.

        Raises:
            LLMError: The answer model failed.
            RagError: Anything else failed.
        """

    def retrieve(self, question: str) -> tuple[Evidence, ...]:
        """Return the first ten items of the ranking that a stand-alone question is answered from."""

    def close(self) -> None:
        """Give the engine back."""


class Dateline:
    """Dateline with the answer model of its engine."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name = name
        self.engine = engine

    @property
    def model(self) -> str:
        """Return the model's name, loading it."""
        llm = self.engine.llm
        self.engine.warm_up()
        return llm.metadata.model_name if llm else "extractive"

    def ask(self, turns: Sequence[str]) -> Answer:
        """Answer the last turn; the time includes rewriting a follow-up."""
        chat = Chat(self.engine)
        for turn in turns[:-1]:
            chat.ask(turn)
        started = time.perf_counter()
        timings: dict[str, float] = {}
        answer = None
        for part in chat.stream(turns[-1]):
            if isinstance(part, str):
                timings.setdefault("first_token", time.perf_counter() - started)
            else:
                answer = part
        if answer is None:
            raise LLMError("the answer ended before it was complete; ask again")
        timings["total"] = time.perf_counter() - started
        return dataclasses.replace(answer, timings={**answer.timings, **timings})

    def retrieve(self, question: str) -> tuple[Evidence, ...]:
        """Return the ten best sentences."""
        return self.engine.retrieve(question, RANKED)

    def close(self) -> None:
        """Give the engine back."""
        self.engine.close()


class Naive:
    """LlamaIndex's default `CitationQueryEngine` over the same Chroma, embedding model and answer model.

    Conversations go through `CondenseQuestionChatEngine`, which does not change a first question. If LlamaIndex reports
    no offsets for a source (it stopped doing so in 0.14), the quote is looked up in its article so that citations can
    be compared with the gold evidence. LlamaIndex itself does not do this.

    Raises:
        UsageError: The engine has no answer model.
        ModelError: The answer model's weights are missing or damaged.
    """

    name = "naive"

    def __init__(self, engine: Engine) -> None:
        llm = engine.llm
        if llm is None:
            raise UsageError("the system naive needs an answer model; set RAG_LLM to one, or leave the system out")
        self.engine = engine
        self._llm: LLM = llm
        self._index = engine.vector_index()
        self.query_engine = CitationQueryEngine.from_args(self._index, llm=llm, streaming=True)

    @property
    def model(self) -> str:
        """Return the model's name, loading it."""
        self.engine.warm_up()
        return self._llm.metadata.model_name

    def ask(self, turns: Sequence[str]) -> Answer:
        """Answer the last turn."""
        turns = [self.engine.checked(turn) for turn in turns]
        try:
            return self._ask(turns)
        except (QuestionError, LLMError):
            raise
        except Exception as error:  # every client library has its own exception classes
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise LLMError(f"LlamaIndex failed: {reason}; check the answer model with: rag doctor") from error

    def _ask(self, turns: Sequence[str]) -> Answer:
        *before, last = turns
        # Its default memory keeps the same messages in a database that it never closes.
        memory = ChatMemoryBuffer.from_defaults(token_limit=self._llm.metadata.context_window - 256)
        chat = CondenseQuestionChatEngine.from_defaults(self.query_engine, memory=memory, llm=self._llm)
        for turn in before:
            chat.chat(turn)
        timings: dict[str, float] = {}
        started = time.perf_counter()
        if before:
            said = chat.stream_chat(last)
            question, response, words = (
                said.sources[0].raw_input["query"],
                said.sources[0].raw_output,
                said.response_gen,
            )
        else:
            question, response = last, self.query_engine.query(last)
            words = response.response_gen if isinstance(response, StreamingResponse) else iter([str(response)])
        text = ""
        for word in words:
            timings.setdefault("first_token", time.perf_counter() - started)
            text += word
        timings["total"] = time.perf_counter() - started
        return self._answer(question, text.strip(), response, timings)

    def _answer(self, question: str, text: str, response: RESPONSE_TYPE, timings: dict[str, float]) -> Answer:
        shown = tuple(self._evidence(n, node) for n, node in enumerate(response.source_nodes, 1))
        abstained = text in _NOTHING or is_refusal(_MARKER.sub("", text))
        named = dict.fromkeys(int(digits) for digits in _MARKER.findall(text))
        return Answer(
            question=question,
            text=text,
            abstained=abstained,
            citations=tuple(_citation(e) for e in shown if e.rank in named) if not abstained else (),
            evidence=shown,
            model=self._llm.metadata.model_name,
            timings=timings,
            settings_hash=self.engine.settings.hash,
        )

    def retrieve(self, question: str) -> tuple[Evidence, ...]:
        """Return the ten nearest passages (by default the model sees only two of them)."""
        found = self._index.as_retriever(similarity_top_k=RANKED).retrieve(QueryBundle(self.engine.checked(question)))
        return tuple(self._evidence(rank, node) for rank, node in enumerate(found, 1))

    def close(self) -> None:
        """Give the engine back."""
        self.engine.close()

    def _evidence(self, rank: int, found: NodeWithScore) -> Evidence:
        node = found.node
        quote = _HEADING.sub("", node.get_content()).removesuffix("\n")
        document_id = node.ref_doc_id or ""
        start, end = self._offsets(node, document_id, quote)
        score = found.score or 0.0
        source, title = (str(node.metadata.get(key, "")) for key in ("source", "title"))
        span = Span(start, end)
        return Evidence(rank, source, title, quote, start, end, score, score, 0.0, document_id, span)

    def _offsets(self, node: BaseNode, document_id: str, quote: str) -> tuple[int, int]:
        start, end = getattr(node, "start_char_idx", None), getattr(node, "end_char_idx", None)
        if start is not None and end is not None:
            return start, end
        start = self.engine.document(document_id).text.find(quote)
        return (start, start + len(quote)) if start >= 0 else (0, 0)


def _citation(e: Evidence) -> Citation:
    """Return a source that the model cited; it has no support value, since LlamaIndex gives none."""
    return Citation(e.rank, e.source, e.title, e.text, e.start, e.end, 0.0, e.document_id, e.passage)


def check_name(name: str) -> None:
    """Check that a system has this name.

    Raises:
        UsageError: There is no such system.
    """
    if name not in NAMES and not re.fullmatch(r"local|local:.+|openai:.+|.+\.gguf", name):
        raise UsageError(
            f"there is no system {name!r}; use {', '.join(NAMES)}, local:small, openai:MODEL or a .gguf file"
        )


def open_system(name: str, engine: Engine) -> System:
    """Return a system over the store of an open engine; the caller must close it.

    Args:
        name: `dateline` (the engine's own answer model), `extractive` (none), `naive` (LlamaIndex's own), or any value
            of the setting `llm`: Dateline with that model.
        engine: The engine.

    Raises:
        UsageError: There is no such system, or it needs a model and the engine has none.
        ModelError: The answer model's weights are missing or damaged.
    """
    check_name(name)
    own = engine.using() if name in ("dateline", "naive") else engine.using(llm=name)
    try:
        return Naive(own) if name == "naive" else Dateline(name, own)
    except BaseException:
        own.close()
        raise
