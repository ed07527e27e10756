"""Measure how well the answer model detects words that a sentence does not mention.

Usage: `python -m bench.senses SQUAD.json`. The questions are SQuAD 2.0 questions with and without an answer. For each
one the sentence with the (plausible) answer is taken. For each word of the question that the sentence lacks, the model
is asked, as Dateline does it (`rag/answering/mentions.py`), whether the sentence mentions it, and whether the word in
its place in the sentence means the same.
"""

from __future__ import annotations

import itertools
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from bench.support.table import show
from rag import Settings
from rag.answering.mentions import _ANOTHER, _DOUBTED, _SILENT, _strange, word_instead
from rag.language.questions import Form, form
from rag.language.words import split_sentences
from rag.models.runtime import Models

_AROUND = 2  # sentences before and after it that count as the passage


def read(path: Path, seed: int) -> Iterator[tuple[bool, str, str, list[str]]]:
    """Yield (has an answer, question, sentence, text around it) for questions in random order."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    every = [(a["title"], p["context"], item) for a in articles for p in a["paragraphs"] for item in p["qas"]]
    random.Random(seed).shuffle(every)
    for title, context, item in every:
        answers = item["answers"] or item.get("plausible_answers") or []
        sentences = split_sentences(context)
        place = next((n for n, s in enumerate(sentences) if answers and answers[0]["text"] in s), None)
        if place is None or form(item["question"]) is Form.YES_NO:
            continue
        around = [*sentences[max(0, place - _AROUND) : place + _AROUND + 1], title.replace("_", " ")]
        yield not item["is_impossible"], item["question"].strip(), sentences[place], around


def main(
    data: Annotated[Path, typer.Argument(help="A SQuAD 2.0 file.", exists=True)],
    questions: Annotated[int, typer.Option(min=1)] = 900,
    seed: int = 77,
) -> None:
    """Print how many words are rejected in questions with an answer (wrongly) and without one."""
    models = Models(Settings())
    table = models.word_table()
    if table is None:
        raise typer.BadParameter("the embedding model has no table of words")
    counts: Counter[tuple[str, bool]] = Counter()
    seconds: dict[str, list[float]] = {"sentence": [], "word": []}

    def speaks(what: str, text: str, word: str) -> float:
        started = time.perf_counter()
        likely = models.speaks(text, word)
        seconds[what].append(time.perf_counter() - started)
        return likely

    for answered, question, sentence, around in tqdm(itertools.islice(read(data, seed), questions), total=questions):
        for _, word in _strange(table, question, [sentence, *around]):
            whole = speaks("sentence", sentence, word)
            other = word_instead(table, word, sentence, question)
            counts["words that the sentence lacks", answered] += 1
            counts["with a word in their place", answered] += other is not None
            counts["the sentence speaks against", answered] += whole < _SILENT
            counts["the word in their place speaks against", answered] += (
                other is not None and speaks("word", other, word) < _ANOTHER and whole < _DOUBTED
            )
    names = dict.fromkeys(name for name, _ in counts)
    rows = [[name, *(str(counts[name, answered]) for answered in (True, False))] for name in names]
    show("Words of SQuAD 2.0's questions", ["", "questions with an answer", "without"], rows)
    for what, taken in seconds.items():
        if taken:
            print(f"one {what}: {statistics.median(taken):.2f} s")


if __name__ == "__main__":
    typer.run(main)
