"""Data sets: the shipped one is true to the articles, and what is wrong in one is named with its line."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fakes import SEEDS as ARTICLES
from fakes import write_articles

from eval.datasets.dataset import KINDS, MUST_REFUSE, SEEDS, DataSet, Question, read, shipped
from eval.datasets.rows import DatasetError

GOOD: dict[str, Any] = {
    "id": "q1",
    "kind": "fact",
    "split": "dev",
    "turns": ["How many boats left?"],
    "answers": ["Two"],
    "keys": [["two", "2"]],
    "evidence": [[{"source": "a.txt", "start": 4, "end": 13, "quote": "Two boats"}]],
}
BOATS = {"a.txt": "The Two boats left."}
REFUSED = {"kind": "off_topic", "answers": [], "keys": [], "evidence": []}
SHIPPED = read()
GENERAL = read(SEEDS.with_name("general.jsonl"), SEEDS.with_name("general"))  # spans are checked on reading
NEWS = read(SEEDS.with_name("news.jsonl"), SEEDS.with_name("news"))
TIME = read(SEEDS.with_name("time.jsonl"), SEEDS.with_name("time"))
LIBRARIES = ("harbour", "science")
TALK = [q for name in LIBRARIES for q in read(SEEDS.with_name(f"{name}_talk.jsonl"), SEEDS.with_name(name))]
DIALOGUES = [q for name in LIBRARIES for q in read(SEEDS.with_name(f"{name}_dialogues.jsonl"), SEEDS.with_name(name))]
SWAPPED = read(SEEDS.with_name("swapped.jsonl"), SEEDS.with_name("general"))


def write(tmp_path: Path, *lines: Any) -> Path:
    path = tmp_path / "set.jsonl"
    path.write_text(
        "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), encoding="utf-8"
    )
    return path


def boats(path: Path) -> list[Question]:
    """Read a data set over the article of these tests."""
    return read(path, write_articles(path.parent / "articles", BOATS))


def named(path: Path, line: int) -> str:
    """Read a broken data set and return its error, which must name the file and the line."""
    with pytest.raises(DatasetError) as caught:
        boats(path)
    text = str(caught.value)
    assert str(path) in text and f"line {line}" in text and "\n" not in text
    assert caught.value.exit_code == 2
    return text


def test_spans_of_the_shipped_set_are_verbatim() -> None:
    articles = {path.name: path.read_bytes().decode() for path in ARTICLES.glob("*.txt")}
    places = [place for q in SHIPPED for fact in q.evidence for place in fact]
    assert len(places) > 100
    assert [p for p in places if articles[p.source][p.start : p.end] != p.quote] == []


def test_shipped_set_is_balanced() -> None:
    assert len(SHIPPED) >= 30 and SEEDS.is_file()
    kinds = Counter((q.kind, q.split) for q in SHIPPED)
    asked = set(KINDS) - {
        "time",
        "summary",
        "comparison",
        "course",
        "talk",
    }  # these are asked over articles of their own
    assert {kind for kind, _ in kinds} == asked
    for kind in asked:
        assert kinds[kind, "dev"] == kinds[kind, "test"] > 0, kind


def test_general_set_has_both_splits() -> None:
    assert Counter(q.split for q in GENERAL) == {"dev": 40, "test": 40}
    assert Counter((q.split, q.must_refuse) for q in NEWS) == {
        ("dev", False): 102,
        ("dev", True): 38,
        ("test", False): 51,
        ("test", True): 19,
    }
    assert Counter((q.split, q.must_refuse) for q in SWAPPED) == {
        ("dev", True): 35,
        ("test", True): 24,
        ("test", False): 12,
    }


def test_time_set_has_halves_of_equal_size() -> None:
    assert Counter((q.split, q.kind) for q in TIME) == {
        ("dev", "time"): 20,
        ("test", "time"): 20,
        ("dev", "not_in_articles"): 2,
        ("test", "not_in_articles"): 2,
    }


def test_talk_and_dialogues_have_halves_of_equal_size() -> None:
    assert Counter((q.split, q.kind) for q in TALK) == {("dev", "talk"): 20, ("test", "talk"): 20}
    begun = {q.turns[:end] for q in DIALOGUES for end in range(1, len(q.turns))}
    whole = [q for q in DIALOGUES if q.turns not in begun]
    assert Counter(q.split for q in whole) == {"dev": 16, "test": 16}
    assert all(3 <= len(q.turns) <= 6 for q in whole)
    assert not {q.turns[0] for q in whole if q.split == "dev"} & {q.turns[0] for q in whole if q.split == "test"}


def test_no_question_of_the_test_half_is_in_the_development_half() -> None:
    asked = Counter(tuple(turn.casefold() for turn in q.turns) for q in SHIPPED)
    assert [turns for turns, count in asked.items() if count > 1] == []


def test_keys_are_met_by_the_accepted_answers() -> None:
    """An answer that is accepted word for word must not count as wrong for its keys."""
    from eval.score.formulas import holds_keys

    asked = SHIPPED + GENERAL + NEWS + SWAPPED + TIME + DIALOGUES
    assert [q.id for q in asked if q.answers and not holds_keys(q.answers[0], q.keys)] == []


def test_follow_ups_are_conversations() -> None:
    for question in SHIPPED:
        assert (len(question.turns) > 1) == (question.kind == "follow_up"), question.id


def test_question_is_read(tmp_path: Path) -> None:
    [question] = boats(write(tmp_path, GOOD))
    assert question == Question.model_validate(GOOD)
    assert question.evidence[0][0].quote == "Two boats" and not question.must_refuse


def test_what_must_be_refused(tmp_path: Path) -> None:
    questions = read(write(tmp_path, *(GOOD | REFUSED | {"id": kind, "kind": kind} for kind in MUST_REFUSE)))
    assert all(question.must_refuse for question in questions)


def test_blank_lines_are_skipped_but_counted(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD, "", "   ", "{")
    assert "JSON" in named(path, 4)


def test_broken_json_on_line_17(tmp_path: Path) -> None:
    lines = [GOOD | {"id": f"q{n}"} for n in range(20)]
    path = write(tmp_path, *lines[:16], '{"id": "q16", ', *lines[17:])
    assert "JSON" in named(path, 17)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "riddle"}, "riddle"),
        ({"split": "train"}, "train"),
        ({"id": ""}, "id"),
        ({"turns": []}, "turns"),
        ({"extra": 1}, "extra"),
        ({"answers": "Two"}, "answers"),
        ({"answers": [], "keys": [], "evidence": []}, "fact"),
        ({"answers": []}, "fact"),
        ({"evidence": []}, "fact"),
        ({"keys": []}, "fact"),
        ({"kind": "off_topic"}, "off_topic"),
        ({"kind": "talk"}, "talk"),
        ({"kind": "talk", "answers": [], "keys": []}, "talk"),
        ({"forbidden": ["ten"]}, "forbidden"),
        ({"evidence": [[{"source": "a.txt", "start": 4, "end": 12, "quote": "Two boats"}]]}, "4-12"),
        ({"evidence": [[{"source": "a.txt", "start": -1, "end": 8, "quote": "Two boats"}]]}, "start"),
        ({"evidence": [[{"source": "a.txt", "start": 0, "end": 9}]]}, "quote"),
        ({"evidence": [[]]}, "evidence"),
        ({"keys": [[]]}, "keys"),
    ],
)
def test_unusable_question_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    assert words in named(write(tmp_path, GOOD, GOOD | {"id": "q2"} | change), 2)


@pytest.mark.parametrize("field", GOOD)
def test_missing_field_is_named(tmp_path: Path, field: str) -> None:
    assert field in named(write(tmp_path, {key: value for key, value in GOOD.items() if key != field}), 1)


@pytest.mark.parametrize("line", ["[]", "3", "null", '"text"'])
def test_line_that_is_no_object(tmp_path: Path, line: str) -> None:
    named(write(tmp_path, line), 1)


def test_duplicate_id_names_both_lines(tmp_path: Path) -> None:
    assert "line 1" in named(write(tmp_path, GOOD, GOOD | {"id": "q2"}, GOOD), 3)


@pytest.mark.parametrize("shift", [-1, 1, 500])
def test_span_that_stands_elsewhere_in_the_article_is_named(tmp_path: Path, shift: int) -> None:
    place = GOOD["evidence"][0][0]
    moved = place | {"start": place["start"] + shift, "end": place["end"] + shift}
    assert "a.txt" in named(write(tmp_path, GOOD, GOOD | {"id": "q2", "evidence": [[moved]]}), 2)


def test_evidence_in_an_article_that_is_not_there(tmp_path: Path) -> None:
    place = GOOD["evidence"][0][0] | {"source": "b.txt"}
    assert "'b.txt'" in named(write(tmp_path, GOOD, GOOD | {"id": "q2", "evidence": [[place]]}), 2)


def test_evidence_stands_in_the_shipped_articles_unless_others_are_given(tmp_path: Path) -> None:
    path = write(tmp_path, SHIPPED[0].model_dump())
    assert read(path) == [SHIPPED[0]]
    with pytest.raises(DatasetError, match="there is no article"):
        boats(path)


def test_separator_inside_a_quote_is_no_line_end(tmp_path: Path) -> None:
    """JSON lines end at line feeds only; a quote may hold U+2028 or U+0085 as it stands."""
    quote = "Two\u2028boats"
    evidence = [[{"source": "a.txt", "start": 0, "end": len(quote), "quote": quote}]]
    line = json.dumps(GOOD | {"evidence": evidence}, ensure_ascii=False)
    [question] = read(write(tmp_path, line), write_articles(tmp_path / "articles", {"a.txt": quote}))
    assert question.evidence[0][0].quote == quote


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no\.jsonl"):
        read(tmp_path / "no.jsonl")
    path = tmp_path / "latin1.jsonl"
    path.write_bytes(b'{"id": "caf\xe9"}\n')
    with pytest.raises(DatasetError, match="UTF-8"):
        read(path)
    path.write_bytes(b"\n\n")
    with pytest.raises(DatasetError, match="holds no question"):
        read(path)


def test_what_must_be_refused_does_not_depend_on_the_kind() -> None:
    values = {"id": "q", "kind": "any", "split": "test", "turns": ["?"], "keys": []}
    place = GOOD["evidence"][0][0]
    cases = {(): True, ("Two",): False}
    for answers, refused in cases.items():
        question = Question.model_validate(values | {"answers": answers, "evidence": []})
        assert (question.must_refuse, question.has_answer_key) == (refused, True)
    judged = Question.model_validate(values | {"answers": [], "evidence": [[place]]})
    assert (judged.must_refuse, judged.has_answer_key) == (False, False)


def test_choice_of_questions() -> None:
    data = shipped()
    assert data.articles == ARTICLES and len(data.questions) == len(SHIPPED)
    assert {q.split for q in data.choose()} == {"dev"}, "the test half only when it is asked for"
    assert {q.split for q in data.choose("all")} == {"dev", "test"}
    assert [q.kind for q in data.choose("test", ["typo", "reason"], 3)].count("fact") == 0
    assert data.choose("test", limit=3) == data.choose("test")[:3]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"split": "train"}, "no split 'train'; use dev or test or all"),
        ({"kinds": ["fact", "riddle"]}, "no question of kind 'riddle'"),
    ],
)
def test_choice_of_nothing(choice: dict[str, Any], words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        shipped().choose(**choice)
    a = SHIPPED[0].model_copy(update={"kind": "fact", "split": "dev"})
    b = SHIPPED[1].model_copy(update={"kind": "list", "split": "test"})
    with pytest.raises(DatasetError, match="left"):
        DataSet("two", (a, b), None).choose("test", ["fact"])


def test_hash_covers_the_questions() -> None:
    a, b = SHIPPED[0], SHIPPED[0].model_copy(update={"answers": ("other",)})
    assert DataSet("x", (a,), None).hash == DataSet("y", (a,), ARTICLES).hash != DataSet("x", (b,), None).hash
