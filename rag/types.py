"""The types that the stages pass to one another, in the order in which the data flows.

    files ─ load ─► Document ─ chunk ─► Chunk ─ index ─► store
    question ─ rank ─► Hit ─ select ─► Evidence ─ generate ─► Draft ─ verify ─► Answer(citations)

All types are frozen. Offsets are character indices (Python string indices) into `Document.text`, end exclusive.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rag import display
from rag.origin import origin
from rag.usage import Usage as Usage


@dataclass(frozen=True, slots=True)
class Document:
    """One article. Its text is exactly as read (including line endings), so that offsets stay valid.

    `id` is the SHA-256 of the text. `source` is the file name (the path below the ingested folder), or `FILE!/MEMBER`
    for one of several articles in a file, such as `wire.zip!/a.txt` or `list.csv!/17`. `path` is built in the same way
    from the file's absolute path. The metadata is what the file gives; fields that it lacks are empty.
    """

    id: str
    source: str
    title: str
    text: str = field(repr=False)
    path: str = ""
    added: str = ""  # ISO 8601, UTC
    date: str = ""  # of publication, ISO 8601: `2024-07-12`, with a time, or a month alone: `2024-07`
    author: str = ""
    publisher: str = ""
    language: str = ""  # ISO 639-1, lower case: `en`
    url: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """The state of a file when it was read, so that an unchanged file need not be read again.

    `path` is absolute (or a web address), `hash` the SHA-256 of its bytes.
    """

    path: str
    size: int = 0
    mtime_ns: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A message about a file: a part that failed, or how something was read (such as a detected encoding)."""

    source: str
    text: str
    failed: bool = True


@dataclass(frozen=True, slots=True)
class Span:
    """The place of a sentence or a passage in its document: `text[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: consecutive whole sentences of one document, without captions, teasers and bylines."""

    id: str
    document_id: str
    start: int
    end: int
    text: str = field(repr=False)
    sentences: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A document to write, and the file that holds it.

    `chunks` and `vectors` (a passage's: float32, (1 + sentences, dimensions)) are None if the store has the document.
    """

    file: File
    document: Document
    chunks: tuple[Chunk, ...] | None = None
    vectors: tuple[npt.NDArray[np.float32], ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a sentence: the document, its file name and title, the character span, and what `Evidence` has."""

    document_id: str
    source: str
    title: str
    start: int
    end: int
    date: str | None = None
    publisher: str | None = None
    url: str | None = None
    language: str = ""

    @property
    def origin(self) -> str:
        """Return who published the article and when: `Valley Courier, 14 Mar 2024`; empty if that is not known."""
        return origin(self.publisher, self.date)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that a retriever proposed, with the data needed to rank its sentences.

    `vectors` is float32 of shape (1 + sentences, dimensions), unit length: the passage first, then its sentences.
    `lexical` holds the BM25 score of each sentence for the question (0 where no word matched). `document` is the whole
    article as it was when the question was asked. `copies` are its other places, each as a document of its own.
    """

    chunk: Chunk
    source: str
    title: str
    vectors: npt.NDArray[np.float32] = field(repr=False)
    lexical: tuple[float, ...]
    document: Document = field(repr=False)
    copies: tuple[Document, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """A sentence that retrieval found, with the scores that ranked it (higher is better).

    `dense` is the cosine of question and sentence, `lexical` the BM25 score as a share of the ideal one, `coverage` the
    share of the question's terms (by rarity) that the sentence and its neighbours have, `held` that of it alone,
    `answers` how much likelier it has the answer than no sentence has (a logarithm; None if not read), `score` what it
    is ranked by. `words` are those that the reader takes for the answer, `sure` how likely they are. `leans` says
    whether a name of the question is only in the sentence before. `language` is the article's.
    """

    place: Place
    text: str
    score: float
    dense: float
    lexical: float
    passage: Span
    before: str = ""
    after: str = ""
    coverage: float = 0.0
    answers: float | None = None
    held: float = 0.0
    words: str = ""
    sure: float = 0.0
    leans: bool = False
    language: str = ""
    also: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence shown to the model, numbered from 1 by `rank`.

    `text` is verbatim. `context` is the sentence before it if it is needed, else empty. `also` has the places of equal
    and near-identical sentences, which were merged into this one. `date` (ISO 8601), `publisher` and `url` are of the
    article, None where unknown. `language` is its ISO 639-1 code. `words` and `sure` are as in `Hit`.
    """

    rank: int
    source: str
    title: str
    text: str
    start: int
    end: int
    score: float
    dense: float
    lexical: float
    document_id: str
    passage: Span
    context: str = ""
    also: tuple[Place, ...] = ()
    coverage: float = 0.0
    answers: float | None = None
    date: str | None = None
    publisher: str | None = None
    url: str | None = None
    language: str = ""
    words: str = ""
    sure: float = 0.0

    @property
    def in_context(self) -> str:
        """The sentence as the model reads it, after the context that it needs."""
        return f"{self.context} {self.text}".strip()

    @property
    def origin(self) -> str:
        """Return who published the article and when; empty if that is not known."""
        return origin(self.publisher, self.date)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which articles to search: those that meet every given condition, or all if there is none.

    `documents` are ids (`SourceInfo.id`). `sources` are patterns (`reuters*`, `2024/*.txt`, any case); one must match
    the source name or publisher. `since` and `until` are ISO 8601 dates, both included. `authors` match parts of
    bylines, `languages` are ISO 639-1 codes. What is unknown matches no filter. `collection`: "" is the engine's own.
    """

    documents: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    authors: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    collection: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model said, unchecked.

    `confidence` is the mean probability of the answer's tokens and `unknown` the probability that the model says that
    it does not know; each is None if the model does not report it.
    """

    text: str
    model: str
    confidence: float | None = None
    unknown: float | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """The sentence that a statement of the answer rests on: `quote == document.text[start:end]`, verbatim.

    `support` in [0, 1] says how far the quote supports the statement that carries the marker. `date`, `publisher` and
    `url` are as in `Evidence`. `times` are the quote's relative dates: `("yesterday", "2024-07-11")`.
    """

    marker: int
    source: str
    title: str
    quote: str
    start: int
    end: int
    support: float
    document_id: str
    passage: Span
    also: tuple[Place, ...] = ()
    date: str | None = None
    publisher: str | None = None
    url: str | None = None
    times: tuple[tuple[str, str], ...] = ()

    __repr__ = display.citation_repr

    @property
    def origin(self) -> str:
        """Return who published the article and when: `Valley Courier, 14 Mar 2024`; empty if that is not known."""
        return origin(self.publisher, self.date)


@dataclass(frozen=True, slots=True)
class Statement:
    """A part of an answer, without markers, with the markers of its citations and its support in [0, 1]."""

    text: str
    markers: tuple[int, ...]
    support: float

    __repr__ = display.statement_repr


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its citations, or an abstention.

    `question` is the stand-alone question that was answered (a follow-up is rewritten into one). When `abstained`,
    `text` says so plainly, `citations` is empty, and `related` has the nearest sentences, which are not an answer.
    `model` is the answer model, `extractive` if sentences are the answer, `none` if no model was asked, or `talk` where
    a message asked nothing. `evidence` is the sentences that the model was shown. `timings` are seconds by stage.
    `confidence` in [0, 1] is the probability that the articles answer the question and that this answer, or the one
    held back, is right; None if it was not estimated. `signals` are the numbers that it was estimated from. `notices`
    tell of things such as a fallback to another model. `statements` are the parts of `text`. `unconfirmed`
    is what the model said besides and the articles do not confirm; it is never in `text`.
    """

    question: str
    text: str
    abstained: bool
    citations: tuple[Citation, ...]
    evidence: tuple[Evidence, ...]
    model: str
    timings: Mapping[str, float]
    settings_hash: str
    notices: tuple[str, ...] = ()
    related: tuple[Evidence, ...] = ()
    confidence: float | None = None
    signals: Mapping[str, float] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain data, ready for `json.dumps`."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        return display.plain(self)

    __repr__ = display.answer_repr

    _repr_markdown_ = display.markdown  # notebooks call it


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """An article as the library lists it. `copies` and `similar` name the files of the same and of near-equal texts."""

    id: str
    source: str
    title: str
    path: str
    added: str
    passages: int
    date: str = ""
    author: str = ""
    publisher: str = ""
    language: str = ""
    url: str = ""
    copies: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()
