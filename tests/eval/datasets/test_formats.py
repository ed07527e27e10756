"""Data sets of other origin: the fixtures in tests/data as they are, and broken in each way that a file can be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import ROOT

from eval.datasets.dataset import DataSet, GoldPlace, shipped
from eval.datasets.formats import open_data
from eval.datasets.rows import DatasetError
from rag.load.files import read

DATA = ROOT / "tests" / "data"
ARTICLES = DATA / "articles"


def opened(path: Path, work: Path, articles: Path | None = None) -> DataSet:
    return open_data(path, articles, work / "work")


def error(path: Path | None, tmp_path: Path, articles: Path | None = None) -> str:
    """Open a broken data set and return its one line."""
    with pytest.raises(DatasetError) as caught:
        open_data(path, articles, tmp_path / "work")
    text = str(caught.value)
    assert "\n" not in text and len(text) < 500 and caught.value.exit_code == 2
    assert path is None or str(path.name) in text
    return text


def texts(data: DataSet) -> dict[str, str]:
    """The articles as an engine reads them."""
    assert data.articles
    return {d.source: d.text for path in sorted(data.articles.iterdir()) for d in read(path, path.name)}


def assert_verbatim(data: DataSet) -> int:
    """Every place is its quote, or a whole article."""
    articles = texts(data)
    places = [place for q in data.questions for fact in q.evidence for place in fact]
    for place in places:
        text = articles[place.source]
        assert text[place.start : place.end] == (place.quote or text)
    return len(places)


def test_shipped_set_by_default(tmp_path: Path) -> None:
    assert open_data(None, None, tmp_path) == shipped()
    assert "--data" in error(None, tmp_path, ARTICLES)


def test_own_schema(tmp_path: Path) -> None:
    data = opened(DATA / "own.jsonl", tmp_path, ARTICLES)
    assert (data.name, data.articles, data.split, len(data.questions)) == ("own", ARTICLES, "dev", 4)
    assert assert_verbatim(data) == 3
    assert [q.must_refuse for q in data.questions] == [False, False, False, True]


def test_own_schema_with_a_test_half_only(tmp_path: Path) -> None:
    lines = (DATA / "own.jsonl").read_text(encoding="utf-8").replace('"dev"', '"test"')
    (tmp_path / "mine.jsonl").write_text(lines, encoding="utf-8")
    assert opened(tmp_path / "mine.jsonl", tmp_path, ARTICLES).split == "test"


def test_squad(tmp_path: Path) -> None:
    data = opened(DATA / "squad.json", tmp_path)
    assert (data.name, data.split, len(data.questions)) == ("squad", "test", 7)
    assert list(texts(data)) == [
        "000001-Coast_of_Vellmark.txt",
        "000002-Coast_of_Vellmark.txt",
        "000003-Bees_dark.txt",
    ]
    assert assert_verbatim(data) == 6
    questions = {q.id: q for q in data.questions}
    built = questions["sq-1"]
    assert (built.kind, built.turns) == ("answerable", ("When was the Brannock lighthouse built?",))
    assert built.answers == ("1871", "in 1871") and built.keys == (built.answers,)
    [places] = built.evidence
    assert [p.quote for p in places] == ["1871", "in 1871"], "one fact, wherever the answer was marked"
    assert [q.id for q in data.questions if q.must_refuse] == ["sq-3", "sq-5"]
    assert {q.kind for q in data.questions if q.must_refuse} == {"impossible"}


def test_squad_paragraphs_are_kept_character_for_character(tmp_path: Path) -> None:
    contexts = [
        "\ufeffMarked at its head\r\nand\rodd\u2028ends \n!",
        "  indented\tcafé 🐝 x́",
        "same",
        "same",
        "Ω" * 300,
    ]
    paragraphs = [
        {
            "context": c,
            "qas": [{"id": str(n), "question": "?", "answers": [{"text": c[-1], "answer_start": len(c) - 1}]}],
        }
        for n, c in enumerate(contexts)
    ]
    path = tmp_path / "odd.json"
    title = "../../etc/🐝" + "長" * 200
    path.write_text(json.dumps({"data": [{"title": title, "paragraphs": paragraphs}]}), encoding="utf-8")
    data = opened(path, tmp_path)
    assert sorted(texts(data).values()) == sorted(set(contexts)), "a text that comes twice is one article"
    assert assert_verbatim(data) == len(contexts)
    assert {p.parent for p in (tmp_path / "work").rglob("*.txt")} == {tmp_path / "work"}


def squad(change: Callable[[Any], object]) -> Callable[[Path], Path]:
    def write(tmp_path: Path) -> Path:
        raw = json.loads((DATA / "squad.json").read_text(encoding="utf-8"))
        change(raw)
        path = tmp_path / "broken.json"
        path.write_text(json.dumps(raw), encoding="utf-8")
        return path

    return write


def first(raw: Any) -> Any:
    return raw["data"][0]["paragraphs"][0]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (squad(lambda raw: first(raw)["qas"][0]["answers"][0].update(answer_start=3)), ["'sq-1'", "'1871'", "at 3"]),
        (squad(lambda raw: first(raw)["qas"][0]["answers"][0].update(answer_start=10**9)), ["'sq-1'"]),
        (squad(lambda raw: first(raw)["qas"][1].update(id="sq-1")), ["'sq-1'", "twice"]),
        (squad(lambda raw: first(raw)["qas"][0].update(is_impossible=True)), ["'sq-1'", "impossible"]),
        (squad(lambda raw: first(raw)["qas"][2].update(is_impossible=False)), ["'sq-3'", "is_impossible"]),
        (squad(lambda raw: first(raw)["qas"][1].pop("question")), ["data.0.paragraphs.0.qas.1.question"]),
        (squad(lambda raw: first(raw)["qas"][1].update(question=" ")), ["data.0.paragraphs.0.qas.1.question"]),
        (squad(lambda raw: first(raw).update(context="")), ["data.0.paragraphs.0.context"]),
        (squad(lambda raw: first(raw).update(context="a\0b")), ["NUL"]),
        (squad(lambda raw: raw.pop("data")), ["data", "SQuAD"]),
        (squad(lambda raw: raw.update(data=[])), ["no question"]),
    ],
)
def test_broken_squad(tmp_path: Path, broken: Callable[[Path], Path], words: list[str]) -> None:
    text = error(broken(tmp_path), tmp_path)
    assert all(word in text for word in words), text


def test_squad_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{\n"data": [\n{"title"\n', encoding="utf-8")
    assert "line 4" in error(path, tmp_path)
    path.write_text("[]", encoding="utf-8")
    assert "SQuAD" in error(path, tmp_path)
    path.write_bytes(b'{"data": "\xe9"}')
    assert "UTF-8" in error(path, tmp_path)
    assert "cannot be read" in error(tmp_path / "none.json", tmp_path)


def test_beir(tmp_path: Path) -> None:
    data = opened(DATA / "beir", tmp_path)
    assert (data.name, data.split) == ("beir", "test")
    assert [(q.id, q.split) for q in data.questions] == [
        ("q1", "dev"),
        ("q1@test", "test"),
        ("q2", "test"),
        ("q3", "test"),
    ]
    assert assert_verbatim(data) == 5
    assert not any(q.must_refuse or q.has_answer_key for q in data.questions), "they have no right answer"
    articles = texts(data)
    assert list(articles) == ["000001-light.txt", "000002-ferry_1.txt", "000003-bees.txt", "000004-tram.txt"]
    assert articles["000001-light.txt"].startswith("Brannock lighthouse\n\nA lighthouse stands")
    assert articles["000002-ferry_1.txt"].startswith("The ferry Saltwing")
    q2 = next(q for q in data.questions if q.id == "q2")
    assert q2.evidence == tuple(
        (GoldPlace(source=source, start=0, end=len(articles[source]), quote="", relevance=grade),)
        for source, grade in [("000002-ferry_1.txt", 2), ("000001-light.txt", 1)]
    ), "what was judged irrelevant is no evidence"
    q3 = next(q for q in data.questions if q.id == "q3")
    assert [place.source for [place] in q3.evidence] == ["000003-bees.txt"], "nothing is found in an empty article"


def test_beir_without_a_test_split(tmp_path: Path) -> None:
    folder = shutil.copytree(DATA / "beir", tmp_path / "beir")
    (folder / "qrels" / "test.tsv").unlink()
    data = opened(folder, tmp_path)
    assert [q.id for q in data.choose()] == ["q1"] and data.split == "all"


def test_beir_judgements_without_a_header(tmp_path: Path) -> None:
    folder = shutil.copytree(DATA / "beir", tmp_path / "beir")
    (folder / "qrels" / "test.tsv").write_text("q2\tbees\t1\n", encoding="utf-8")
    assert [q.id for q in opened(folder, tmp_path).choose("test")] == ["q2"]


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        ("corpus.jsonl", '{"_id": "bees", "text": "x"}', ["corpus.jsonl line 6", "'bees'", "line 3"]),
        ("corpus.jsonl", '{"_id": "x", "title": "x"}', ["corpus.jsonl line 6", "text"]),
        ("corpus.jsonl", '{"text": "x"}', ["corpus.jsonl line 6", "id"]),
        ("corpus.jsonl", '{"_id": "x", ', ["corpus.jsonl line 6", "JSON"]),
        ("corpus.jsonl", '{"_id": "x", "text": "a\\u0000"}', ["corpus.jsonl line 6", "NUL"]),
        ("queries.jsonl", '{"_id": "q1", "text": "x"}', ["queries.jsonl line 5", "'q1'"]),
        ("queries.jsonl", '{"_id": "q9", "text": ""}', ["queries.jsonl line 5", "text"]),
        ("queries.jsonl", "[]", ["queries.jsonl line 5"]),
        ("qrels/test.tsv", "q1\tnowhere\t1", ["test.tsv line 8", "'nowhere'", "corpus.jsonl"]),
        ("qrels/test.tsv", "q9\tbees\t1", ["test.tsv line 8", "'q9'", "queries.jsonl"]),
        ("qrels/test.tsv", "q1\tbees\thigh", ["test.tsv line 8", "'high'"]),
        ("qrels/test.tsv", "q1\tbees", ["test.tsv line 8", "2 columns"]),
    ],
)
def test_broken_beir(tmp_path: Path, file: str, line: str, words: list[str]) -> None:
    folder = shutil.copytree(DATA / "beir", tmp_path / "beir")
    with (folder / file).open("a", encoding="utf-8") as end:
        end.write(line + "\n")
    text = error(folder, tmp_path)
    assert all(word in text for word in words), text


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl", "qrels"])
def test_folder_that_is_no_beir(tmp_path: Path, missing: str) -> None:
    folder = shutil.copytree(DATA / "beir", tmp_path / "beir")
    (folder / missing).rename(folder / "other")
    assert f"lacks {missing}" in error(folder, tmp_path)


def test_beir_without_judgements(tmp_path: Path) -> None:
    folder = shutil.copytree(DATA / "beir", tmp_path / "beir")
    for file in (folder / "qrels").iterdir():
        file.unlink()
    assert "no question" in error(folder, tmp_path)


@pytest.mark.parametrize("path", [DATA / "squad.json", DATA / "beir"])
def test_data_that_brings_its_articles_takes_no_others(tmp_path: Path, path: Path) -> None:
    assert "--articles" in error(path, tmp_path, ARTICLES)


def test_own_questions_as_csv(tmp_path: Path) -> None:
    data = opened(DATA / "questions.csv", tmp_path, ARTICLES)
    assert (data.articles, data.split) == (ARTICLES, "test")
    light, crossing, bees, ticket = data.questions
    assert (light.id, light.kind, light.answers, light.keys) == ("light", "when", ("1871",), (("1871",),))
    assert crossing.turns == ("How long is a crossing, with the Saltwing?",)
    assert crossing.answers == ("35 minutes", "thirty-five minutes") and crossing.keys == (crossing.answers,)
    assert bees.answers == ("dark heather bees", "heather bees")
    assert (ticket.kind, ticket.must_refuse, ticket.keys) == ("impossible", True, ())
    assert {q.split for q in data.questions} == {"test"} and not any(q.evidence for q in data.questions)


def test_answer_in_brackets_is_no_list(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("question,answer\nWho?,[redacted]\n", encoding="utf-8")
    assert opened(path, tmp_path).questions[0].answers == ("[redacted]",)


def test_own_questions_as_json_lines(tmp_path: Path) -> None:
    data = opened(DATA / "questions.jsonl", tmp_path)
    assert data.articles is None, "asked over the library"
    assert [(q.id, q.kind, q.answers) for q in data.questions] == [
        ("line-1", "answerable", ("1871",)),
        ("crossing", "answerable", ("35 minutes", "thirty-five minutes")),
        ("line-3", "answerable", ("46",)),
        ("line-4", "impossible", ()),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffQuestion;Answer\nWho?;she|he\n",
        "answer\tquestion \nshe|he\tWho?\n",
        '\n"question","answer"\r\n"Who?","she | he"\r\n\r\n',
    ],
)
def test_csv_as_spreadsheets_write_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "q.csv"
    path.write_bytes(text.encode())
    [question] = opened(path, tmp_path).questions
    assert (question.turns, question.answers) == (("Who?",), ("she", "he"))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("q.csv", "question,reply\nWho?,x\n", ["'answer'", "'reply'"]),
        ("q.csv", "frage,answer\nWho?,x\n", ["'question'"]),
        ("q.csv", "", ["'question'"]),
        ("q.csv", "question,answer\n", ["no question"]),
        ("q.csv", "question,answer\nWho?,x\n,y\n", ["line 3", "question"]),
        ("q.csv", "question,answer\nWho?,x,y\n", ["line 2", "3 fields"]),
        ("q.csv", "question,answer\nWho?\n", ["line 2", "1 fields"]),
        ("q.csv", "id,question,answer\na,Who?,x\nb,Who?,x\na,When?,y\n", ["line 4", "'a'", "line 2"]),
        ("q.csv", 'question,answer\nWho?,"x\n', ["line 2"]),
        ("q.csv", 'question,answer\nWho?,"[""a"""\n', ["line 2", "JSON list"]),
        ("q.csv", 'question,answer\nWho?,"[""a"", 1]"\n', ["line 2", "texts"]),
        ("q.jsonl", '{"question": "Who?", "answer": "x"}\n{"question": "Who?"}\n', ["line 2", "'answer'"]),
        ("q.jsonl", '{"question": "Who?", "answer": {}}\n', ["line 1", "answer"]),
        ("q.jsonl", '{"question": "Who?", "answer": ""}\n' * 16 + "{\n", ["line 17", "JSON"]),
        ("q.jsonl", '{"question": "Who?", "answer": "x"}\n[]\n', ["line 2"]),
        ("q.jsonl", "", ["no question"]),
        ("q.xlsx", "", [".csv"]),
    ],
)
def test_broken_questions(tmp_path: Path, name: str, text: str, words: list[str]) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    found = error(path, tmp_path)
    assert all(word in found for word in words), found


@pytest.mark.parametrize("name", ["q.csv", "q.jsonl"])
def test_questions_that_are_not_utf8(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"question,answer\nCaf\xe9?,x\n")
    assert "UTF-8" in error(path, tmp_path)
    assert "cannot be read" in error(tmp_path / "none" / name, tmp_path)


def test_articles_that_are_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no folder"):
        opened(DATA / "questions.csv", tmp_path, DATA / "squad.json")
