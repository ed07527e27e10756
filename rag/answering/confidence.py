"""Estimate how likely an answer is right: logistic regressions over a few signals (fitted by `train.confidence`)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).with_name("confidence.json")


def probability(kind: str, signals: Mapping[str, float]) -> float:
    """Return the probability that an answer is right.

    Args:
        kind: `answer` for a model's answer, `extractive` for the best sentence when no model is used.
        signals: Values by name; a missing signal counts as its mean.
    """
    model = _models()[kind]
    total: float = model["intercept"]
    for name, term in model["terms"].items():
        total += term["weight"] * (signals.get(name, term["mean"]) - term["mean"]) / term["scale"]
    return 1 / (1 + math.exp(-total))


def signal_names() -> list[str]:
    """Return the signals that any of the regressions uses."""
    return sorted({name for model in _models().values() for name in model["terms"]})


@lru_cache(maxsize=1)
def _models() -> dict[str, Any]:
    models: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))["models"]
    return models
