"""Read a claim together with evidence, and say whether the evidence supports it.

The judge is a sentence embedding model (`BASE`) with the low-rank changes in `judge.safetensors` added to its weights.
`train/judge.py` makes them; docs/judge.md has the data, the figures and the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from rag.language.characters import usual
from rag.models.fitted import FittedModel
from rag.models.torch_encoder import export_judge
from rag.protocols import Judgement, Reading

BASE = "all-mpnet-base-v2"  # the model that the changes apply to
_CHANGES = Path(__file__).with_name("judge.safetensors")


class TrainedJudge:
    """The judge that Dateline comes with, loaded at first use. Thread-safe.

    Args:
        folder: The folder of the model `BASE`.
    """

    def __init__(self, folder: Path) -> None:
        self._model = FittedModel("judge", "judge", folder, _CHANGES, export_judge)

    def load(self) -> None:
        """Load the model now instead of at first use."""
        self._model.load()

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        """Return a judgement on each claim; see `rag.protocols.Judge`."""
        found = [Judgement(0.0, 0.0)] * len(readings)
        texts = [(usual(reading.whole), usual(reading.evidence)) for reading in readings]
        for i, tokens, encoding in self._model.run(texts):
            # The question's tokens count too: "Leif Brekke" is no answer where the evidence has another question's.
            asked = len(usual(readings[i].question))
            own = len(texts[i][0]) - len(usual(readings[i].claim))
            claimed = np.array(
                [
                    part == 0 and not asked <= start < own
                    for part, (start, _) in zip(encoding.sequence_ids, encoding.offsets, strict=True)
                ]
            )
            # A claim is contradicted, or new, where one of its tokens is.
            against = np.logaddexp.reduce(tokens[claimed], axis=0) if claimed.any() else np.zeros(2)
            odds = np.exp(np.array([0.0, *against]) - max(0.0, *against))
            supported, contradicted, _ = (odds / odds.sum()).tolist()
            found[i] = Judgement(supported, contradicted)
        return found


@lru_cache(maxsize=2)
def shared(folder: Path) -> TrainedJudge:
    """Return the judge that all engines with the base model in this folder share."""
    return TrainedJudge(folder)
