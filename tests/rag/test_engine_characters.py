"""Words are found however their characters are written, and quotes stay what the article has."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import make_engine

from rag import Engine, Filters

CASES = Path(__file__).resolve().parents[1] / "data" / "characters"
# Names that special characters break elsewhere
NAMES = [
    "a;b,c=d.txt",
    "O'Brien.txt",
    "-dash.txt",
    "emoji \U0001f3c6 file.txt",
    "$HOME `id`.txt",
    "trailing space .txt",
    "M\u00fcller & S\u00f6hne \u2013 Bericht #1 (final) [v2].txt",
    "percent%20encoded.txt",
    "\u6587\u4ef6 \u62a5\u544a.txt",
    "Gru\u0308ner Baum.txt",
]

FRUITS = "apples pears plums cherries quinces figs olives lemons almonds walnuts".split()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("characters")
    named = folder / "named"
    named.mkdir()
    for fruit, name in zip(FRUITS, NAMES, strict=True):
        (named / name).write_text(f"The gardener planted {len(fruit)} {fruit} on Sunday.\n", encoding="utf-8")
    with make_engine(folder, documents={}) as engine:
        report = engine.ingest(CASES, named)
        assert report.failed == () and len(report.added) == len(NAMES) + 4
        yield engine


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Who is Jürgen Müller?", "Jürgen Müller drew the park in Zürich"),
        ("What did Müller draw?", "the park in Zürich"),
        ("What did Mu\u0308ller draw in Zu\u0308rich?", "the park in Zürich"),
        ("What did Mül\u00adler draw?", "the park in Zürich"),
        ("Which chairman said construction would last?", "Tom Whitaker"),
        ("How long would con\u200bstruction of the pipeline last?", "three years"),
        ("How many firefighters put out the fire at Griffin & Sons?", "fifty firefighters"),
        ("How many \ufb01re\ufb01ghters put out the \ufb01re?", "fifty firefighters"),
        ("Who blamed the price of gas in Dornberg?", "Petra Kanter"),
        ("When did \u200eDornberg\u200f close its swimming pool?", "Wednesday"),
    ],
)
def test_words_of_odd_characters_are_found(engine: Engine, question: str, said: str) -> None:
    answer = engine.answer(question)
    assert said in answer.text
    assert answer.citations
    for citation in answer.citations:
        text = engine.document(citation.document_id).text
        assert text[citation.start : citation.end] == citation.quote


def test_text_files_are_kept_character_by_character(engine: Engine) -> None:
    texts = {info.source: engine.document(info.id).text for info in engine.sources()}
    for name in ("lig.txt", "nfd.txt", "shy.txt"):
        assert texts[name] == (CASES / name).read_text(encoding="utf-8")
    assert not {"\u00ad", "\u200b"} & set(texts["shy.html"])
    assert {info.title for info in engine.sources()} >= {"Office fire", "Council backs pipeline"}


@pytest.mark.parametrize(("fruit", "name"), list(zip(FRUITS, NAMES, strict=True)))
def test_names_of_odd_characters_are_cited_and_filtered(engine: Engine, fruit: str, name: str) -> None:
    question = f"How many {fruit} did the gardener plant?"
    composed = unicodedata.normalize("NFC", name)
    for filters in (None, Filters(sources=(name,)), Filters(sources=(composed,))):
        (citation,) = engine.answer(question, filters).citations
        assert citation.source == name and fruit in citation.quote
