"""Files that were read wrongly once, with what is right. `tests/data/cases` holds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag import Document, Engine, Settings
from rag.load.files import read
from rag.load.passages import split

CASES = Path(__file__).resolve().parents[2] / "data" / "cases"


def documents(case: str) -> list[Document]:
    paths = sorted(path for path in (CASES / case).iterdir() if path.name != "scan.pdf")
    return [item for path in paths for item in read(path, path.name) if isinstance(item, Document)]


def evidence(case: str) -> list[str]:
    return [d.text[s.start : s.end] for d in documents(case) for chunk in split(d) for s in chunk.sentences]


@pytest.mark.parametrize(
    ("case", "sentences"),
    [
        ("reading-09", ["This has freed the £38million move of Theo Courtier to Madrid"]),
        (
            "reading-10",
            ["市議会は月曜日に古い橋を建て替えることを決めた", "費用は四百万ユーロで、工事は五月に始まる予定だという"],
        ),
        ("reading-10", ["橋は昨年の冬から閉鎖されている。"]),
        ("reading-11", ["The harbour bridge of Tessin opens on 9 May.", "Tickets cost 12 euros."]),
        ("reading-12", ["The bridge opens on 9 May and costs 4 million euros."]),
        ("reading-12", ["Tickets cost 12 euros, said the mayor Ada Kern."]),
        ("reading-17", ["Tickets cost 12 euros.", "The ferry stops on 8 May after ninety years."]),
        ("reading-18", ["Tickets cost 12 euros, said the mayor of Tessin."]),
        ("asked-03", ["District: Saltmarsh; Votes for Quist: 2,871; Votes for Ibarra: 5,340"]),
        ("asked-09", ["A group led by the teacher Omar Saleh has gone to court to limit blasting to two hours a day."]),
        ("asked-21", ["The limit on the road is 60 [km/h] past the hut."]),
        ("asked-22", ["Paragraph 1 tells of the fair at Lund, where stall 1 sold 3 pies."]),
    ],
)
def test_sentences(case: str, sentences: list[str]) -> None:
    assert set(sentences) <= set(evidence(case))


def test_a_lead_is_evidence() -> None:
    assert any("£71.6million" in sentence for sentence in evidence("reading-09"))


def test_no_sentence_without_a_letter() -> None:
    assert all(any(c.isalpha() for c in sentence) for sentence in evidence("reading-21"))


def test_bylines() -> None:
    assert [document.author for document in documents("reading-20")] == ["Ada Kern", "Ada Kern"]


@pytest.mark.parametrize(("case", "count"), [("reading-17", 3), ("reading-18", 3), ("asked-04", 3), ("asked-22", 3)])
def test_numbers_of_articles(case: str, count: int) -> None:
    assert len(documents(case)) == count


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "question", "said"),
    [
        (
            "asked-03/vote.html",
            "How many votes did Ibarra get in Saltmarsh?",
            "Saltmarsh; Votes for Quist: 2,871; Votes for Ibarra: 5,340",
        ),
        ("asked-03/vote.html", "How many votes did Quist get in Northgate?", "Northgate; Votes for Quist: 4,112"),
        ("asked-04", "How many drivers a day used the Lindau bridge?", "9,200"),
        ("asked-09/twocol.pdf", "How many people would find work at Ansel?", "230"),
        ("asked-09/twocol.pdf", "Who leads the neighbours?", "Omar Saleh"),
        ("asked-21", "How much did the Holst glacier lose in 2023?", "40 metres"),
        ("asked-21", "What is the limit on the road?", "60 [km/h]"),
        ("asked-22", "Who closed the fair at Lund?", "Ingrid Moe"),
        ("asked-22", "Who won the race at Tove?", "Kari Berg"),
        ("asked-22", "Who is the café owner?", "Renée O’Hara"),
    ],
)
def test_the_cited_sentence_has_the_answer(case: str, question: str, said: str, tmp_path: Path) -> None:
    with Engine(Settings(store=tmp_path / "store", llm="extractive")) as engine:
        engine.ingest(CASES / case)
        answer = engine.answer(question)
    assert any(said in citation.quote for citation in answer.citations), answer
