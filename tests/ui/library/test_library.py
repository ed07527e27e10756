"""The library behind its tab, without a browser: finding, sorting, paging, adding, removing, and what is drawn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fakes import SEEDS, FakeEmbedding, make_engine

from rag import Engine, IngestReport, RagError, SourceInfo
from ui.library import view as show
from ui.library.intake import MOST_BYTES, MOST_FILES, Intake, Result, Undo, add_files, add_url, put_back, remove
from ui.library.shelf import PAGE, Shelf, View, fold, published, snippet
from ui.library.tab import library_tab
from ui.server.uploads import Own, Uploads

FERRY = "A ferry returns\n\nThe ferry Maria came back into service on Monday after nine weeks of repairs in Eidsund.\n"
BRIDGE = "The bridge reopens\n\nPublished: 2024-03-05\n\nThe swing bridge of Harborough opens again, López said.\n"
HOSTILE = "<img src=x onerror=alert(1)> **b** [x](javascript:alert(2)) ${alert(3)} {{value}}"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents={"ferry.txt": FERRY, "sub/bridge.txt": BRIDGE}) as engine:
        yield engine


@pytest.fixture
def shelf(engine: Engine) -> Shelf:
    return Shelf(engine)


def upload(folder: Path, name: str, content: str | bytes) -> str:
    """Write a file as Gradio leaves an upload: in a folder of its own."""
    path = folder / f"upload-{len(list(folder.iterdir()))}" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def finished(steps: Iterator[Intake]) -> Intake:
    *_, last = steps
    return last


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


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Headline\n\nPublished: 2024-03-05\n\nText.", "2024-03-05"),
        ("Headline\nMarch 5, 2024\nText.", "2024-03-05"),
        ("Headline\nUpdated on Tuesday, 5 March 2024\nText.", "2024-03-05"),
        ("5.3.2024\nText.", "2024-03-05"),
        ("Headline\nOn March 5, 2024 the bridge reopened.", ""),  # a date of the story, not of the article
        ("Headline\n2024-13-45\nText.", ""),
        ("\n" * 20 + "2024-03-05", ""),
        ("", ""),
    ],
)
def test_date_of_an_article(text: str, date: str) -> None:
    assert published(text) == date


def test_snippet_survives_letters_that_change_their_length() -> None:
    text = "ﬁne İstanbul " * 20 + "Straße der ﬁnest Öl" + " x" * 200
    found = snippet(text, [fold("finest")])
    assert found and found[1] == "ﬁnest" and found[0].startswith("…") and found[2].endswith("…")
    assert snippet(text, ["nowhere"]) is None


def adding(engine: Engine, shelf: Shelf, files: list[str]) -> Iterator[Intake]:
    """Add files that this reader uploaded."""
    folder = Path(os.path.commonpath([Path(file).parent.parent for file in files]))
    own = Own(Uploads(folder), "reader")
    own.uploads.note("reader", files)
    return add_files(engine, shelf, files, own)


class TestAdding:
    def test_every_file_has_a_result_and_is_deleted(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        files = [
            upload(tmp_path, "new.txt", "Headline\n\nThe council of Harborough met on Friday."),
            upload(tmp_path, "copy.txt", FERRY),
            upload(tmp_path, "photo.jpg", b"\xff\xd8\xff\x00"),
            upload(tmp_path, "empty.txt", ""),
            upload(tmp_path, "big.txt", b"a" * (MOST_BYTES + 1)),
            str(tmp_path / "gone" / "gone.txt"),
        ]
        steps = [len(intake.results) for intake in adding(engine, shelf, files)]
        assert steps == [0, 1, 2, 3, 4, 5, 6]
        assert not any(Path(file).exists() or Path(file).parent.exists() for file in files)

    def test_a_file_of_several_articles_is_one_result(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        rows = "title,text\nOne,The harbour froze in May.\nTwo,\nThree,The harbour thawed in June.\n"
        (tmp_path / "wire.csv").write_text(rows)
        *_, intake = adding(engine, shelf, [str(tmp_path / "wire.csv")])
        (result,) = intake.results
        assert (result.name, result.state, result.articles) == ("wire.csv", "added", 2)
        shown = show.results(intake)
        assert "2 articles" in shown and escape(result.reason.removeprefix("wire.csv ")) in shown and result.reason

    def test_results_in_words(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        def add(name: str, content: str | bytes) -> Result:
            (result,) = finished(adding(engine, shelf, [upload(tmp_path, name, content)])).results
            return result

        first = add("new.txt", "Headline one\n\nThe council of Harborough met on Friday.")
        assert (first.state, first.title, first.passages, first.reason) == ("added", "Headline one", 1, "")
        assert engine.document(first.id).source == "new.txt"
        assert add("new.txt", "Headline one\n\nThe council of Harborough met on Friday.").state == "unchanged"
        assert add("new.txt", "Headline two\n\nThe council did not meet.").state == "replaced"
        assert "is a picture" in add("photo.jpg", b"\xff\xd8\xff\x00").reason
        assert "is empty" in add("empty.txt", "").reason
        assert "larger than 10 MB" in add("big.txt", b"a" * (MOST_BYTES + 1)).reason

    def test_replacing_can_be_undone(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        old = "Old\n\nThe council of Harborough met on Friday."
        finished(adding(engine, shelf, [upload(tmp_path, "new.txt", old)]))
        intake = finished(adding(engine, shelf, [upload(tmp_path, "new.txt", "New\n\nIt did not meet at all.")]))
        assert [d.text for d in intake.undo.documents] == [old]
        assert put_back(engine, shelf, intake.undo) == []
        assert {entry.title for entry in shelf.entries()} == {"Old", "A ferry returns", "The bridge reopens"}

    def test_too_many_files_at_once(
        self, engine: Engine, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("ui.library.intake.MOST_FILES", 1)
        files = [upload(tmp_path, f"{n}.txt", f"Article {n}\n\nThe council met {n} times.") for n in range(3)]
        results = finished(adding(engine, shelf, files)).results
        assert [r.state for r in results] == ["added", "failed", "failed"]
        assert MOST_FILES > 100 and "add the rest next" in results[1].reason

    def test_what_is_left_is_deleted_when_the_reader_goes(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        files = [upload(tmp_path, f"{n}.txt", f"Article {n}\n\nThe council met {n} times.") for n in range(3)]
        steps = adding(engine, shelf, files)
        next(steps), next(steps)
        steps.close()
        assert not any(Path(file).exists() for file in files)
        assert len(shelf.entries()) == 3

    def test_a_fault_costs_one_file_only(self, engine: Engine, shelf: Shelf, tmp_path: Path, monkeypatch: Any) -> None:
        add = engine.add

        def faulty(source: str, content: bytes, path: str = "", **_: object) -> IngestReport:
            if source == "1.txt":
                raise ZeroDivisionError
            if source == "2.txt":
                raise RagError("the disk is full; free some")
            return add(source, content, path)

        monkeypatch.setattr(engine, "add", faulty)
        files = [upload(tmp_path, f"{n}.txt", f"Article {n}\n\nThe council met {n} times.") for n in range(4)]
        results = finished(adding(engine, shelf, files)).results
        assert [r.state for r in results] == ["added", "failed", "failed", "added"]
        assert "its log says what" in results[1].reason and results[2].reason == "the disk is full; free some"

    def test_web_page(self, engine: Engine, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        def fetched(url: str, allow_private: bool = False) -> IngestReport:
            if "bad" in url:
                return IngestReport(failed=((url, "https://bad does not exist (404); check the address"),))
            return engine.add(
                f"{url}/final", "From the web\n\nThe ferry is late again, says the mayor.", f"{url}/final"
            )

        monkeypatch.setattr(engine, "add_url", fetched, raising=False)
        (result,) = finished(add_url(engine, shelf, "https://example.org")).results
        assert (result.state, result.name, result.title) == ("added", "https://example.org/final", "From the web")
        (result,) = finished(add_url(engine, shelf, "https://bad")).results
        assert (result.state, result.reason) == ("failed", "https://bad does not exist (404); check the address")


class TestRemoving:
    def test_undo_puts_back_text_and_source(self, engine: Engine, shelf: Shelf) -> None:
        (entry,) = (e for e in shelf.entries() if e.source == "sub/bridge.txt")
        undo = remove(engine, shelf, [entry.id, entry.id, "nonsense"])
        assert [d.source for d in undo.documents] == ["sub/bridge.txt"]
        assert [e.source for e in shelf.entries()] == ["ferry.txt"]
        assert engine.answer("Where does the swing bridge open again?").abstained
        assert put_back(engine, shelf, undo) == []
        back = next(e for e in shelf.entries() if e.id == entry.id)
        assert (back.source, back.path, back.title) == (entry.source, entry.path, entry.title)
        assert engine.document(entry.id).text == BRIDGE
        assert "Harborough" in engine.answer("Where does the swing bridge open again?").text

    def test_undo_leaves_alone_what_came_instead(self, engine: Engine, shelf: Shelf, tmp_path: Path) -> None:
        """Another reader uploaded a new file of the same name meanwhile: both articles are in the library then."""
        finished(adding(engine, shelf, [upload(tmp_path, "notes.txt", "Mine\n\nThe council met on Friday.")]))
        mine = next(e for e in shelf.entries() if e.source == "notes.txt")
        undo = remove(engine, shelf, [mine.id])
        finished(adding(engine, shelf, [upload(tmp_path, "notes.txt", "Theirs\n\nThe council met on Monday.")]))
        assert put_back(engine, shelf, undo) == []
        assert sorted(e.title for e in shelf.entries() if e.source == "notes.txt") == ["Mine", "Theirs"]

    def test_undo_twice_is_undo_once(self, engine: Engine, shelf: Shelf) -> None:
        undo = remove(engine, shelf, [shelf.entries()[0].id])
        put_back(engine, shelf, undo)
        assert put_back(engine, shelf, undo) == []
        assert len(shelf.entries()) == 2

    def test_undo_brings_back_what_was_known_about_an_article(self, engine: Engine, shelf: Shelf) -> None:
        page = b"---\ntitle: Kelp\ndate: 2024-07-12\nauthor: Odile Brandt\n---\nThe kelp of Tessin grew tall this year."
        assert engine.add("kelp.md", page, "upload:kelp.md").added == ("kelp.md",)
        shelf.changed()
        before = next(entry for entry in shelf.entries() if entry.source == "kelp.md")
        assert (before.date, before.author) == ("2024-07-12", "Odile Brandt")
        undo = remove(engine, shelf, [before.id])
        assert put_back(engine, shelf, undo) == []
        after = next(entry for entry in shelf.entries() if entry.source == "kelp.md")
        assert (after.id, after.date, after.author, after.path) == (before.id, before.date, before.author, before.path)

    def test_undo_that_fails_says_so(self, engine: Engine, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        undo = remove(engine, shelf, [shelf.entries()[0].id])

        def full(*_: Any) -> IngestReport:
            raise RagError("the disk is full; free some")

        monkeypatch.setattr(engine, "restore", full)
        (failed,) = put_back(engine, shelf, undo)
        said = show.put_back(undo, [failed])
        assert "could not be put back: the disk is full; free some" in said


class TestHandlers:
    """The tab's handlers, called as Gradio calls them."""

    @pytest.fixture
    def act(self, engine: Engine) -> Any:
        with gr.Blocks() as page:
            library_tab(engine)
        (found,) = [f.fn for f in page.fns.values() if f.name == "on_act"]
        assert found

        def act(view: View | None = None, chosen: tuple[str, ...] = (), undo: Undo | None = None, **data: Any) -> Any:
            return found(view or View(), chosen, undo or Undo(), 0, gr.EventData(None, data))

        return act

    def test_search_begins_at_the_first_page(self, act: Any) -> None:
        view, _, html, chosen, changes = act(View(page=3), do="search", search="ferry")
        assert view == View("ferry") and "A ferry returns" in html and "The bridge" not in html
        assert chosen == changes == gr.skip()

    def test_choosing_and_asking_all_again(self, act: Any, engine: Engine) -> None:
        ids = [entry.id for entry in engine.sources()]
        *_, html, chosen, _ = act(do="only", ids=[ids[0], "nonsense"])
        assert chosen == (ids[0],) and "The chat looks only in" in html
        *_, html, chosen, _ = act(chosen=(ids[0],), do="all")
        assert chosen == () and "looks in all articles again" in html

    def test_removing_what_is_asked_goes_back_to_all_and_says_so(self, act: Any, engine: Engine) -> None:
        gone, _ = (entry.id for entry in engine.sources())
        _, undo, html, chosen, changes = act(chosen=(gone,), do="remove", id=gone)
        assert chosen == () and changes == 1 and "looks in all articles again" in html and "Undo" in html
        _, undo, html, *_ = act(undo=undo, do="undo")
        assert undo == Undo() and "Put back" in html and len(engine.sources()) == 2

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"do": "nonsense"},
            {"do": "sort", "value": "nonsense"},
            {"do": "page", "page": "nonsense"},
            {"do": "remove"},
            {"do": "remove", "ids": "nonsense"},
            {"do": "only", "ids": [["x"], None]},
            {"do": "search", "search": {"a": 1}},
        ],
    )
    def test_what_no_page_of_ours_sends_breaks_nothing(self, act: Any, engine: Engine, data: dict[str, Any]) -> None:
        html = act(**data)[2]
        assert "dl-told" in html and len(engine.sources()) == 2

    def test_a_store_that_fails_is_a_line(self, act: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken() -> None:
            raise RagError("documents.db cannot be used: disk I/O error; check the disk")

        gone = engine.sources()[0].id
        monkeypatch.setattr(engine, "sources", broken)
        assert "disk I/O error; check the disk" in act(do="remove", id=gone)[2]


class TestView:
    def test_hostile_titles_names_and_reasons_are_text(self, tmp_path: Path) -> None:
        with make_engine(tmp_path, documents={}) as engine:
            engine.add(HOSTILE, f"{HOSTILE}\n\n{HOSTILE} needle {'W' * 10_000}")
            shelf = Shelf(engine)
            (entry,) = shelf.entries()
            undo = Undo("Removed", (engine.document(entry.id),), ("",))
            html = "".join(
                (
                    show.listing(shelf.page(View("needle")), View("needle"), ()),
                    show.listing(shelf.page(View(HOSTILE)), View(HOSTILE), ()),
                    show.listing(shelf.page(View("<b>none")), View("<b>none"), ()),
                    show.asked_only([entry.title]),
                    show.taken_out(undo),
                    show.put_back(undo, [Result(HOSTILE, "failed", HOSTILE, reason=HOSTILE)]),
                    show.results(Intake(1, [Result(HOSTILE, "failed", reason=HOSTILE)]), HOSTILE),
                    show.results(Intake(1, [Result(HOSTILE, "added", HOSTILE, 3, "id")])),
                )
            )
        assert "<img" not in html and "<b>none" not in html
        assert escape(HOSTILE) in html

    def test_progress_counts_files(self) -> None:
        html = show.results(Intake(3, [Result("a.txt", "added")]), "Reading file")
        assert 'value="1" max="3"' in html and "Reading file 1 of 3" in html
        assert "max" not in show.results(Intake(1), "Fetching https://example.org")

    def test_summary_counts_what_became_of_the_files(self) -> None:
        results = [Result("a", "added"), Result("b", "added"), Result("c", "failed", reason="c is empty; fill it")]
        html = show.results(Intake(3, results))
        assert "2 added, 1 failed" in html
        assert ">is empty; fill it<" in html  # the name stands before it already

    def test_empty_library_says_how_to_fill_it(self, tmp_path: Path) -> None:
        with make_engine(tmp_path, documents={}) as engine:
            html = show.listing(Shelf(engine).page(View()), View(), ())
        assert "The library is empty" in html and "rag ingest FOLDER" in html

    def test_many_chosen_articles_are_counted(self) -> None:
        html = show.asked_only([f"T{n}" for n in range(6)])
        assert "6 articles: “T0”, “T1”, “T2” and 3 more" in html

    def test_days(self) -> None:
        assert [show.day(d) for d in ("2024-03-05T10:00:00+00:00", "2024-12-31", "", "soon")] == [
            "5 Mar 2024",
            "31 Dec 2024",
            "",
            "soon",
        ]


def test_the_shipped_articles_are_listed(tmp_path: Path) -> None:
    with make_engine(tmp_path, embedding=FakeEmbedding()) as engine:
        html = show.listing(Shelf(engine).page(View(sort="source")), View(sort="source"), ())
    assert html.count('class="dl-entry"') == len(list(SEEDS.glob("*.txt")))
    assert html.index("000_b95b") < html.index("004_d766")
