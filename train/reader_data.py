"""Read the public question sets for `train.reader` as passages with their sentences, and questions."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from tqdm import tqdm

from rag.language.words import split_sentences

_SENTENCES = 4  # in a passage, as in the store
_NEGATIVES = 3

Span = tuple[int, int]


@dataclass(frozen=True)
class Passage:
    """A text with the spans of its sentences, and the set that it is from."""

    text: str
    spans: tuple[Span, ...]
    origin: str


@dataclass
class Question:
    """A question, the passage that answers it, where an answer may begin in it, and passages that do not answer it."""

    text: str
    origin: str
    gold: int | None = None
    starts: tuple[int, ...] = ()  # character offsets; empty if only the sentences are known
    ends: tuple[int, ...] = ()  # where the answers that begin there end
    sentences: tuple[int, ...] = ()
    answers: tuple[str, ...] = ()
    own: tuple[int, ...] = ()
    negatives: list[int] = field(default_factory=list)


class Data:
    """All passages and questions of a folder.

    Args:
        folder: The folder.
        most: Use only this many questions, chosen by chance.
    """

    def __init__(self, folder: Path, most: int | None = None) -> None:
        self.passages: list[Passage] = []
        self.questions: list[Question] = []
        known = {_plain(question): _plain(sentence) for question, sentence in _pairs(folder / "known.tsv")}
        for path in sorted(folder.glob("*.squad.json")):
            self._add_squad(path, known)
        self._add_pairs("pairs.tsv", _pairs(folder / "pairs.tsv"))
        for path in sorted(folder.glob("*.selqa.json")):
            self._add_selqa(path)
        if most is not None and most < len(self.questions):
            self.questions = random.Random(0).sample(self.questions, most)
        self._add_negatives()

    def _add_squad(self, path: Path, known: dict[str, str]) -> None:
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                own = self._cut(paragraph["context"], path.name)
                numbers = tuple(number for number, _ in own)
                for item in paragraph["qas"]:
                    question = Question(item["question"].strip(), path.name, own=numbers)
                    spans: dict[int, set[Span]] = defaultdict(set)
                    for answer in item["answers"]:
                        for number, offset in own:
                            start = answer["answer_start"] - offset
                            if 0 <= start < len(self.passages[number].text):
                                spans[number].add((start, start + len(answer["text"])))
                    if spans:
                        question.gold = max(spans, key=lambda number: len({start for start, _ in spans[number]}))
                        question.starts, question.ends = zip(*sorted(spans[question.gold]), strict=True)
                        question.answers = tuple(answer["text"] for answer in item["answers"])
                    elif item["answers"] or not self._find(question, known.get(_plain(question.text)), numbers):
                        continue
                    self.questions.append(question)

    def _find(self, question: Question, sentence: str | None, numbers: Sequence[int]) -> bool:
        """Record which sentence a question was asked about; return False if these passages do not have it."""
        if sentence is None:
            return True
        for number in numbers:
            passage = self.passages[number]
            texts = [_plain(passage.text[start:end]) for start, end in passage.spans]
            hits = tuple(n for n, text in enumerate(texts) if text and (text in sentence or sentence in text))
            if hits:
                question.gold, question.sentences = number, hits
                return True
        return False

    def _add_pairs(self, origin: str, rows: Sequence[tuple[str, str]]) -> None:
        """Add pairs; consecutive sentences are joined into passages, because they come from one paragraph."""
        draw = random.Random(0)
        sentences = list(dict.fromkeys(sentence for _, sentence in rows))
        where: dict[str, tuple[int, int]] = {}
        first = 0
        while first < len(sentences):
            part = sentences[first : first + draw.choice((2, 3, 3, 4))]
            for n, sentence in enumerate(part):
                where[sentence] = (len(self.passages), n)
            self._join(part, origin)
            first += len(part)
        for text, sentence in rows:
            number, n = where[sentence]
            self.questions.append(Question(text, origin, number, sentences=(n,), own=(number,)))

    def _add_selqa(self, path: Path) -> None:
        for item in json.loads(path.read_text(encoding="utf-8")):
            first, texts = len(self.passages), [text.strip() for text in item["candidates"]]
            for n in range(0, len(texts), _SENTENCES):
                self._join(texts[n : n + _SENTENCES], path.name)
            gold = min(item["answers"]) // _SENTENCES
            hits = tuple(n % _SENTENCES for n in item["answers"] if n // _SENTENCES == gold)
            own = tuple(range(first, len(self.passages)))
            self.questions.append(Question(item["question"].strip(), path.name, first + gold, sentences=hits, own=own))

    def _cut(self, text: str, origin: str) -> list[tuple[int, int]]:
        """Add a paragraph's passages; return the number and the start offset of each."""
        spans: list[Span] = []
        for sentence in split_sentences(text):
            start = text.find(sentence.strip(), spans[-1][1] if spans else 0)
            spans += [(start, start + len(sentence.strip()))] if start >= 0 and sentence.strip() else []
        count = -(-len(spans) // _SENTENCES)
        added = []
        for n in range(count):
            own = spans[round(n * len(spans) / count) : round((n + 1) * len(spans) / count)]
            first = own[0][0]
            added.append((len(self.passages), first))
            self.passages.append(
                Passage(text[first : own[-1][1]], tuple((a - first, b - first) for a, b in own), origin)
            )
        return added

    def _join(self, sentences: Sequence[str], origin: str) -> None:
        spans: list[Span] = []
        for sentence in sentences:
            start = spans[-1][1] + 1 if spans else 0
            spans.append((start, start + len(sentence)))
        self.passages.append(Passage(" ".join(sentences), tuple(spans), origin))

    def _add_negatives(self) -> None:
        """Give each question passages of its set that share many words with it but do not contain its answer."""
        for origin in dict.fromkeys(passage.origin for passage in self.passages):
            numbers = [n for n, passage in enumerate(self.passages) if passage.origin == origin]
            asked = [question for question in self.questions if question.origin == origin]
            if not asked:
                continue
            words = TfidfVectorizer(sublinear_tf=True, stop_words="english")
            of_passages = words.fit_transform(self.passages[n].text for n in numbers)
            for question in tqdm(asked, desc=f"negatives of {origin}"):
                shared = (words.transform([question.text]) @ of_passages.T).toarray()[0]
                best = [numbers[n] for n in np.argsort(-shared)[: _NEGATIVES + 5]]
                answers = [_plain(answer) for answer in question.answers]
                for n in best:
                    text = _plain(self.passages[n].text)
                    elsewhere = n not in question.own and any(answer in text for answer in answers)
                    if n != question.gold and not elsewhere and len(question.negatives) < _NEGATIVES:
                        question.negatives.append(n)
                if question.gold is None:  # passages that the question was written to mislead about come first
                    question.negatives = list(dict.fromkeys([*question.own, *question.negatives]))[:_NEGATIVES]


def _pairs(path: Path) -> list[tuple[str, str]]:
    if not path.is_file():
        return []
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return [(_joined(question), _joined(sentence)) for question, sentence in rows]


def _joined(text: str) -> str:
    """Return tokenised text as normal text."""
    for code, sign in (("-lrb-", "("), ("-rrb-", ")"), ("-lsb-", "["), ("-rsb-", "]"), ("``", '"'), ("''", '"')):
        text = text.replace(code, sign)
    text = re.sub(r"\s+([.,;:?!%)\]]|'s\b|n't\b)", r"\1", text.strip())
    return re.sub(r"([(\[$])\s+", r"\1", text)


def _plain(text: str) -> str:
    return "".join(re.findall(r"[a-z0-9]+", text.lower()))
