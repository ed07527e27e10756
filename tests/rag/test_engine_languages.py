"""Questions in German, Spanish, French, Chinese and Arabic, over articles in these languages, without a model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import ROOT, FakeLLM, make_engine

from rag import Document, Engine
from rag.load.files import read
from rag.load.passages import sentences

DATA = ROOT / "tests/data/languages"
LANGUAGES = ("de", "es", "fr", "zh", "ar")
NAMES = dict(zip(LANGUAGES, ("German", "Spanish", "French", "Chinese", "Arabic"), strict=True))
# Questions of each language that are answered right, of fourteen; docs/languages.md has the table.
RIGHT = {"de": 11, "es": 13, "fr": 12, "zh": 11, "ar": 12}


@pytest.fixture(scope="module", params=LANGUAGES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Engine]]:
    language = str(request.param)
    with make_engine(tmp_path_factory.mktemp(language), documents={}) as engine:
        for folder in ("articles", "held_out"):
            engine.ingest(DATA / language / folder)
        yield language, engine


def questions(language: str) -> list[tuple[str, list[str]]]:
    rows = [
        json.loads(line)
        for name in ("questions.jsonl", "held_out.jsonl")
        for line in (DATA / language / name).read_text(encoding="utf-8").splitlines()
    ]
    return [(row["question"], row["answer"]) for row in rows]


def test_what_the_articles_say_is_quoted(engine: tuple[str, Engine]) -> None:
    language, asked = engine
    said = [(asked.answer(question).text, right) for question, right in questions(language) if right]
    assert sum(any(one in text for one in right) for text, right in said) >= RIGHT[language]


def test_what_they_do_not_say_is_refused(engine: tuple[str, Engine]) -> None:
    language, asked = engine
    assert [
        question for question, right in questions(language) if not right and not asked.answer(question).abstained
    ] == []


def test_every_quote_is_a_whole_sentence_of_its_article(engine: tuple[str, Engine]) -> None:
    language, asked = engine
    for question, _ in questions(language):
        for citation in asked.answer(question).citations:
            text = asked.document(citation.document_id).text
            assert text[citation.start : citation.end] == citation.quote
            assert text[citation.end : citation.end + 1] in ("", " ", "\n") or language == "zh"


def test_a_question_in_another_language_is_told_which_language_to_ask_in(engine: tuple[str, Engine]) -> None:
    language, asked = engine
    answer = asked.answer("Who is the director of the museum in the city?")
    assert answer.abstained and not answer.citations
    wanted = NAMES[language]
    assert answer.text == f"The articles are in {wanted}, the question is in English. Ask in {wanted}."


def test_capitals_of_german_nouns_are_not_missing_names(tmp_path: Path) -> None:
    articles = {
        "a.txt": "Der Bau\n\nDie Straßenbahn der Stadt Elmstadt hat nach Angaben des Rates 84 Mio. Euro gekostet.\n"
    }
    with make_engine(tmp_path, documents=articles) as engine:
        assert "84 Mio." in engine.answer("Wie viel hat die Straßenbahn in Elmstadt im Ganzen gekostet?").text


def test_a_wrong_declared_language_does_not_make_an_article_foreign(tmp_path: Path) -> None:
    page = (
        '<html lang="de"><body><p>The new ferry of Tessin costs 12 euros, said the mayor, and it will sail in May.</p>'
    )
    with make_engine(tmp_path, documents={"a.html": f"{page}</body></html>"}) as engine:
        assert "12 euros" in engine.answer("What does the new ferry of Tessin cost?").text


@pytest.mark.parametrize(
    ("files", "question", "right"),
    [
        ("zh1 zh2", "谁是滨江市的市长？", "林晓梅"),
        ("zh1 zh2", "南岭山区有多少人被转移？", "约八百人"),
        ("zh1 zh2", "谁是法国总统？", None),
        ("ar1 de1 es1", "Wie viel hat der Bau der Straßenbahn gekostet?", "84 Millionen Euro"),
        ("ar1 de1 es1", "Wer ist die Bürgermeisterin von Elmstadt?", "Karin Vogt"),
        ("ar1 de1 es1", "¿Por qué cerró el puerto de Valdemar?", "huelga"),
        ("ar1 de1 es1", "¿Quién es la directora del puerto?", "Gómez"),
        ("ar1 de1 es1", "كم كلف الجسر؟", "٤٥ مليون دينار"),
        ("ar1 de1 es1", "Wer ist der Präsident von Frankreich?", None),
    ],
)
def test_questions_that_others_could_not_answer(tmp_path: Path, files: str, question: str, right: str | None) -> None:
    with make_engine(tmp_path, documents={}) as engine:
        for name in files.split():
            engine.ingest(DATA / "cases" / f"{name}.txt")
        answer = engine.answer(question)
        assert answer.abstained if right is None else right in answer.text


@pytest.mark.parametrize(
    ("question", "profile", "is_asked", "said"),
    [
        ("Wie viel hat der Bau der Straßenbahn gekostet?", "small", False, "84 Millionen Euro"),
        ("Wie viel hat der Bau der Straßenbahn gekostet?", "strong", True, ""),
        ("How much did the line in Elmstadt cost?", "small", True, ""),
    ],
)
def test_a_small_model_is_not_asked_in_the_language_of_the_articles(
    tmp_path: Path, question: str, profile: str, is_asked: bool, said: str
) -> None:
    model = FakeLLM()
    with make_engine(tmp_path, documents={}, model=model, profile=profile) as engine:
        engine.ingest(DATA / "cases" / "de1.txt")
        assert said in engine.answer(question).text
    assert bool(model.prompts) == is_asked


@pytest.mark.parametrize(("name", "count"), [("abbr", 7), ("abbr_de", 2), ("times", 4)])
def test_citations_can_only_be_whole_sentences(name: str, count: int) -> None:
    (document,) = read(DATA / "cases" / f"{name}.txt", name)
    assert isinstance(document, Document)
    assert len(sentences(document.text, language=document.language)) == count
