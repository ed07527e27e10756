"""Filters: each condition exactly, together all of them, and the same answer whether few passages match or many."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from fakes import FakeEmbedding
from hypothesis import strategies as st
from stores import MODEL, found, known, make_entry, write

from rag import Filters, UsageError
from rag.language.words import terms
from rag.store.filters import day, matching
from rag.store.index import Index
from rag.types import Candidate

ARTICLES = {
    "reuters/cod.txt": {"date": "2024-07-12", "author": "Ada Díaz", "publisher": "Reuters", "language": "en"},
    "afp/herring.txt": {"date": "2024-07-12T23:30:00+02:00", "author": "Bo Li and Ada Díaz", "language": "en"},
    "afp/trout.txt": {"date": "2024-08-01", "author": "Bo Li", "publisher": "L'Équipe", "language": "fr"},
    "Notes[1].txt": {},
    "old/eel.txt": {"date": "2023", "publisher": "REUTERS Monthly", "language": "en"},
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    index = Index.open(tmp_path / "store", MODEL)
    for source, details in ARTICLES.items():
        write(index, make_entry(f"The fish of {source} left the bay. It was the {len(source)}th.", source, **details))
    yield index
    index.close()


def matched(index: Index, filters: Filters) -> set[str]:
    """The sources that a filter leaves, looked up, and found by a question in both ways."""
    with index.documents.snapshot() as view:
        numbers = matching(view, filters).documents
        names = {source for number, source in view.rows("SELECT number, source FROM documents") if number in numbers}
    vector = FakeEmbedding().embed_question("the fish left the bay")
    exactly = {c.source for c in index.search(vector, terms("fish left bay"), 10, filters)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rag.store.filters.FEW", 0)
        index._passages._matching.clear()
        by_dropping = {c.source for c in index.search(vector, terms("fish left bay"), 1, filters)}
        all_of_them = {c.source for c in index.search(vector, terms("fish left bay"), 10, filters)}
    assert exactly == all_of_them == names
    assert by_dropping <= names and bool(by_dropping) == bool(names)
    return names


def expect(index: Index, filters: Filters, *sources: str) -> None:
    assert matched(index, filters) == set(sources)


def test_days(index: Index) -> None:
    july, eve = "reuters/cod.txt", "afp/herring.txt"
    expect(index, Filters(since="2024-07-12", until="2024-07-12"), july, eve)  # both included, whatever the hour
    expect(index, Filters(since="2024-07-13"), "afp/trout.txt")
    expect(index, Filters(until="2024-07-11"), "old/eel.txt")
    expect(index, Filters(until="2024-07"), july, eve, "old/eel.txt")
    expect(index, Filters(since="2024-08"), "afp/trout.txt")
    expect(index, Filters(until="2024"), july, eve, "afp/trout.txt", "old/eel.txt")
    expect(index, Filters(since="2023"), july, eve, "afp/trout.txt", "old/eel.txt")
    expect(index, Filters(until="2024-12-31"), july, eve, "afp/trout.txt", "old/eel.txt")
    expect(index, Filters(until="2023-12-31"))  # "2023" does not say which day
    expect(index, Filters(until="2023-12"))
    expect(index, Filters(until="2023"), "old/eel.txt")


def test_months(index: Index) -> None:
    write(index, make_entry("The fish of May left the bay.", "may.txt", date="2022-05"))
    expect(index, Filters(since="2022-05", until="2022-05"), "may.txt")
    expect(index, Filters(since="2022-04-30", until="2022-06-01"), "may.txt")
    expect(index, Filters(since="2022-05-02", until="2022"))  # it may be of the first of May
    expect(index, Filters(until="2022-05-30"))  # or of the last
    expect(index, Filters(until="2022"), "may.txt")


def test_sources_and_publishers(index: Index) -> None:
    expect(index, Filters(sources=("afp/*",)), "afp/herring.txt", "afp/trout.txt")
    expect(index, Filters(sources=("REUTERS*",)), "reuters/cod.txt", "old/eel.txt")
    expect(index, Filters(sources=("reuters",)), "reuters/cod.txt")  # its publisher
    expect(index, Filters(sources=("l'équipe", "*cod.txt")), "afp/trout.txt", "reuters/cod.txt")
    expect(index, Filters(sources=("L'É?UIPE",)), "afp/trout.txt")
    expect(index, Filters(sources=("notes[[]1].txt",)), "Notes[1].txt")
    expect(index, Filters(sources=("[!ro]*",)), "afp/herring.txt", "afp/trout.txt", "Notes[1].txt")
    expect(index, Filters(sources=("notes[1].txt", "")), "Notes[1].txt")  # its own name, though "[1]" is a pattern


def test_authors_and_languages(index: Index) -> None:
    expect(index, Filters(authors=("DÍAZ",)), "reuters/cod.txt", "afp/herring.txt")
    expect(index, Filters(authors=("bo li", "nobody")), "afp/herring.txt", "afp/trout.txt")
    expect(index, Filters(authors=("bo", "ada"), languages=("FR",)), "afp/trout.txt")
    expect(index, Filters(languages=("en", "fr"), since="2024-07-13"), "afp/trout.txt")
    expect(index, Filters(languages=("de",)))


def test_documents(index: Index) -> None:
    ids = {entry.source: entry.id for entry in index.sources()}
    expect(index, Filters(documents=(ids["afp/trout.txt"], "no-such-id")), "afp/trout.txt")
    expect(index, Filters(documents=("no-such-id",)))
    expect(index, Filters(documents=(ids["afp/trout.txt"],), languages=("en",)))


@pytest.mark.parametrize("name", ["Grüner Baum.txt", "Gru\u0308ner Baum.txt", "gru\u0308ner*", "GRÜNER ?aum.txt"])
@pytest.mark.parametrize("stored", ["Grüner Baum.txt", "Gru\u0308ner Baum.txt", "Grü\u00adner Baum.txt"])
def test_names_of_other_characters(index: Index, stored: str, name: str) -> None:
    write(
        index, make_entry("The tree left the bay.", stored, author="Jo\u0308rg\u200b Kern", publisher="L'E\u0301quipe")
    )
    expect(index, Filters(sources=(name,)), stored)
    expect(index, Filters(sources=(stored,)), stored)
    expect(index, Filters(authors=("Jörg kern",)), stored)
    expect(index, Filters(sources=("L'Équipe",)), stored, "afp/trout.txt")


@pytest.mark.parametrize(
    "name",
    [
        "a;b,c=d.txt",
        "O'Brien's \"quote\".txt",
        "tab\tname.txt",
        "new\nline.txt",
        "-dash.txt",
        "emoji \U0001f3c6 file.txt",
        "$HOME `id`.txt",
        "trailing space .txt",
        "con.txt",
        "M\u00fcller & S\u00f6hne \u2013 Bericht #1 (final) [v2].txt",
        "percent%20encoded.txt",
        "100% sure?.txt",
        "\u6587\u4ef6 \u62a5\u544a.txt",
        "<b>bold<_b>.txt",
        "[a-c].txt",
        "[!x].txt",
        "*.txt",
    ],
)
def test_a_name_is_found_by_itself(index: Index, name: str) -> None:
    write(index, make_entry("The eel left the bay.", name))
    assert name in matched(index, Filters(sources=(name,)))


def test_a_filter_without_conditions_is_none(index: Index) -> None:
    assert found(index, "fish", filters=Filters()) == found(index, "fish")


def test_any_place_of_a_document_counts(index: Index) -> None:
    cod = make_entry("The fish of reuters/cod.txt left the bay. It was the 15th.", "reuters/cod.txt")
    write(index, known(cod, "mirror/1.txt"))
    mirror = Filters(sources=("mirror/*",))
    vector = FakeEmbedding().embed_question("the fish left the bay")
    assert [c.source for c in index.search(vector, terms("fish bay"), 10, mirror)] == ["mirror/1.txt"]
    index.drop(["/articles/mirror/1.txt"])
    expect(index, mirror)


def test_each_copy_of_a_text_is_met_by_its_own_details(index: Index) -> None:
    first = make_entry(
        "The fish went home.", "valley.txt", publisher="Valley Times", author="Ann Roe", date="2022-02-01"
    )
    copy = known(first, "coast.txt")
    details = {
        "title": "Home",
        "publisher": "Coast Courier",
        "author": "Bo Lind",
        "date": "2022-02-02",
        "url": "http://c.test",
    }
    copy = dataclasses.replace(copy, document=dataclasses.replace(copy.document, **details))
    write(index, first, copy)
    for filters, source in [
        (Filters(sources=("coast*",)), "coast.txt"),
        (Filters(authors=("lind",)), "coast.txt"),
        (Filters(since="2022-02-02", until="2022"), "coast.txt"),
        (Filters(until="2022-02-01"), "valley.txt"),
        (Filters(sources=("valley times",)), "valley.txt"),
        (Filters(documents=(first.document.id,)), "valley.txt"),
    ]:
        (candidate,) = search(index, filters)
        assert (candidate.source, candidate.document.source) == (source, source)
    assert search(index, Filters(authors=("roe",), since="2022-02-02")) == []  # no copy meets both
    (candidate,) = search(index, Filters(authors=("Lind",)))
    assert (candidate.title, candidate.document.publisher, candidate.document.url) == (
        "Home",
        "Coast Courier",
        "http://c.test",
    )
    assert candidate.copies == ()
    (candidate,) = search(index, Filters(documents=(first.document.id,)))
    assert [(c.source, c.publisher, c.date) for c in candidate.copies] == [("coast.txt", "Coast Courier", "2022-02-02")]
    index.drop(["/articles/valley.txt"])  # the other one takes its place, with its own details
    (candidate,) = search(index, Filters(documents=(first.document.id,)))
    assert (candidate.source, candidate.document.publisher) == ("coast.txt", "Coast Courier")
    assert list(index.problems()) == []


def test_a_copy_whose_details_change(index: Index) -> None:
    first = make_entry("The fish went home.", "valley.txt", author="Ann Roe")
    copy = known(first, "coast.txt")
    write(index, first, copy)
    version = index.version
    changed = dataclasses.replace(copy, document=dataclasses.replace(copy.document, author="Bo Lind"))
    changed = dataclasses.replace(changed, file=dataclasses.replace(changed.file, hash="other"))
    write(index, changed)
    assert index.version > version
    assert [c.source for c in search(index, Filters(authors=("Lind",)))] == ["coast.txt"]
    assert [c.source for c in search(index, Filters(authors=("Roe",)))] == ["valley.txt"]


def search(index: Index, filters: Filters) -> list[Candidate]:
    vector = FakeEmbedding().embed_question("the fish went home")
    return [c for c in index.search(vector, terms("fish home"), 10, filters) if "went home" in c.chunk.text]


def test_follows_the_library(index: Index) -> None:
    new = Filters(since="2025")
    expect(index, new)
    write(index, make_entry("The fish left the bay again.", "new.txt", date="2025-01-01"))
    expect(index, new, "new.txt")


@pytest.mark.parametrize("value", ["July", "2024-13", "2024-02-30", "12.07.2024", "20240712", "2024-07-12T10:00"])
@pytest.mark.parametrize("name", ["since", "until"])
def test_no_date(index: Index, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name) as caught:
        found(index, "fish", filters=Filters(**{name: value}))
    assert value in str(caught.value) and "\n" not in str(caught.value)


def test_dates_as_given() -> None:
    assert [day("since", value) for value in ("2024", " 2024-02 ", "2024-02-29", "")] == [
        "2024",
        "2024-02",
        "2024-02-29",
        "",
    ]


@hypothesis.given(st.text("ab[]!^-*?", max_size=7))
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], max_examples=300)
def test_patterns_mean_what_file_name_patterns_mean(index: Index, pattern: str) -> None:
    names = [source.casefold() for source in ARTICLES] + ["ab", "a", "b-", "[a]", "!", "^a", "]"]
    with index.documents.database.write() as connection:
        connection.execute("DELETE FROM places")
        number = connection.execute("SELECT MIN(number) FROM documents").fetchone()[0]
        rows = [(f"/{name}", "", "", name, number, name) for name in names]
        connection.executemany("INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, '', '', '', '', '', '')", rows)
        connection.execute("UPDATE documents SET publisher = '', folded = '/'")
    with index.documents.snapshot() as view:
        fits = bool(matching(view, Filters(sources=(pattern,))).documents)
    assert fits == any(fnmatch.fnmatchcase(name, pattern) or name == pattern for name in names)
