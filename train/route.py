"""`python -m train.route QUESTIONS`: fit `rag/answering/route.json`, which tells what a message asks for.

The model is a logistic regression over a message's vector, fitted on the messages of `train/routes.json`: each kind has
its own, with `{t}` and `{u}` filled from `topics`. QUESTIONS is a folder of question sets in SQuAD's format
(`*.squad.json`); questions from there are more of the kind `answer`. Prints how often each kind is recognised when a
fifth of the wordings is held out.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from sklearn.linear_model import LogisticRegression

from rag import Settings
from rag.answering.route import CERTAIN
from rag.language.words import content_terms
from rag.models.runtime import Models

_DATA = Path(__file__).with_name("routes.json")
_MODEL = Path(__file__).parents[1] / "rag/answering/route.json"
_FILLED, _ASKED = 10, 4000  # wordings with a topic are used this often; questions from other sets
_STRENGTH = 20.0
_ABOUT = ("article", "topic", "compare", "course")  # kinds of messages that are about something


def messages(draw: random.Random) -> list[tuple[str, str, str]]:
    """Return (kind, wording, message) for every wording of `train/routes.json`, filled."""
    data: dict[str, list[str]] = json.loads(_DATA.read_text(encoding="utf-8"))
    topics = data.pop("topics")
    found = []
    for kind, wordings in data.items():
        for wording in wordings:
            for _ in range(_FILLED if "{" in wording else 1):
                one, other = draw.sample(topics, 2)
                message = wording.replace("{t}", one).replace("{u}", other)
                found.append((kind, wording, message))
                if message[-1] in "?!." and draw.random() < 0.4:
                    found.append((kind, wording, message.rstrip("?!.")))
                if draw.random() < 0.3:
                    found.append((kind, wording, message[0].upper() + message[1:]))
    return found


def _questions(folder: Path, draw: random.Random) -> list[str]:
    found = []
    for path in sorted(folder.glob("*.squad.json")):
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
            found += [qa["question"] for paragraph in article["paragraphs"] for qa in paragraph["qas"]]
    return draw.sample(found, min(_ASKED, len(found)))


def _fit(vectors: Any, kinds: list[str]) -> LogisticRegression:
    often = Counter(kinds)
    weights = [(len(kinds) / often[kind]) ** 0.5 for kind in kinds]  # rare kinds count for more, but not as much
    return LogisticRegression(C=_STRENGTH, max_iter=2000).fit(vectors, kinds, sample_weight=weights)


def main(questions: Annotated[Path, typer.Argument(help="Folder of question sets.")]) -> None:
    """Fit the regression."""
    draw = random.Random(23)
    rows = messages(draw)
    asked = _questions(questions, draw)
    rows += [("answer", text, text) for text in asked]
    embedding = Models(Settings(llm="extractive")).embedding()
    vectors = np.stack([embedding.embed_question(message) for _, _, message in rows])
    wordings = sorted({wording for _, wording, _ in rows})
    held = set(draw.sample(wordings, len(wordings) // 5))
    fitting = [n for n, row in enumerate(rows) if row[1] not in held]
    testing = [n for n, row in enumerate(rows) if row[1] in held]
    model = _fit(vectors[fitting], [rows[n][0] for n in fitting])
    likely = model.predict_proba(vectors[testing])
    told = [str(model.classes_[row.argmax()]) if row.max() >= CERTAIN else "answer" for row in likely]
    for kind in model.classes_:
        own = [n for n, t in enumerate(testing) if rows[t][0] == kind]
        right = sum(told[n] == kind for n in own)
        wrongly = sum(told[n] == kind for n, t in enumerate(testing) if rows[t][0] != kind)
        typer.echo(f"{kind}: {right} of {len(own)} held-out messages recognised, {wrongly} others taken for it")
    model = _fit(vectors, [row[0] for row in rows])
    data: dict[str, list[str]] = json.loads(_DATA.read_text(encoding="utf-8"))
    frames = [set(content_terms(re.sub(r"\{[tu]\}", "", text))) for kind in _ABOUT for text in data[kind]]
    often = Counter(term for terms in frames for term in terms)
    fitted = {
        "frame": sorted(term for term, count in often.items() if count > 1 and term.isalpha()),
        "kinds": [str(kind) for kind in model.classes_],
        "bias": np.round(model.intercept_, 3).tolist(),
        "vectors": np.round(model.coef_, 2).tolist(),
    }
    _MODEL.write_text(json.dumps(fitted) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
