"""`python -m train.support CLAIMS.jsonl`: fit how likely a claim is supported, given the judge and the exact checks.

CLAIMS.jsonl has claims that the judge was not fitted on (`weigh.jsonl` of `python -m train.claims`). One logistic
regression on `rag.answering.support.signals` is fitted, and written with how well it tells support from the rest.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import cross_val_predict

from rag.answering.support import Claim, signals
from rag.models.runtime import Models
from rag.protocols import Reading
from rag.settings import Settings
from train.claims import read_claims

_BATCH = 64
_FOLDS = 5


def main(
    claims: Annotated[Path, typer.Argument(help="Claims that the judge was not fitted on.")],
    out: Annotated[Path, typer.Option(help="Where to write the regression.")] = Path("rag/answering/support.json"),
) -> None:
    """Fit the regression and write it."""
    judge = Models(Settings()).judge()
    if judge is None:
        raise typer.BadParameter("the judge is turned off; unset RAG_JUDGE")
    rows = read_claims(claims)
    found = []
    for first in range(0, len(rows), _BATCH):
        part = rows[first : first + _BATCH]
        judgements = judge.judge([Reading(row.claim, row.evidence, row.question or "") for row in part])
        found += [
            signals(Claim(row.claim, row.question), row.evidence, judgement.supported)
            for row, judgement in zip(part, judgements, strict=True)
        ]
    names = list(found[0])
    values = np.array([[row[name] for name in names] for row in found])
    right = np.array([row.label == "e" for row in rows])
    model = LogisticRegression(class_weight="balanced")
    # A check that fails can only speak against a claim; where the data say otherwise, it does not count.
    wrong = [n != "judge" and w > 0 for n, w in zip(names, model.fit(values, right).coef_[0], strict=True)]
    values[:, wrong] = 0.0
    unseen = cross_val_predict(model, values, right, cv=_FOLDS, method="predict_proba")[:, 1]
    model.fit(values, right)
    made = {
        "made": {
            "command": "python -m train.support",
            "claims": len(rows),
            "auc_cross_validated": round(float(roc_auc_score(right, unseen)), 4),
            "balanced_accuracy_cross_validated": round(float(balanced_accuracy_score(right, unseen >= 0.5)), 4),
            "auc_judge_alone": round(float(roc_auc_score(right, values[:, names.index("judge")])), 4),
        },
        "intercept": round(float(model.intercept_[0]), 4),
        "terms": {name: round(float(weight), 4) + 0.0 for name, weight in zip(names, model.coef_[0], strict=True)},
    }
    out.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    typer.echo(json.dumps(made))


if __name__ == "__main__":
    typer.run(main)
