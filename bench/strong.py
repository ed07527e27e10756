"""`python -m bench.strong ANSWERS.json ARTICLES --port 7871`: how much of what a strong model says reaches the reader.

The endpoint on that port answers the questions of ANSWERS.json as a strong model would. Each row has a `question`, the
`faithful` answer (empty if the articles have none), patterns that it `must_hold`, and `unfaithful` answers. Dateline
and LlamaIndex's `CitationQueryEngine` read the same articles and ask the same endpoint.

A right answer is given if every pattern and 0.8 of its words reach the reader, partly given if some do, else lost. A
lie is shown if 0.8 of its words are in the answer. Where rows name the `wrong` sentences of a long answer, the right
sentences that the reader sees are counted too, how many of them have a citation, and the wrong ones.

The answers of eval/data/long_answers.json are about the articles of eval/data/harbour and eval/data/composed.
"""

from __future__ import annotations

import json
import re
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from eval.run.systems import open_system
from rag import Answer, Engine, Settings
from rag.language.words import split_sentences

_MOST, _SOME = 0.8, 0.3


def held(said: str, answer: str) -> float:
    """Return the share of a model's words that an answer has."""
    wanted, there = _words(said), set(_words(answer))
    return sum(word in there for word in wanted) / max(1, len(wanted))


def verdict(row: dict[str, Any], answer: Answer, lying: bool) -> str:
    """Return what became of the model's answer to a question."""
    text = "" if answer.abstained else answer.text
    if lying and row["unfaithful"]:
        return "lie shown" if held(row["unfaithful"][0], text) >= _MOST else "lie caught"
    if not row["faithful"]:
        return "answered wrongly" if text and not re.match(r"\W*unknown\W*$", text, re.IGNORECASE) else "refused"
    share = held(row["faithful"], text)
    if share < _SOME:
        return "lost"
    met = all(re.search(pattern, text, re.IGNORECASE) for pattern in row["must_hold"])
    return "given" if met and share >= _MOST else "partly given"


def _plain(text: str) -> str:
    return " ".join(_words(text))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", re.sub(r"\[\d+\]", " ", text).lower())


def sentences(row: dict[str, Any], answer: Answer, lying: bool) -> Counter[str]:
    """Return how many right and wrong sentences a long answer has, and how many of them are shown and cited."""
    wrong = set(map(_plain, row["wrong"]))
    shown = {_plain(statement.text): bool(statement.markers) for statement in answer.statements}
    found: Counter[str] = Counter()
    for sentence in map(_plain, split_sentences(row["unfaithful"][0] if lying else row["faithful"])):
        kind = "wrong" if sentence in wrong else "right"
        found.update([kind])
        if sentence in shown:
            found.update([f"{kind} shown", *([f"{kind} cited"] if shown[sentence] else [])])
    return found


def main(
    answers: Annotated[Path, typer.Argument(help="JSON file of questions with the model's answers.")],
    articles: Annotated[Path, typer.Argument(help="Folder of the articles.")],
    port: Annotated[int, typer.Option(help="Port of the endpoint.")] = 7871,
    model: Annotated[list[str] | None, typer.Option(help="Names of models there; may be repeated.")] = None,
) -> None:
    """Print one line for each system and model."""
    rows = json.loads(answers.read_text(encoding="utf-8"))
    for name in model or ["faithful", "lying"]:
        lying = name.startswith("lying")
        asked = [row for row in rows if row["unfaithful"] or not lying]
        with tempfile.TemporaryDirectory() as folder:
            url = f"http://127.0.0.1:{port}/v1"
            settings = Settings(
                store=Path(folder), llm=f"openai:{name}", llm_base_url=url, llm_api_key=SecretStr("none")
            )
            with Engine(settings) as engine:
                engine.ingest(articles)
                for system in ("dateline", "naive"):
                    asking = open_system(system, engine)
                    counts: Counter[str] = Counter()
                    times = []
                    for row in asked:
                        started = time.perf_counter()
                        answer = asking.ask([row["question"]])
                        times.append(time.perf_counter() - started)
                        counts[verdict(row, answer, lying)] += 1
                        if "wrong" in row:
                            counts += sentences(row, answer, lying)
                    asking.close()
                    typer.echo(
                        json.dumps(
                            {"model": name, "system": system}
                            | dict(sorted(counts.items()))
                            | {"median_s": round(statistics.median(times), 2)}
                        )
                    )


if __name__ == "__main__":
    typer.run(main)
