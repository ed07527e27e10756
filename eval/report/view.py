"""Prepare the questions of some runs for a report: the verdict on each, and the sentences that state its evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from eval.datasets.dataset import Question
from eval.records import Record, Run
from eval.report.words import clean
from eval.score.formulas import states
from rag import Citation, Evidence

_MARKER = re.compile(r"\[(\d{1,4})\]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a question in words; `right` is None if it cannot be right or wrong."""

    words: str
    right: bool | None


@dataclass(frozen=True, slots=True)
class Entry:
    """The result of one run for a question."""

    number: int
    record: Record
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Item:
    """A question with the results of all runs that asked it."""

    question: Question
    entries: tuple[Entry, ...]

    @property
    def wrong(self) -> int:
        """Return the number of runs in which it went wrong."""
        return sum(e.verdict.right is False for e in self.entries)

    @property
    def all_right(self) -> bool:
        """Return whether it went right in every run."""
        return all(e.verdict.right for e in self.entries)

    @property
    def differs(self) -> bool:
        """Return whether it went right in one run and wrong in another."""
        return 0 < self.wrong < sum(e.verdict.right is not None for e in self.entries)


def verdict(record: Record) -> Verdict:
    """Return the verdict on a question."""
    question, answer = record.question, record.answer
    if (right := record.scores.get("correct")) is None:
        return Verdict("ranked", None)
    if question.must_refuse:
        return Verdict("rightly refused", True) if answer.abstained else Verdict("should have refused", False)
    if answer.abstained and not question.is_talk:
        return Verdict("needlessly refused", False)
    if not answer.text.strip():
        return Verdict("failed", False)
    return Verdict("right", True) if right else Verdict("wrong", False)


def items(runs: Sequence[Run]) -> list[Item]:
    """Return every question, first those wrong in the most runs; rankings without a verdict are sorted worst first."""
    asked: dict[tuple[str, str], tuple[Question, list[Entry]]] = {}
    for number, run in enumerate(runs):
        for record in run.records:
            key = run.header.data_hash, record.question.id
            asked.setdefault(key, (record.question, []))[1].append(Entry(number, record, verdict(record)))
    found = [Item(question, tuple(entries)) for question, entries in asked.values()]
    return sorted(found, key=lambda item: (-item.wrong / len(item.entries), _ranked(item)))


def _ranked(item: Item) -> float:
    if any(e.verdict.right is not None for e in item.entries):
        return 0.0
    return fmean(e.record.scores.get("ndcg@10") or 0.0 for e in item.entries)


def pieces(text: str, citations: Sequence[Citation]) -> list[tuple[str, int | None]]:
    """Return an answer in pieces: its words, and the numbers of the markers that have a citation."""
    known = {citation.marker for citation in citations}
    found: list[tuple[str, int | None]] = []
    end = 0
    for match in _MARKER.finditer(text):
        if int(match[1]) in known:
            found += [(text[end : match.start()], None), (match[0], int(match[1]))]
            end = match.end()
    return [(clean(words), marker) for words, marker in [*found, (text[end:], None)] if words]


def facts(question: Question, item: Evidence | Citation) -> list[int]:
    """Return the numbers, from 1, of the needed facts that a sentence states."""
    return [n for n, fact in enumerate(question.evidence, 1) if states(item, fact)]


def accepted(question: Question) -> str:
    """Return the accepted answers to a question, in words."""
    if question.must_refuse:
        return "a refusal: the articles do not say"
    if question.is_talk:
        return f"words such as {', '.join(key[0] for key in question.keys)}"
    return " / ".join(question.answers) or "nothing but the ranking"
