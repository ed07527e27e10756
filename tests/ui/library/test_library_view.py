"""The Library tab: what is drawn, and what its handlers do."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fakes import SEEDS, FakeEmbedding, make_engine
from parsed import Parsed

from rag import Engine, RagError
from ui.library import view as show
from ui.library.intake import Intake, Result, Undo
from ui.library.shelf import Shelf, View
from ui.library.tab import library_tab

HOSTILE = "<img src=x onerror=alert(1)> **b** [x](javascript:alert(2)) ${alert(3)} {{value}}"


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
        assert 'value="1" max="3"' in html and "Reading file 2 of 3" in html
        assert "max" not in show.results(Intake(1), "Fetching https://example.org")

    def test_what_is_still_to_come_has_a_state(self) -> None:
        intake = Intake(3, [Result("a.txt", "added")], ["<b>.txt", "c.txt"])
        html = Parsed(show.results(intake, "Reading file"))
        assert html.find("dl-coming") == ["Reading <b>.txt", "Waiting c.txt"]
        assert Parsed(show.results(intake, "1 upload before yours", waits=True)).find("dl-state")[1:] == ["Waiting"] * 2
        assert "c.txt" not in show.results(Intake(1, [Result("a.txt", "added")]))

    def test_summary_counts_what_became_of_the_files(self) -> None:
        results = [Result("a", "added"), Result("b", "added"), Result("c", "failed", reason="c is empty; fill it")]
        html = show.results(Intake(3, results))
        assert "2 added, 1 refused" in html
        assert ">is empty; fill it<" in html  # the name stands before it already

    def test_empty_library_says_how_to_fill_it(self, tmp_path: Path) -> None:
        with make_engine(tmp_path, documents={}) as engine:
            html = show.listing(Shelf(engine).page(View()), View(), ())
        assert "The library is empty" in html and "rag ingest FOLDER" in html

    def test_many_chosen_articles_are_counted(self) -> None:
        html = show.asked_only([f"T{n}" for n in range(6)])
        assert "6 articles: “T0”, “T1”, “T2” and 3 more" in html


def test_the_shipped_articles_are_listed(tmp_path: Path) -> None:
    with make_engine(tmp_path, embedding=FakeEmbedding()) as engine:
        html = show.listing(Shelf(engine).page(View(sort="source")), View(sort="source"), ())
    assert html.count('class="dl-entry"') == len(list(SEEDS.glob("*.txt")))
    assert html.index("000_b95b") < html.index("004_d766")
