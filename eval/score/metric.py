"""The definition of a metric: its names, and how it is computed from a question or a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from eval.datasets.dataset import Question
from eval.records import Record
from eval.score import formulas
from eval.score.figures import Figure, Statistic, mean
from rag import Answer, Evidence

Group = Literal["Answers", "Refusals", "Citations", "Retrieval", "Time and cost", "Judge"]
GROUPS: tuple[Group, ...] = get_args(Group)  # in the report's order
Unit = Literal["share", "seconds", "count"]


@dataclass(frozen=True)
class Case:
    """The input of a score: a question, its answer, the ranking, and which citations are verbatim.

    There are three sorts of questions: answerable (accepted answers, and gold evidence if the data set has it), to
    refuse (neither), and for retrieval only (evidence but no answers, as in BEIR).
    """

    question: Question
    answer: Answer
    ranked: Sequence[Evidence]
    valid: tuple[bool, ...]

    @cached_property
    def text(self) -> str:
        """Return the answer's text without markers; empty for an abstention."""
        return formulas.plain(self.answer)

    @cached_property
    def retrieval(self) -> dict[str, float | None]:
        """Return the scores of the ranking by name."""
        return formulas.retrieval(self.question.evidence, self.ranked)


@dataclass(frozen=True)
class Metric:
    """One metric. `score`, `value` and `figure` define how it is computed; most need only one of them.

    Args:
        name: Its name in run files, JSON, `--fail-under` and `rag eval compare --metric`.
        label: Its name for people.
        description: One line that says what it is. Metrics may share it; a report then shows it once.
        group: The part of the report that shows it; None for a score that is not a figure of a run.
        unit: The unit of its values; a share is from 0 to 1.
        lower_is_better: If true, `--fail-under` is a maximum, and the comparison calls a lower value better.
        score: Computes the score of one question, kept in the run file; None if it does not apply.
        value: Reads the value of one question from a run; by default the score with this name.
        figure: Computes the figure of a run; by default the mean of the values that are not None.
        needs: The score that the figure requires; by default the figure always exists.
        compared: Whether `rag eval compare` compares it; a metric with only a `figure` is never compared.
    """

    name: str
    label: str
    description: str
    group: Group | None
    unit: Unit = "share"
    lower_is_better: bool = False
    score: Callable[[Case], float | None] | None = None
    value: Callable[[Record], float | None] | None = None
    figure: Statistic | None = None
    needs: str = ""
    compared: bool = True

    def of_question(self, record: Record) -> float | None:
        """Return the value of one question, or None if it does not apply."""
        return self.value(record) if self.value else record.scores.get(self.name)

    def of_run(self, records: Sequence[Record], seed: int) -> Figure:
        """Return the figure of a run's records, always the same for the same seed."""
        return self.figure(records, seed) if self.figure else mean(map(self.of_question, records), seed)

    def known(self, records: Sequence[Record]) -> bool:
        """Return whether a run with these records has the metric."""
        return not self.needs or any(self.needs in record.scores for record in records)
