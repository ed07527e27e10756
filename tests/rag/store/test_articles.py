"""The articles of a store as a catalogue."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes import FakeEmbedding

from rag import Engine, Filters, Settings
from rag.store.articles import Articles
from rag.store.index import Index

TEXT = "The Kettle dam held through the night. It rained."


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Articles]:
    folder = tmp_path_factory.mktemp("articles")
    details = {"a": ("2024-02-01", "Valley Times"), "b": ("2024-02-02", "Coast Courier")}
    for name, (date, publisher) in details.items():
        (folder / f"{name}.md").write_text(f"---\ntitle: Dam {name}\ndate: {date}\nsource: {publisher}\n---\n{TEXT}")
    (folder / "c.md").write_text("---\ntitle: Snow\ndate: 2024-03-01\n---\nThe pass was closed. It snowed.")
    (folder / "d.txt").write_text("The lamp of the harbour is red. It shines.")
    settings = Settings(store=folder / "store", llm="extractive")
    with Engine(settings, embedding=FakeEmbedding()) as engine:
        engine.ingest(folder)
        index = Index.open(folder / "store", "fake-embedding")
        yield Articles(index)
        index.close()


def sources(articles: Articles, ids: list[str], filters: Filters | None = None) -> list[str]:
    return [opening.document.source for opening in articles.openings(ids, filters)]


def test_finds_the_newest_first_and_undated_ones_last(articles: Articles) -> None:
    assert sources(articles, articles.find()) == ["c.md", "a.md", "d.txt"]
    assert articles.newest() == "2024-03-01"
    assert list(articles.dates(articles.find()).values()) == ["2024-03-01", "2024-02-01"]


def test_finds_by_terms_of_title_and_text(articles: Articles) -> None:
    assert sources(articles, articles.find(None, ["snow"])) == ["c.md"]
    assert sources(articles, articles.find(None, ["dam", "night"])) == ["a.md"]
    assert articles.find(None, ["dam", "snow"]) == []


def test_a_filter_chooses_the_copy(articles: Articles) -> None:
    filters = Filters(sources=("coast*",))
    (opening,) = articles.openings(articles.find(filters), filters)
    assert (opening.document.source, opening.document.date) == ("b.md", "2024-02-02")
    assert [copy.source for copy in opening.copies] == ["a.md"]
    assert opening.text == "The Kettle dam held through the night."


def test_names_of_publishers(articles: Articles) -> None:
    assert articles.publishers() == ["Coast Courier", "Valley Times"]
    assert articles.authors() == []
