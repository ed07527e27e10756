"""What a metric is: its names, and how it is worked out from a question or from a run."""

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
GROUPS: tuple[Group, ...] = get_args(Group)  # in the order of the report
Unit = Literal["share", "seconds", "count"]


@dataclass(frozen=True)
class Case:
    """What a score is worked out from: a question, its answer, the ranking, and which citations are verbatim.

    There are three sorts of questions: answerable (accepted answers, gold evidence where the data set has it), to be
    refused (neither), and for retrieval alone (evidence, but no answers, as in BEIR).
    """

    question: Question
    answer: Answer
    ranked: Sequence[Evidence]
    valid: tuple[bool, ...]

    @cached_property
    def text(self) -> str:
        """Return the answer's words without markers; none for an abstention."""
        return formulas.plain(self.answer)

    @cached_property
    def retrieval(self) -> dict[str, float | None]:
        """Return the scores of the ranking by name."""
        return formulas.retrieval(self.question.evidence, self.ranked)


@dataclass(frozen=True)
class Metric:
    """One metric. `score`, `value` and `figure` say how it is worked out; most need only one of them.

    Args:
        name: Its name in run files, JSON, `--fail-under` and `rag eval compare --metric`.
        label: Its name for people.
        description: One line that says what it is. Metrics may share it; a report then says it once.
        group: The part of the report that has it; None for a score that is no figure of a run.
        unit: Of its values: a share is from 0 to 1.
        lower_is_better: `--fail-under` is then a maximum, and the comparison calls a lower value better.
        score: Works out the score of one question, kept in the run file; None where it does not apply.
        value: Reads the value of one question from a run; by default the score of this name.
        figure: Works out the figure of a run; by default the mean of the values that are not None.
        needs: The score without which there is no such figure; by default the figure is always there.
        compared: Whether `rag eval compare` compares it; a metric with nothing but a `figure` never is.
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
        """Return the value of one question, None where it does not apply."""
        return self.value(record) if self.value else record.scores.get(self.name)

    def of_run(self, records: Sequence[Record], seed: int) -> Figure:
        """Return the figure of a run's records, always the same for one seed."""
        return self.figure(records, seed) if self.figure else mean(map(self.of_question, records), seed)

    def known(self, records: Sequence[Record]) -> bool:
        """Tell whether the metric is one of a run with these records."""
        return not self.needs or any(self.needs in record.scores for record in records)
