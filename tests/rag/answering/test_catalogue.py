"""Questions about the articles themselves: writer, publisher, date, number, file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dated_articles import ARTICLES, article
from fakes import make_engine

from rag import Engine, Filters

CASES = Path(__file__).resolve().parents[2] / "data" / "cases"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with make_engine(tmp_path_factory.mktemp("catalogue"), documents=ARTICLES) as engine:
        yield engine


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who wrote the article about the Lorn dam being filled?", "Nell Frost [1]"),
        ("Who wrote the story about the mill burning in Oster?", "Abel Tan [1]"),
        ("Who is the author of “Schools open”?", "Cy Dorn [1]"),
        ("Who wrote Mill burns?", "Abel Tan [1]"),
        ("Which newspaper reported on the fire in the paper mill?", "The Oster Mail [1]"),
        ("Which paper wrote about the windows of Ilka Vreth?", "Brill Voice [1]"),
        ("When was the article about the windows published?", "15 Jan 2025 [1]"),
        ("When was “Lorn dam raised” published?", "12 Aug 2024 [1]"),
        ("On what day did the Daily Post report the end of the strike of the teachers?", "6 May 2025 [1]"),
        ("Which file contains the article about the lighthouse of Quern?", "undated.md [1]"),
        ("What is the title of the article about the red lamp of the lighthouse?", "Lamp of Quern [1]"),
        (
            "How many articles are there about Oster?",
            "2 articles: “Oster rebuilds” (The Oster Mail, 20 Feb 2024) [1]; “Mill burns” (The Oster Mail, 5 Nov 2023)"
            " [2]",
        ),
        ("How many articles did Abel Tan write?", "1 article: “Mill burns” (The Oster Mail, 5 Nov 2023) [1]"),
        (
            "Which articles did Uma Rey write?",
            "“Teachers back” (Brill Voice, 6 May 2025) [1]; “Glass painter Ilka Vreth turns ninety” (Brill Voice, "
            "15 Jan 2025) [2]",
        ),
        ("What is the latest article about the Lorn dam?", "“Lorn dam raised” (Lorn Times, 12 Aug 2024) [1]"),
        ("What is the oldest article by Nell Frost?", "“Lorn dam filled” (Lorn Times, 3 Apr 2022) [1]"),
    ],
)
def test_answers_from_what_is_known_about_articles(library: Engine, question: str, text: str) -> None:
    answer = library.answer(question)
    assert answer.text == text
    for citation in answer.citations:
        assert library.document(citation.document_id).text[citation.start : citation.end] == citation.quote


@pytest.mark.parametrize(
    "question",
    [
        "Who wrote the article about the rebuilding of the mill in Oster?",  # its file names no writer
        "When was the article about the lighthouse of Quern published?",
        "Which newspaper reported on the lighthouse of Quern?",
        "Who wrote the article “The end of the sea”?",
        "How many articles did Zed Null write?",
        "What is the newest article about walruses?",
    ],
)
def test_makes_up_no_value(library: Engine, question: str) -> None:
    answer = library.answer(question)
    assert answer.text == "The articles do not say."
    assert answer.abstained
    assert not answer.citations


@pytest.mark.parametrize(
    ("question", "sources"),
    [
        ("What happened in May 2025?", ["strike_b.md", "strike_a.md"]),
        ("What happened in 2022?", ["dam_2022.md"]),
        ("What has happened since February 2025?", ["strike_b.md", "strike_a.md"]),
        ("What did the Oster Mail report in November 2023?", ["fire.md"]),
        ("What did the Mail say about bread?", ["fire.md", "after_fire.md"]),
    ],
)
def test_reports_what_a_time_or_a_paper_has(library: Engine, question: str, sources: list[str]) -> None:
    answer = library.answer(question)
    assert sorted(citation.source for citation in answer.citations) == sorted(sources)


def test_events_are_dated_and_in_order(library: Engine) -> None:
    assert library.answer("What happened between 2022 and 2023?").text.splitlines() == [
        "3 Apr 2022: The Lorn dam holds 40 million cubic metres of water. [1]",
        "5 Nov 2023: The paper mill in Oster burned down last night and 30 families lost their homes. [2]",
    ]


def test_a_question_about_other_writings_goes_to_the_articles(library: Engine) -> None:
    assert library.answer("Who wrote Pride and Prejudice?").text == "The articles do not mention Pride or Prejudice."


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("According to the Oster Mail, what does a loaf of bread cost?", "4 crowns"),
        ("How many families lost their homes, according to the Mail?", "30 families"),
        ("What engineer of the dam did the Lorn Times name in 2022?", "Piet Aas"),  # the names stand in no text
    ],
)
def test_answers_from_one_papers_articles(library: Engine, question: str, part: str) -> None:
    answer = library.answer(question)
    assert part in answer.text
    assert answer.question == question


def test_filters_hold(library: Engine) -> None:
    answer = library.answer("How many articles are there?", Filters(sources=("Brill Voice",)))
    assert answer.text.startswith("2 articles: ")


def test_a_text_in_two_papers_has_both_publishers(tmp_path: Path) -> None:
    told = "The Kettle dam held through the night, engineers said, and 800 people went home."
    documents = {
        "a.md": article(told, "Dam holds", "2024-02-01", "Ann Roe", "Valley Times"),
        "b.md": article(told, "Dam stands firm", "2024-02-02", "Bo Lind", "Coast Courier"),
    }
    with make_engine(tmp_path, documents=documents) as engine:
        assert engine.answer("Which paper reported that the Kettle dam held?").text == "Valley Times, Coast Courier [1]"
        own = engine.answer("Who wrote the article about the Kettle dam?", Filters(sources=("coast*",)))
        assert own.text.startswith("Bo Lind")
        assert [citation.source for citation in own.citations] == ["b.md"]


def test_what_was_asked_about_vines(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={}) as engine:
        engine.ingest(CASES / "asked-13")
        assert engine.answer("Who wrote the article about vines in Verrin?").text == "Odalys Prue [1]"
        assert engine.answer("When was the article about the vines published?").text == "18 Apr 2024 [1]"
        assert engine.answer("Which newspaper reported on snow in Verrin?").text == "Hill Herald [1]"
        assert engine.answer("How many articles are there about Verrin?").text.startswith("2 articles: ")
