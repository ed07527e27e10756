"""Use any cross-encoder of sentence-transformers, which reads two texts together, as the reranker or as the judge."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError, one_line
from rag.protocols import Judgement, Reading

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class _Loaded:
    """A cross-encoder, loaded at first use. Thread-safe.

    Args:
        name: The model's folder, or any name that sentence-transformers resolves without a network.
        setting: The setting that names it, for messages.
    """

    def __init__(self, name: str, setting: str) -> None:
        self.name = name
        self._setting = setting
        self._model: CrossEncoder | None = None
        self._lock = threading.Lock()

    def predict(self, pairs: Sequence[tuple[str, str]], labels: Sequence[int]) -> Any:
        """Return the model's scores for pairs of texts: one each, or one for each label.

        Args:
            pairs: The texts.
            labels: How many scores for a pair are of use.

        Raises:
            ModelError: The model cannot be loaded, or gives another number of scores for a pair.
        """
        with self._lock:
            if self._model is None:
                self._model = self._load(labels)
            return self._model.predict(list(pairs), show_progress_bar=False)

    def names(self) -> dict[int, str]:
        """Return the names of the loaded model's labels."""
        return dict(self._model.config.id2label or {}) if self._model else {}

    def activation(self) -> str:
        """Return the name of the function that the loaded model applies to its scores."""
        return type(self._model.activation_fn).__name__ if self._model else ""

    def _load(self, labels: Sequence[int]) -> CrossEncoder:
        # Imported here because it takes seconds and only a cross-encoder needs it.
        from sentence_transformers import CrossEncoder
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        try:
            model = CrossEncoder(self.name, device="cpu", local_files_only=True)
        except Exception as error:  # a damaged folder can fail in many ways
            raise ModelError(
                f"the cross-encoder {self.name} cannot be loaded: {one_line(error, first=True)}; "
                f"correct the setting '{self._setting}' or leave it out"
            ) from error
        if model.num_labels not in labels:
            raise ModelError(
                f"{self.name} gives {model.num_labels} scores for a pair, needed are {' or '.join(map(str, labels))}; "
                f"correct the setting '{self._setting}' or leave it out"
            )
        return model


class Reranker:
    """Any cross-encoder with one score, to rank sentences. Thread-safe.

    Args:
        name: The model's folder, or any name that sentence-transformers resolves without a network.
    """

    def __init__(self, name: str) -> None:
        self._model = _Loaded(name, "reranker")

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return how well each text answers the question, higher is better; see `rag.protocols.Reranker`."""
        return [float(score) for score in self._model.predict([(question, text) for text in texts], (1,))]


class CrossEncoderJudge:
    """Any cross-encoder as the judge: one score for support, or three for natural language inference. Thread-safe.

    Such models read the evidence first. Of three labels, those whose names begin with "entail" and "contra" are used.

    Args:
        name: The model's folder, or any name that sentence-transformers resolves without a network.
    """

    def __init__(self, name: str) -> None:
        self._model = _Loaded(name, "judge")

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        """Return a judgement on each claim; see `rag.protocols.Judge`."""
        pairs = [(reading.evidence, reading.whole) for reading in readings]
        if not pairs:
            return []
        scores = self._model.predict(pairs, (1, 3)).tolist()
        if not isinstance(scores[0], list):
            raw = self._model.activation() != "Sigmoid"
            return [Judgement(1 / (1 + math.exp(-score)) if raw else score, 0.0) for score in scores]
        labels = {name.lower()[:6]: n for n, name in self._model.names().items()}
        if not {"entail", "contra"} <= labels.keys():
            raise ModelError(
                f"{self._model.name} does not name its labels entailment and contradiction; "
                "correct the setting 'judge' or leave it out"
            )
        found = []
        for row in scores:
            odds = [math.exp(score - max(row)) for score in row]
            found.append(Judgement(odds[labels["entail"]] / sum(odds), odds[labels["contra"]] / sum(odds)))
        return found
