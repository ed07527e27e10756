"""The shelf behind the Library tab: finding, sorting and paging."""

from __future__ import annotations

from typing import Any

import pytest

from rag import Engine, RagError, SourceInfo
from ui.library.shelf import PAGE, Shelf, View, fold, snippet


class Many:
    """A library of many articles that counts how many texts are read."""

    def __init__(self, count: int) -> None:
        self.infos = tuple(
            SourceInfo(f"id{n}", f"n{n}.txt", f"Title {n:05}", f"/n{n}", "2024-01-01T00:00:00", 1) for n in range(count)
        )
        self.read = 0

    def sources(self) -> tuple[SourceInfo, ...]:
        return self.infos

    def document(self, document_id: str) -> Any:
        self.read += 1
        raise RagError("gone")


class TestShelf:
    def test_a_page_of_many_articles_reads_only_what_it_shows(self) -> None:
        many = Many(10_000)
        shelf = Shelf(many)  # type: ignore[arg-type]
        page = shelf.page(View(sort="title", page=3))
        assert [row.info.title for row in page.rows] == [f"Title {n:05}" for n in range(3 * PAGE, 4 * PAGE)]
        assert (page.pages, page.found, page.total) == (400, 10_000, 10_000)
        assert many.read == PAGE

    @pytest.mark.parametrize(("asked", "given"), [(-3, 0), (10**9, 1)])
    def test_a_page_that_is_not_there_is_the_nearest(self, asked: int, given: int) -> None:
        page = Shelf(Many(PAGE + 1)).page(View(page=asked))  # type: ignore[arg-type]
        assert (page.number, len(page.rows)) == (given, PAGE if given == 0 else 1)

    @pytest.mark.parametrize(
        ("query", "titles"),
        [
            ("ferry", ["A ferry returns"]),
            ("FERRY monday", ["A ferry returns"]),  # one word in the title, one in the text
            ("bridge.txt", ["The bridge reopens"]),  # the source
            ("lopez", ["The bridge reopens"]),  # without its accent
            ("reopens ferry", []),
            ("  ", ["A ferry returns", "The bridge reopens"]),
        ],
    )
    def test_search_wants_every_word_somewhere(self, shelf: Shelf, query: str, titles: list[str]) -> None:
        assert sorted(row.info.title for row in shelf.page(View(query)).rows) == sorted(titles)

    def test_search_is_repeated_only_after_a_change(self, engine: Engine, shelf: Shelf) -> None:
        first = shelf.find("harborough")
        assert shelf.find("HARBOROUGH") is first
        engine.add("new.txt", "News\n\nNothing happened in Harborough today, the mayor said.")
        shelf.changed()
        assert {entry.source for entry in shelf.find("harborough")} == {"sub/bridge.txt", "new.txt"}

    def test_orders(self, engine: Engine, shelf: Shelf) -> None:
        def order(sort: str) -> list[str]:
            return [row.info.source for row in shelf.page(View(sort=sort)).rows]

        assert order("title") == ["ferry.txt", "sub/bridge.txt"]
        assert order("source") == ["ferry.txt", "sub/bridge.txt"]
        engine.add("long.txt", "Zebras\n\n" + " ".join(f"Sentence number {n} is here today." for n in range(20)))
        shelf.changed()
        assert order("longest")[0] == "long.txt"
        assert order("title")[-1] == "long.txt"

    def test_snippet_shows_the_text_and_not_the_title_again(self, shelf: Shelf) -> None:
        (row,) = shelf.page(View("lopez")).rows
        assert row.snippet and row.snippet[1] == "López"
        (row,) = shelf.page(View("ferry")).rows
        assert row.snippet is None

    def test_an_article_removed_meanwhile_does_no_harm(self, engine: Engine, shelf: Shelf) -> None:
        entries = shelf.entries()
        engine.remove("ferry.txt")
        page = shelf.page(View("monday"))  # the list is still the old one
        assert page.rows == () and len(shelf.entries()) == len(entries)
        shelf.changed()
        assert [entry.source for entry in shelf.entries()] == ["sub/bridge.txt"]


def test_snippet_survives_letters_that_change_their_length() -> None:
    text = "ﬁne İstanbul " * 20 + "Straße der ﬁnest Öl" + " x" * 200
    found = snippet(text, [fold("finest")])
    assert found and found[1] == "ﬁnest" and found[0].startswith("…") and found[2].endswith("…")
    assert snippet(text, ["nowhere"]) is None
