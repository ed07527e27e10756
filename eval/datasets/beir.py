"""Read BEIR folders (https://github.com/beir-cellar/beir), which judge rankings document by document."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field

from eval.datasets.articles import ArticleFolder
from eval.datasets.dataset import JUDGED, DataSet, GoldPlace, Question, make_data_set, one_turn
from eval.datasets.rows import DatasetError, Line, Loose, Text, json_lines, rows, unique, validated


class _CorpusLine(Line):
    id: Loose = Field(alias="_id", min_length=1)
    title: str | None = ""
    text: str


class _QueryLine(Line):
    id: Loose = Field(alias="_id", min_length=1)
    text: Text


def read_beir(path: Path, work: Path) -> DataSet:
    """Read a BEIR folder and write its corpus to the folder `work`; each qrels file becomes a split with its name.

    Raises:
        DatasetError: The folder cannot be used; the message names the file and line.
    """
    for part in ("corpus.jsonl", "queries.jsonl", "qrels"):
        if not (path / part).exists():
            raise DatasetError(f"{path} is no BEIR folder: it lacks {part}")
    corpus = _corpus(path / "corpus.jsonl", ArticleFolder(work))
    queries = _queries(path / "queries.jsonl")
    files = sorted((path / "qrels").glob("*.tsv"))
    questions: dict[str, Question] = {}
    for file in files:
        for query, grades in _qrels(file, queries, corpus).items():
            name = f"{query}@{file.stem}" if query in questions else query
            facts = [[GoldPlace(source=s, start=0, end=end, quote="", relevance=g)] for s, end, g in grades]
            questions[name] = one_turn(name, JUDGED, queries[query], (), facts, file.stem)
    splits = [file.stem for file in files]
    return make_data_set(path, questions, work, "test" if "test" in splits else "all")


def _corpus(path: Path, folder: ArticleFolder) -> dict[str, tuple[str, int]]:
    """Write the corpus line by line; return for each id the article's name and length (0 if it is empty)."""
    found: dict[str, tuple[str, int]] = {}
    seen: dict[str, int] = {}
    for number, raw in json_lines(path):
        line = validated(_CorpusLine, raw, f"{path} line {number}")
        unique(line.id, number, seen, str(path))
        text = f"{line.title}\n\n{line.text}" if (line.title or "").strip() else line.text
        is_empty = not line.text.strip() and not (line.title or "").strip()
        found[line.id] = ("", 0) if is_empty else (folder.add(line.id, text, f"{path} line {number}"), len(text))
    return found


def _queries(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    seen: dict[str, int] = {}
    for number, raw in json_lines(path):
        line = validated(_QueryLine, raw, f"{path} line {number}")
        unique(line.id, number, seen, str(path))
        found[line.id] = line.text
    return found


def _qrels(
    path: Path, queries: dict[str, str], corpus: dict[str, tuple[str, int]]
) -> dict[str, list[tuple[str, int, int]]]:
    """Return for each query the (article, length, grade) of its relevant articles, those with a grade above 0."""
    found: dict[str, dict[str, tuple[str, int, int]]] = {}
    for number, row in rows(path, "\t"):
        where = f"{path} line {number}"
        if len(row) != 3:
            raise DatasetError(f"{where}: {len(row)} columns; a judgement has query-id, corpus-id and score")
        query, document, score = (field.strip() for field in row)
        if number == 1 and not re.fullmatch(r"-?\d+", score):
            continue  # the header
        if query not in queries:
            raise DatasetError(f"{where}: query {query!r} is not in queries.jsonl")
        if document not in corpus:
            raise DatasetError(f"{where}: document {document!r} is not in corpus.jsonl")
        if not re.fullmatch(r"-?\d+", score):
            raise DatasetError(f"{where}: the score {score!r} is no whole number")
        source, length = corpus[document]
        if int(score) > 0 and length:
            found.setdefault(query, {})[source] = (source, length, int(score))
    return {query: list(places.values()) for query, places in found.items()}
