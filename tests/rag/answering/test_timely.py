"""Questions that choose by date, and values that changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dated_articles import ARTICLES, article
from doubles import WordJudge
from fakes import FakeLLM, make_engine

from rag import Engine, Settings

CASES = Path(__file__).resolve().parents[2] / "data" / "cases"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with make_engine(tmp_path_factory.mktemp("timely"), documents=ARTICLES) as engine:
        yield engine


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("How many cubic metres of water does the Lorn dam hold now?", "55 million"),
        ("How many cubic metres of water does the Lorn dam currently hold?", "55 million"),
        ("How many cubic metres of water did the Lorn dam hold in 2022?", "40 million"),
        ("How many cubic metres of water did the Lorn dam hold in April 2022?", "40 million"),
        ("How many cubic metres of water did the Lorn dam hold before 2023?", "40 million"),
        ("How many cubic metres of water has the Lorn dam held since August 2024?", "55 million"),
        ("Who is the current engineer of the dam?", "Rita Moe"),
        ("Who was the engineer of the dam in 2022?", "Piet Aas"),
        ("What did a loaf of bread cost in November 2023?", "3 crowns"),
        ("What does a loaf of bread cost at present?", "4 crowns"),
        ("What is the latest cost of a loaf of bread?", "4 crowns"),
    ],
)
def test_chooses_by_date(library: Engine, question: str, part: str) -> None:
    answer = library.answer(question)
    assert part in answer.text
    assert len(answer.citations) == 1
    assert answer.question == question


def test_chooses_by_an_event(library: Engine) -> None:
    after = library.answer("What did a loaf of bread cost after the fire?")
    assert after.text.startswith("A loaf of bread costs 4 crowns (20 Feb 2024)")
    before = library.answer("How many cubic metres of water did the Lorn dam hold before the fire?")
    assert "40 million" in before.text
    assert len(before.citations) == 1


def test_gives_the_newest_value_first(library: Engine) -> None:
    answer = library.answer("How many cubic metres of water does the Lorn dam hold?")
    assert answer.text == (
        "The Lorn dam holds 55 million cubic metres of water (12 Aug 2024) [1]; earlier: The Lorn dam holds 40 million "
        "cubic metres of water (3 Apr 2022) [2]"
    )
    assert [citation.date for citation in answer.citations] == ["2024-08-12", "2022-04-03"]
    assert [statement.markers for statement in answer.statements] == [(1,), (2,)]


def test_values_of_one_day_differ(library: Engine) -> None:
    answer = library.answer("After how many days did the strike of the teachers of Brill end?")
    assert "sources differ" in answer.text
    assert "12 days" in answer.text
    assert "14 days" in answer.text


def test_amounts_of_other_things_do_not_differ(library: Engine) -> None:
    answer = library.answer("How many pupils returned to school in Brill?")
    assert "1,200 pupils" in answer.text
    assert len(answer.citations) == 1


def test_says_what_a_relative_date_means_where_a_time_is_asked_for(library: Engine) -> None:
    when = library.answer("When did the paper mill in Oster burn down?")
    assert "burned down last night (4 Nov 2023)" in when.text
    assert "last night (" not in library.answer("How many families lost their homes in Oster?").text


@pytest.mark.parametrize(
    ("question", "lines"),
    [
        (
            "How has the water that the Lorn dam holds changed?",
            [
                "3 Apr 2022: The Lorn dam holds 40 million cubic metres of water. [1]",
                "12 Aug 2024: The Lorn dam holds 55 million cubic metres of water. [2]",
            ],
        ),
        (
            "Give me a timeline of the bread in Oster.",
            ["5 Nov 2023: A loaf of bread costs 3 crowns. [1]", "20 Feb 2024: A loaf of bread costs 4 crowns. [2]"],
        ),
    ],
)
def test_lists_how_something_changed(library: Engine, question: str, lines: list[str]) -> None:
    assert library.answer(question).text.splitlines() == lines


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("How many windows has Ilka Vreth painted?", "412"),
        ("Where will Vreth move in spring?", "by the sea"),
    ],
)
def test_a_name_in_the_title_alone_finds_the_sentences(library: Engine, question: str, part: str) -> None:
    assert part in library.answer(question).text


@pytest.mark.parametrize("question", ["Which articles are from 2022?", "What articles were published in April 2022?"])
def test_lists_the_articles_of_a_time(library: Engine, question: str) -> None:
    answer = library.answer(question)
    assert {c.date for c in answer.citations} == {"2022-04-03"}
    assert library.answer("How many articles are from 2022?").text.startswith("1 article: ")


def test_lists_of_articles_have_no_datelines(tmp_path: Path) -> None:
    documents = {"a.md": article("ORRIN (Coast Wire) Aug. 12, 2024 - The dam holds water.", "Dam mended", "2024-08-12")}
    with make_engine(tmp_path, documents=documents) as engine:
        assert engine.answer("What happened in August 2024?").text == "12 Aug 2024: The dam holds water. [1]"


def test_without_dates_nothing_is_chosen(tmp_path: Path) -> None:
    documents = {
        "a.md": article("The Lorn dam holds 40 million cubic metres of water.", "Lorn dam filled"),
        "b.md": article("The Lorn dam holds 55 million cubic metres of water.", "Lorn dam raised"),
    }
    with make_engine(tmp_path, documents=documents) as engine:
        answer = engine.answer("How many cubic metres of water does the Lorn dam hold?")
        assert "earlier" not in answer.text
        assert len(answer.citations) == 1


def test_a_year_without_articles_is_not_answered(library: Engine) -> None:
    assert library.answer("How many cubic metres of water did the Lorn dam hold in 2019?").abstained


WATER = "How many cubic metres of water does the Lorn dam hold?"
REPLIES = {"40 million": "40 million cubic metres", "55 million": "55 million cubic metres"}


def test_a_small_model_reads_the_articles_of_the_time(tmp_path: Path) -> None:
    model = FakeLLM(replies=REPLIES)
    with make_engine(tmp_path, model=model, documents=ARTICLES, profile="small") as engine:
        answer = engine.answer("How many cubic metres of water does the Lorn dam hold now?")
    assert answer.text == "55 million cubic metres [1]"
    assert "40 million" not in model.prompts[0]


def test_a_small_models_values_are_given_with_their_dates(tmp_path: Path) -> None:
    with make_engine(tmp_path, replies=REPLIES, documents=ARTICLES, profile="small") as engine:
        answer = engine.answer(WATER)
    assert answer.text == (
        "55 million cubic metres (12 Aug 2024) [1]; earlier: 40 million cubic metres (3 Apr 2022) [2]"
    )


def test_a_strong_model_reads_all_of_them_with_their_dates(tmp_path: Path) -> None:
    model = FakeLLM(replies={"Lorn dam": "The Lorn dam holds 55 million cubic metres of water. [1]"})
    with make_engine(tmp_path, model=model, documents=ARTICLES, judge=WordJudge()) as engine:
        engine.answer(f"{WATER[:-1]} now?")
    for part in ("Lorn dam raised — Lorn Times, 12 Aug 2024", "55 million", "Lorn Times, 3 Apr 2022", "40 million"):
        assert part in model.prompts[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "answers"),
    [
        (
            "asked-10",
            {
                "What is the latest cost of the Harrow tunnel?": "520 million crowns",
                "How far is the Harrow tunnel now?": "95 percent",
            },
        ),
        (
            "asked-12",
            {
                "How many days did Mirela Dancu spend in orbit?": "311 days",
                "What will Dancu do after she retires?": "teach physics",
            },
        ),
    ],
)
def test_what_was_answered_wrongly_once(tmp_path: Path, case: str, answers: dict[str, str]) -> None:
    with Engine(Settings(store=tmp_path / "store", llm="extractive")) as engine:
        engine.ingest(CASES / case)
        for question, part in answers.items():
            assert part in engine.answer(question).text
