"""Run files: what is written is what is read, and what is wrong in one is named with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.datasets.dataset import Question, read
from eval.records import Header, Record, Run, RunError, append, latest, read_run, write_header, write_run
from rag import Answer, Citation, Evidence, Place, Span

HEADER = Header(
    system="dateline",
    llm="local",
    model="m",
    embedding="e",
    settings_hash="0" * 16,
    data="seeds",
    data_hash="1" * 64,
    split="dev",
    version="1",
    started="2026-01-01T00:00:00+00:00",
)
TWIN = Place("i", "b.txt", "U", 0, 3)
SHOWN = Evidence(1, "a.txt", "T", "“é”", 2, 5, 1.5, 0.5, 0.25, "i", Span(0, 9), "before", (TWIN,))
CITED = Citation(1, "a.txt", "T", "“é”", 2, 5, 0.75, "i", Span(0, 9), (TWIN,))


def record(question: Question, text: str = "x\u2028y\n[1]") -> Record:
    timings = {"total": 1.25, "first_token": 0.1}
    answer = Answer("q?", text, False, (CITED,), (SHOWN,), "m", timings, "0" * 16, ("a notice",), (SHOWN,), 0.5)
    scores = {"correct": 1.0, "citation_recall": None}
    return Record(question=question, answer=answer, ranked=(SHOWN,), scores=scores, valid=(True,), tokens=7)


RECORDS = tuple(record(question) for question in read()[:3])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A run file with three records."""
    path = tmp_path / "run.jsonl"
    write_header(path, HEADER)
    for one in RECORDS:
        append(path, one)
    return path


def named(path: Path, *words: str) -> None:
    with pytest.raises(RunError) as caught:
        read_run(path)
    text = str(caught.value)
    assert str(path) in text and "\n" not in text and caught.value.exit_code == 2
    assert all(word in text for word in words), text


def test_what_is_written_is_what_is_read(path: Path) -> None:
    assert read_run(path) == Run(HEADER, RECORDS, path)
    lines = path.read_text(encoding="utf-8").split("\n")
    assert len(lines) == 1 + 3 + 1 and [json.loads(line) for line in lines[:-1]], "one object a line"


def test_a_run_may_be_empty(tmp_path: Path) -> None:
    write_header(tmp_path / "run.jsonl", HEADER)
    assert read_run(tmp_path / "run.jsonl").records == ()


def test_later_record_of_a_question_wins(path: Path) -> None:
    newer = record(RECORDS[0].question, "newer")
    append(path, newer)
    assert read_run(path).records == (newer, *RECORDS[1:]) == latest([*RECORDS, newer])


def test_whole_run_is_written_in_one_step(path: Path) -> None:
    write_run(path, Run(HEADER, RECORDS[:1], path))
    assert read_run(path).records == RECORDS[:1]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_last_line_that_was_cut_off(path: Path, kept: int) -> None:
    """What a killed process leaves: the last record in part, at worst inside a character, or without its line end."""
    raw = path.read_bytes()
    start = raw.rstrip(b"\n").rindex(b"\n") + 1
    path.write_bytes(raw[:-1] if kept == -1 else raw[: start + kept])
    named(path, "line 4", "--resume")
    assert read_run(path, unfinished=True).records == RECORDS[:2]


def test_cut_inside_a_character(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: raw.rindex("é".encode()) + 1])
    assert read_run(path, unfinished=True).records == RECORDS[:2]


def test_cut_inside_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(RunError, match="holds no run"):
        read_run(path, unfinished=True)


@pytest.mark.parametrize(
    ("line", "text", "words"),
    [
        (1, "{}", ["line 1", "header", "system"]),
        (1, HEADER.model_dump_json()[:-1] + ', "extra": 1}', ["line 1", "extra"]),
        (3, "{}", ["line 3", "record", "question"]),
        (3, "{", ["line 3", "JSON"]),
        (
            4,
            RECORDS[2].model_dump_json().replace('"marker":1', '"marker":"one"'),
            ["line 4", "answer.citations.0.marker"],
        ),
        (4, "", ["line 4"]),
    ],
)
def test_broken_line_is_named(path: Path, line: int, text: str, words: list[str]) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[line - 1] = text
    path.write_text("\n".join(lines), encoding="utf-8")
    named(path, *words)


def test_file_that_is_no_run(tmp_path: Path) -> None:
    named(tmp_path / "none.jsonl", "cannot be read")
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"")
    named(path, "holds no run")
    path.write_bytes(b"\xff\n")
    named(path, "cannot be read")


@pytest.mark.parametrize("write", [lambda path: write_header(path, HEADER), lambda path: append(path, RECORDS[0])])
def test_folder_that_is_not_there(tmp_path: Path, write: Any) -> None:
    with pytest.raises(RunError, match="cannot be written"):
        write(tmp_path / "none" / "run.jsonl")
