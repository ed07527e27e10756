"""Read SQuAD 1.1 and 2.0 (https://rajpurkar.github.io/SQuAD-explorer/); each paragraph becomes an article."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from eval.datasets.articles import ArticleFolder
from eval.datasets.dataset import ANSWERABLE, IMPOSSIBLE, DataSet, GoldPlace, Question, make_data_set, one_turn
from eval.datasets.rows import DatasetError, Line, Text, first_problem, reading


class _Span(Line):
    text: Text
    answer_start: int = Field(ge=0)


class _Asked(Line):
    id: Text
    question: Text
    answers: tuple[_Span, ...] = ()
    is_impossible: bool = False


class _Paragraph(Line):
    context: Text
    qas: tuple[_Asked, ...]


class _Entry(Line):
    title: str = ""
    paragraphs: tuple[_Paragraph, ...]


class _Squad(Line):
    data: tuple[_Entry, ...]


def read_squad(path: Path, work: Path) -> DataSet:
    """Read a SQuAD file and write its articles to the folder `work`.

    Raises:
        DatasetError: The file cannot be used; the message names a question by its id.
    """
    with reading(path):
        text = path.read_text(encoding="utf-8-sig")
    try:
        squad = _Squad.model_validate_json(text)
    except ValidationError as error:
        raise DatasetError(f"{path} is no SQuAD file: {first_problem(error)}") from error
    folder = ArticleFolder(work)
    questions: dict[str, Question] = {}
    for entry in squad.data:
        for paragraph in entry.paragraphs:
            source = folder.add(entry.title, paragraph.context, str(path))
            for asked in paragraph.qas:
                if asked.id in questions:
                    raise DatasetError(f"{path}: id {asked.id!r} stands there twice")
                questions[asked.id] = _question(asked, paragraph.context, source, str(path))
    return make_data_set(path, questions, work)


def _question(asked: _Asked, context: str, source: str, path: str) -> Question:
    if asked.is_impossible == bool(asked.answers):
        wrong = "is impossible and has answers" if asked.answers else "has no answer and is not marked is_impossible"
        raise DatasetError(f"{path}: question {asked.id!r} {wrong}")
    for answer in asked.answers:
        if context[answer.answer_start : answer.answer_start + len(answer.text)] != answer.text:
            raise DatasetError(
                f"{path}: question {asked.id!r}: {answer.text!r} does not stand at {answer.answer_start} in its context"
            )
    spans = dict.fromkeys((answer.answer_start, answer.text) for answer in asked.answers)
    places = [GoldPlace(source=source, start=start, end=start + len(text), quote=text) for start, text in spans]
    answers = tuple(dict.fromkeys(text for _, text in spans))
    return one_turn(asked.id, IMPOSSIBLE if asked.is_impossible else ANSWERABLE, asked.question, answers, [places])
