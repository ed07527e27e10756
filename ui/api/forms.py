"""The bodies of requests and responses, which the OpenAPI document describes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from rag import Document, Evidence, Filters, SourceInfo
from ui.library.intake import Result

_DAY = r"^(\d{4}(-\d{2}(-\d{2})?)?)?$"
_MOST = 1000  # values of one filter
_Values = Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=_MOST)]
QUESTION = "How much additional aid did Harris announce for the region?"


class FiltersForm(BaseModel):
    """Which articles to search: those that meet every given condition."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"since": "2024-07-01", "sources": ["reuters*"]}]}
    )
    documents: _Values = Field(default=[], description="Ids of articles.")
    sources: _Values = Field(default=[], description="Patterns of source names and publishers: reuters*, 2024/*.txt.")
    since: str = Field(default="", pattern=_DAY, description="Articles of this day, month or year, or later.")
    until: str = Field(default="", pattern=_DAY, description="Articles of this day, month or year, or earlier.")
    authors: _Values = Field(default=[], description="Authors, matched anywhere in the byline.")
    languages: _Values = Field(default=[], description="ISO 639-1 codes.")

    def given(self, collection: str = "") -> Filters | None:
        """Return the filters as the engine takes them, with a collection; None if there is no condition."""
        filters = Filters(
            tuple(self.documents),
            tuple(self.sources),
            self.since,
            self.until,
            tuple(self.authors),
            tuple(self.languages),
            collection,
        )
        return None if filters == Filters() else filters


Collection = Annotated[
    str,
    Field(
        max_length=64,
        description="Which of the store's libraries; the server's own when empty. `GET /v1/collections` lists them.",
    ),
]


class TurnForm(BaseModel):
    """An earlier question with its answer."""

    model_config = ConfigDict(extra="forbid")
    question: str = Field(max_length=100_000)
    answer: str = Field(default="", max_length=100_000)


class AnswerForm(BaseModel):
    """A question."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"question": QUESTION}, {"question": QUESTION, "stream": True}]},
    )
    question: str = Field(description="What to answer.")
    filters: FiltersForm = FiltersForm()
    collection: Collection = ""
    history: list[TurnForm] = Field(default=[], max_length=50, description="The conversation so far, oldest first.")
    stream: bool = Field(default=False, description="Whether to send server-sent events as the answer is made.")


class CheckForm(BaseModel):
    """A text to check against the library."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "Harris announced US $310 million in aid."}]}
    )
    text: str = Field(description="Up to 20,000 characters.")
    filters: FiltersForm = FiltersForm()
    collection: Collection = ""


class SearchForm(BaseModel):
    """What to look for."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "aid for the region", "limit": 5}]}
    )
    question: str
    limit: int = Field(default=10, ge=1, le=100, description="How many sentences, at most.")
    filters: FiltersForm = FiltersForm()
    collection: Collection = ""


class Found(BaseModel):
    """The sentences nearest to a question, whether they answer it or not."""

    hits: list[Evidence]


class CollectionInfo(BaseModel):
    """One of the store's libraries."""

    name: str


class Collections(BaseModel):
    """The store's libraries; `own` is the one that is used where a request names none."""

    collections: list[CollectionInfo]
    own: str


class ArticleInfo(BaseModel):
    """An article of the library, without its text."""

    id: str
    source: str
    title: str
    added: str
    passages: int
    date: str
    author: str
    publisher: str
    language: str
    url: str
    copies: list[str]
    similar: list[str]


class Articles(BaseModel):
    """A part of the list of articles; `next` is the cursor of the part after it, null after the last."""

    documents: list[ArticleInfo]
    next: str | None


class Article(BaseModel):
    """An article with its text. Offsets of citations are indices into `text`."""

    id: str
    source: str
    title: str
    text: str
    added: str
    date: str
    author: str
    publisher: str
    language: str
    url: str


class Added(BaseModel):
    """What happened to each uploaded file; `state` is added, replaced, unchanged or failed."""

    results: list[Result]


class Health(BaseModel):
    """Whether the server works, and whether its models are loaded."""

    status: str
    ready: bool


class WrongPart(BaseModel):
    """A part of a request that is wrong."""

    where: str
    what: str


class ProblemForm(BaseModel):
    """An error, as RFC 9457 defines it. `type` names its kind; `detail` says what happened and what to do next."""

    model_config = ConfigDict(
        title="Problem",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:dateline:problem:unusable",
                    "title": "The request cannot be carried out as it was made",
                    "status": 422,
                    "detail": "the question is empty; ask something about the articles",
                    "request_id": "5f0c2a9be1d24c77",
                }
            ]
        },
    )
    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[WrongPart] | None = None
    error: dict[str, Any] | None = Field(default=None, description="The same as OpenAI's clients read it.")


def info(entry: SourceInfo) -> dict[str, Any]:
    """Return an article's entry as plain data, without its place on the server."""
    return {name: getattr(entry, name) for name in ArticleInfo.model_fields}


def article(document: Document) -> dict[str, Any]:
    """Return an article as plain data, without its place on the server."""
    return {name: getattr(document, name) for name in Article.model_fields}
