"""Detect the format of a data set and read it into the same questions.

| Given | Read as |
|---|---|
| `.jsonl` whose first line has `turns` | the shipped set's own schema (`eval/datasets/dataset.py`) |
| `.csv`, or `.jsonl` whose first line has `question` | a reader's own questions and answers |
| `.json` | SQuAD 1.1 or 2.0 |
| a folder with `corpus.jsonl`, `queries.jsonl` and `qrels/*.tsv` | BEIR |

SQuAD and BEIR include their own articles. They are written to a folder, one file each, so that they go through the same
reading, chunking and indexing as any other article.
"""

from __future__ import annotations

from pathlib import Path

from eval.datasets.beir import read_beir
from eval.datasets.dataset import DataSet, read, shipped
from eval.datasets.rows import DatasetError, json_lines
from eval.datasets.squad import read_squad
from eval.datasets.table import read_table
from rag import seeds_folder


def open_data(path: Path | None, articles: Path | None, work: Path) -> DataSet:
    """Return a data set in any of the formats.

    Args:
        path: The file or folder; the shipped data set if omitted.
        articles: Folder of the articles that the questions are asked over, for formats without articles.
        work: The folder to write the articles of SQuAD and BEIR to.

    Raises:
        DatasetError: It cannot be used; the message says in one line what is wrong and where.
    """
    if articles and not articles.is_dir():
        raise DatasetError(f"{articles} is no folder; give --articles the folder that holds the articles")
    if path is None:
        if articles:
            raise DatasetError("--articles goes with --data: the shipped questions are about the shipped articles")
        return shipped()
    if path.is_dir() or path.suffix.lower() == ".json":
        if articles:
            raise DatasetError(f"{path} brings its own articles; leave --articles out")
        return read_beir(path, work) if path.is_dir() else read_squad(path, work)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return read_table(path, articles)
    if suffix != ".jsonl":
        raise DatasetError(f"{path} is no data set; give a .jsonl, .csv or SQuAD .json file, or a BEIR folder")
    _, first = next(json_lines(path), (0, {}))
    if isinstance(first, dict) and "question" in first:
        return read_table(path, articles)
    questions = tuple(read(path, articles))
    split = "dev" if any(q.split == "dev" for q in questions) else "test"
    return DataSet(path.stem, questions, articles or seeds_folder(), split)
