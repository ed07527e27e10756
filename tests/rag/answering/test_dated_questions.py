"""Forty questions about when, now, then, who reported and who wrote, over articles of `tests/data/dated`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import Engine, Filters, Settings

DATA = Path(__file__).resolve().parents[2] / "data"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Iterator[Engine]:
    store = tmp_path_factory.mktemp("dated") / "store"
    with Engine(Settings(store=store, models=models_folder, llm="extractive")) as engine:
        engine.ingest(DATA / "dated")
        yield engine


@pytest.mark.parametrize(
    ("question", "part"),
    [
        # the latest state, and that of a time
        ("What is the latest cost of the Ostry dam?", "355 million krona"),
        ("How much of the wall of the dam has been built now?", "About 70 percent"),
        ("What did the dam cost in April 2025?", "310 million krona"),
        ("When will the lake be full?", "in 2029 (21 Oct 2025) [1]; earlier: "),
        ("How much more pay did the union want before the strike ended?", "8 percent"),
        ("How much more pay did the union accept?", "5.5 percent"),
        ("Who is the mayor of Brennick now?", "Jarek Toll"),
        ("Who was mayor of Brennick before Jarek Toll?", "Helga Munro"),
        ("How many sheep were lost in 2024?", "73 sheep"),
        # what a relative date means
        ("When did the crane fall into the river?", "last Friday (17 Oct 2025)"),
        ("When did the water board say that the dam will cost 355 million krona?", "yesterday (20 Oct 2025)"),
        ("When did the fire destroy the paper mill in Tolk?", "last Saturday (16 Nov 2024)"),
        ("When does Bram Oduya want to rebuild the mill?", "next year (2025)"),
        ("When will the investigators publish their findings?", "tomorrow (20 Nov 2024)"),
        ("When did the ministry in Bamako order the doses?", "Two weeks ago (30 Dec 2024 to 5 Jan 2025)"),
        ("When did the ground staff go on strike?", "on Saturday (10 Jun 2023)"),
        ("When did the ground staff return to work?", "on Friday (16 Jun 2023)"),
        ("When was Jarek Toll sworn in?", "on Wednesday (7 May 2025)"),
        ("When did Munro open the library?", "on Tuesday (13 Sep 2022)"),
        ("When did wolves return to the Sarn valley?", "after 90 years"),
        # a name that only the title has
        ("How long did Ilka Brandt need to reach the French coast?", "14 hours and 22 minutes"),
        ("Where did Ilka Brandt train?", "harbour of Tolk"),
        ("What does Brandt want to cross next?", "strait of Messina"),
        # about the articles
        ("Who wrote the article about wolves returning to the Sarn valley?", "Oskar Pell [1]"),
        ("Which newspaper reported on the farmers of the Sarn valley?", "City Post"),
        ("Which papers reported on the storm?", "Harbour News, Southern Courier [1]"),
        ("Who wrote about the storm in the Southern Courier?", "Rita Onyango [1]"),
        ("When was the article about the malaria vaccine published?", "15 Jan 2025 [1]"),
        ("How many articles are there about the Sarn valley?", "2 articles: "),
        ("What did Health Weekly report?", "malaria vaccine protected 77 percent of"),
        ("What did the Ostry Gazette report on the dam?", "310 million krona"),
        ("What is the newest article?", "“Work on Ostry dam speeds up” (Daily Plain, 21 Oct 2025) [1]"),
        ("Which article is the oldest?", "“Mayor Munro opens library” (Brennick Mail, 14 Sep 2022) [1]"),
        ("What articles did Ivo Santos write?", "“Jarek Toll sworn in as mayor of Brennick” (Brennick Mail, 9 May"),
        ("Who wrote the article about the volcano?", "The articles do not say."),
        ("What happened in 2019?", "The articles do not say."),
    ],
)  # fmt: skip
def test_answers(library: Engine, question: str, part: str) -> None:
    assert part in library.answer(question).text


@pytest.mark.parametrize(
    ("question", "starts"),
    [
        ("How has the cost of the Ostry dam changed?", ["3 Apr 2025: The new dam", "21 Oct 2025: The new dam"]),
        ("Timeline of the airport strike", ["12 Jun 2023: Ground staff", "17 Jun 2023: Ground staff"]),
        ("What happened in June 2023?", ["12 Jun 2023: Ground staff", "17 Jun 2023: Ground staff"]),
    ],
)
def test_lists_by_date(library: Engine, question: str, starts: list[str]) -> None:
    lines = library.answer(question).text.splitlines()
    assert len(lines) == len(starts)
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))


@pytest.mark.parametrize(
    "filters",
    [
        Filters(sources=("Southern Courier",)),
        Filters(since="2025-02-02", until="2025-02-03"),
        Filters(authors=("Onyango",)),
    ],
)
def test_a_copy_is_found_by_its_own_details(library: Engine, filters: Filters) -> None:
    answer = library.answer("How many households were without power?", filters)
    assert "640 households" in answer.text
    assert answer.citations[0].publisher == "Southern Courier"


@pytest.mark.parametrize(
    ("case", "dates"),
    [
        (
            "asked-05",
            [
                "2016-06-29T15:07:41",
                "2016-05-24T14:17:57+02:00",
                "2016-06-29T10:00:00",
                "2016-06-15T11:41:36+02:00",
                "2016-06",
                "2016-06-29T23:30:00-07:00",
            ],
        ),
        ("asked-17", [None, "2024-08-01T23:30:00-07:00", None]),
    ],
)
def test_no_day_is_made_up(tmp_path: Path, models_folder: Path, case: str, dates: list[str | None]) -> None:
    with Engine(Settings(store=tmp_path / "store", models=models_folder, llm="extractive")) as engine:
        engine.ingest(DATA / "cases" / case)
        assert [entry.date or None for entry in sorted(engine.sources(), key=lambda e: e.source)] == dates


@pytest.mark.parametrize(
    ("case", "question", "filters", "part"),
    [
        ("asked-11", "When did the sluice gate at Wendle fail?", None, "yesterday (11 Jul 2024)"),
        ("asked-19", "How many people went home?", Filters(sources=("coast*",)), "800"),
        ("asked-19", "How many people went home?", Filters(since="2024-02-02"), "800"),
        ("asked-19", "How many people went home?", Filters(authors=("Lind",)), "800"),
    ],
)
def test_cases(
    tmp_path: Path, models_folder: Path, case: str, question: str, filters: Filters | None, part: str
) -> None:
    with Engine(Settings(store=tmp_path / "store", models=models_folder, llm="extractive")) as engine:
        engine.ingest(DATA / "cases" / case)
        assert part in engine.answer(question, filters).text
