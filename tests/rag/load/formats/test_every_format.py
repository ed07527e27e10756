"""A real small file of each format: its text, what it says of itself, and a question answered from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from broken import SAMPLES, WHOLE
from fakes import make_engine

from rag import Document
from rag.load.files import read
from rag.load.formats.kinds import KINDS

TITLE = "Bridge to reopen after eleven years"
FESTIVAL = "Orchard festival moves to the old mill"
PROSE = (
    "The council of Harborough voted on Tuesday to reopen the swing bridge, which has been closed since a storm.\n\n"
    "“We have waited for years,” said the harbour master, who expects the first ferry to pass before the summer.\n\n"
    "Repairs will cost 4.2 million euros, of which the county pays half, and should take eleven weeks to complete."
)
APPLES = (
    "The orchard festival of Lower Wexham moves to the old mill this autumn, because the meadow is still under water."
    "\n\n"
    "Visitors can taste forty-two kinds of apples, and the last tram home leaves at a quarter past eleven."
)
URL, FESTIVAL_URL = "https://paper.example/bridge", "https://paper.example/festival"
DANA, PAPER = "Dana Example", "The Harborough Paper"
BOOK = "The Week in Harborough"
# For each file its articles: what follows its name in the source, title, date, author, publisher, URL, text
SAID: dict[str, list[tuple[str, str, str, str, str, str, str]]] = {
    "bridge.txt": [("", TITLE, "", "", "", "", f"{TITLE}\n\n{PROSE}\n")],
    "bridge.md": [("", TITLE, "2024-03-05", DANA, PAPER, URL, f"{PROSE}\n")],
    "bridge.html": [("", TITLE, "2024-03-05T10:00:00+00:00", DANA, PAPER, URL, PROSE)],
    "bridge.pdf": [("", TITLE, "2024-03-05T10:00:00+00:00", DANA, "", "", f"{TITLE}\n\n{PROSE}")],
    "bridge.docx": [
        (
            "",
            TITLE,
            "2024-03-05T10:00:00+00:00",
            DANA,
            "",
            "",
            f"{TITLE}\n\n{PROSE}\n\nCost | 4.2 million euros\n\nDuration | eleven weeks",
        )
    ],
    "bridge.eml": [("", f"{TITLE} – news", "2024-03-05T11:00:00+01:00", DANA, "", "", PROSE)],
    "week.mbox": [
        ("!/1", f"{TITLE} – news", "2024-03-05T11:00:00+01:00", DANA, "", "", PROSE),
        (
            "!/2",
            f"{FESTIVAL} – news",
            "2024-03-06T09:30:00+01:00",
            DANA,
            "",
            "",
            f"From the mill it is a short walk to the tram.\n\n{APPLES}",
        ),
    ],
    "week.epub": [
        ("!/OEBPS/text/bridge news.xhtml", f"{BOOK}: {TITLE}", "2024-03-05", DANA, PAPER, "", f"{TITLE}\n\n{PROSE}"),
        (
            "!/OEBPS/text/festival.xhtml",
            f"{BOOK}: {FESTIVAL}",
            "2024-03-05",
            DANA,
            PAPER,
            "",
            f"{FESTIVAL}\n\n{APPLES}",
        ),
    ],
    "week.csv": [
        ("!/2", TITLE, "2024-03-05", DANA, PAPER, URL, PROSE),
        ("!/7", FESTIVAL, "2024-03-06", DANA, PAPER, FESTIVAL_URL, APPLES),  # the lines that the rows start on
    ],
    "week.jsonl": [
        ("!/1", TITLE, "2024-03-05T10:00:00+00:00", DANA, PAPER, URL, PROSE),
        ("!/2", FESTIVAL, "2024-03-06T08:30:00+00:00", DANA, PAPER, FESTIVAL_URL, APPLES),
    ],
    "week.json": [
        ("!/1", TITLE, "2024-03-05T10:00:00+00:00", DANA, PAPER, URL, PROSE),
        ("!/2", FESTIVAL, "2024-03-06T08:30:00+00:00", DANA, PAPER, FESTIVAL_URL, APPLES),
    ],
    "week.rss": [
        ("!/1", TITLE, "2024-03-05T11:00:00+01:00", DANA, PAPER, URL, PROSE),
        ("!/2", FESTIVAL, "2024-03-06T09:30:00+01:00", DANA, PAPER, FESTIVAL_URL, APPLES),
    ],
    "week.atom": [
        ("!/1", TITLE, "2024-03-05T10:00:00+00:00", DANA, PAPER, URL, PROSE),
        ("!/2", FESTIVAL, "2024-03-06T08:30:00+00:00", DANA, PAPER, FESTIVAL_URL, APPLES),
    ],
    "week.zip": [
        ("!/news/bridge.txt", TITLE, "", "", "", "", f"{TITLE}\n\n{PROSE}\n"),
        ("!/more.zip!/festival.html", FESTIVAL, "2024-03-05T10:00:00+00:00", DANA, PAPER, URL, APPLES),
    ],
}
WEEKS = "Repairs will cost 4.2 million euros, of which the county pays half, and should take eleven weeks to complete."


def test_every_format_has_a_sample() -> None:
    suffixes = {Path(name).suffix for name in WHOLE}
    assert [kind.name for kind in KINDS if not suffixes & set(kind.suffixes)] == []
    assert set(SAID) == set(WHOLE)


@pytest.mark.parametrize("name", WHOLE)
def test_text_and_metadata(name: str) -> None:
    path = SAMPLES / name
    found = list(read(path, name))
    assert found == [item for item in found if isinstance(item, Document)]  # no notes
    assert [
        (d.source.removeprefix(name), d.title, d.date, d.author, d.publisher, d.url, d.text) for d in found
    ] == SAID[name]
    assert {d.language for d in found} == {"en"}
    assert [d.path for d in found] == [str(path) + inner for inner, *_ in SAID[name]]


@pytest.mark.parametrize("name", WHOLE)
def test_a_question_is_answered_with_a_citation(name: str, tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={}) as engine:
        report = engine.ingest(SAMPLES / name)
        assert report.failed == () and len(report.added) == len(SAID[name])
        answer = engine.answer("How many weeks should the repairs take?")
        (citation,) = answer.citations
        assert citation.quote == WEEKS
        document = engine.document(citation.document_id)
        assert document.text[citation.start : citation.end] == citation.quote
        inner, title, date, *_ = SAID[name][0]
        assert (citation.source, citation.title, document.date) == (name + inner, title, date)
