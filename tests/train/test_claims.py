"""Claims for fitting, from pairs, questions and sentences."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from train import claims
from train.claims import read_claims

SENTENCES = (
    "The harbour of Tessin was closed for 40 days. Its director, Ana Brandt, resigned in May 1987. "
    "The crews of Orrin went on strike because the pay was cut. A new pier opened on Monday. "
    "It had been planned since the war ended and cost more than 3 million crowns in all."
)
QUESTIONS = (("Who resigned in May?", "Ana Brandt"), ("How long was the harbour closed?", "for 40 days"))


def squad(folder: Path) -> Path:
    asked = [
        {"question": q, "answers": [{"text": a, "answer_start": SENTENCES.index(a)}], "is_impossible": False}
        for q, a in QUESTIONS
    ]
    tempting = [{"text": "a new pier", "answer_start": SENTENCES.index("A new pier")}]
    asked.append(
        {"question": "What closed on Monday?", "answers": [], "is_impossible": True, "plausible_answers": tempting}
    )
    path = folder / "set.squad.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": SENTENCES, "qas": asked}]}]}), encoding="utf-8")
    return path


def test_answers_are_right_or_wrong_for_their_evidence(tmp_path: Path) -> None:
    path = squad(tmp_path)
    found = [row for seed in range(60) for row in claims.answers(path, random.Random(seed))]
    right = dict(QUESTIONS)
    assert {row.label for row in found} == {"e", "n", "no"}
    for row in found:
        if row.label == "e":
            assert right[row.question or ""] in row.claim and row.claim in row.evidence
        if row.label == "n":
            assert row.claim not in row.evidence
        if row.question == "What closed on Monday?":
            assert row.label == "no"


def test_claims_made_of_sentences_hold_or_do_not() -> None:
    found = list(claims.made([SENTENCES] * 60, random.Random(1)))
    assert {"e", "c", "n", "no"} == {row.label for row in found}
    assert all(row.evidence and row.claim for row in found)
    good = sum(row.label == "e" for row in found)
    assert 0.25 < good / len(found) < 0.7
    for row in found:
        if row.kind == "elsewhere":
            assert row.claim not in row.evidence


def test_of_a_long_premise_the_nearest_sentences_are_kept_in_order() -> None:
    text = " ".join(f"The boat number {n} left the harbour of the old town in the morning." for n in range(30))
    text = f"{text} Ana Brandt resigned. {text} Her deputy wept."
    found = claims.nearest(text, "Brandt resigned and her deputy wept.")
    assert "Ana Brandt resigned." in found and "Her deputy wept." in found
    assert found.index("Brandt") < found.index("deputy")
    assert len(found.split()) <= 110


def test_the_files_share_no_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_WEIGH", 200)  # so that some of these few rows are left for fitting
    data = tmp_path / "data"
    (data / "raw").mkdir(parents=True)
    (data / "qa").mkdir()
    rows = [
        {"premise": f"Boat {n} left the harbour at dawn.", "hypothesis": f"Boat {n} left.", "label": "ec"[n % 2]}
        for n in range(1400)
    ]
    rows.append(
        {
            "premise": "This article is reported on elsewhere and it is a long one, so keep it out.",
            "hypothesis": "It is long.",
            "label": "e",
        }
    )
    (data / "raw" / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    squad(data / "qa")
    apart = tmp_path / "apart"
    apart.mkdir()
    row = {"evidence": [rows[-1]["premise"]], "claim": "x", "label": 1}
    (apart / "a.jsonl").write_text(json.dumps(row), encoding="utf-8")
    claims.main(data, tmp_path / "out", 4000, apart)
    parts = {name: read_claims(tmp_path / "out" / f"{name}.jsonl") for name in ("fit", "dev", "weigh")}
    assert all(parts.values())
    evidence = {name: {row.evidence for row in found} for name, found in parts.items()}
    assert not evidence["fit"] & (evidence["dev"] | evidence["weigh"])
    assert not any("reported on elsewhere" in text for texts in evidence.values() for text in texts)
