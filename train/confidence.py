"""`python -m train.confidence RUN.jsonl... --out confidence.json`: fit Dateline's confidence estimate.

The runs are made with `RAG_CAUTION=0` on development data, so that nothing is held back: every record has its signals
and whether the answer was right. Records of a system with a model are used for `answer`, those of the extractive system
for `extractive`. Each gets one logistic regression on standardised signals, with L2 regularisation.

A small model copies words, so its runs have too few statements that fail an exact check (a number that stands nowhere)
to fit what such a check is worth; `CHECKS` has the weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from eval.datasets.rows import DatasetError
from eval.records import Record, read_run

SIGNALS = {
    "answer": ("cited_score", "certainty", "unknown", "sentences", "answers"),
    "extractive": ("score", "dense", "sentences", "answers"),
}
# What a check that fails takes from the logarithm of the odds: words and figures that are nowhere outweigh the rest of
# the best answer, rules about a question's words do not.
CHECKS = {
    "unsaid": 5.0, "figures": 5.0, "asked_figures": 5.0, "asked_names": 5.0,
    "another_kind": 3.0, "opposite": 3.0, "undenied": 3.0,
}  # fmt: skip
_STRENGTH = 0.3  # sklearn's C: with fewer than a hundred questions per regression, strong regularisation is needed
_FOLDS = 5


def kind_of(record: Record) -> str | None:
    """Return which regression a record belongs to, or None if its answer has no support."""
    if not record.answer.signals.get("support"):
        return None
    return "extractive" if record.answer.model == "extractive" else "answer"


def fit(records: Sequence[Record], kind: str) -> dict[str, Any]:
    """Return one regression: its intercept, and each signal's weight, mean and scale, with how well it ranks.

    Raises:
        DatasetError: The records of this kind are too few, or all right or all wrong.
    """
    found = [r for r in records if kind_of(r) == kind]
    right = np.array([bool(r.scores["correct"]) and not r.question.must_refuse for r in found])
    if min(int(right.sum()), int((~right).sum())) < _FOLDS:
        raise DatasetError(f"{len(found)} records of kind {kind}, {int(right.sum())} right, are too few to fit on")
    raw = np.array([[r.answer.signals.get(name, np.nan) for name in SIGNALS[kind]] for r in found])
    mean, scale = np.nanmean(raw, axis=0), np.nanstd(raw, axis=0)
    scale[scale == 0] = 1.0
    signals = np.nan_to_num((raw - mean) / scale)
    model = LogisticRegression(C=_STRENGTH)
    unseen = cross_val_predict(model, signals, right, cv=_FOLDS, method="predict_proba")[:, 1]
    model.fit(signals, right)
    terms = {
        name: {"weight": round(float(w), 4), "mean": round(float(m), 4), "scale": round(float(s), 4)}
        for name, w, m, s in zip(SIGNALS[kind], model.coef_[0], mean, scale, strict=True)
    }
    terms |= {name: {"weight": -weight, "mean": 0.0, "scale": 1.0} for name, weight in CHECKS.items()}
    return {
        "questions": len(found),
        "right": int(right.sum()),
        "auc_cross_validated": round(float(roc_auc_score(right, unseen)), 3),
        "intercept": round(float(model.intercept_[0]), 4),
        "terms": terms,
    }


def main(
    runs: Annotated[list[Path], typer.Argument(help="Run files made with RAG_CAUTION=0.")],
    out: Annotated[Path, typer.Option(help="Where to write the regressions.")],
) -> None:
    """Fit the regressions and write them."""
    read = [read_run(path) for path in runs]
    records = [record for run in read for record in run.records]
    made = [f"{r.header.system} on {r.header.data} {r.header.split}, {len(r.records)} questions" for r in read]
    models = {kind: fit(records, kind) for kind in SIGNALS}
    out.write_text(
        json.dumps({"made": {"command": "python -m train.confidence", "runs": made}, "models": models}, indent=2)
    )


if __name__ == "__main__":
    typer.run(main)
