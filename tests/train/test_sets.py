"""Public sets of several formats, written in one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from train import sets
from train.sets import Set, plain

PAIRS = Set("small", "who/pairs", "MIT", "data/{dev,test}.tsv", plain("premise", "hypothesis", "label"))
ASKED = Set("asked", "who/asked", "MIT", "all.json", None, questions=True)


def test_each_set_has_one_file_in_one_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "SETS", (PAIRS, ASKED))
    data = tmp_path / "mirror" / "who+pairs" / "data"
    data.mkdir(parents=True)
    line = "It rained -LRB- a lot -RRB- .\tIt rained.\tentailment\n"
    for name, more in (("dev", "It rained .\tIt snowed.\tcontradiction\n"), ("test", "It snowed.\tIt did.\tneutral\n")):
        (data / f"{name}.tsv").write_text(f"premise\thypothesis\tlabel\n{line}{more}", encoding="utf-8")
    asked = {"data": [{"paragraphs": [{"context": "It rained.", "qas": []}]}]}
    other = tmp_path / "mirror" / "who+asked"
    other.mkdir()
    (other / "all.json").write_text(json.dumps(asked), encoding="utf-8")
    sets.main(tmp_path / "mirror", tmp_path / "out")
    found = [json.loads(row) for row in (tmp_path / "out" / "raw" / "small.jsonl").read_text("utf-8").splitlines()]
    assert [(row["premise"], row["label"]) for row in found] == [
        ("It rained (a lot).", "e"),
        ("It rained.", "c"),
        ("It snowed.", "n"),
    ]  # the pair that both files have, once
    assert json.loads((tmp_path / "out" / "qa" / "asked.squad.json").read_text("utf-8")) == asked


def test_the_sets_have_names_of_their_own_and_say_their_licences() -> None:
    names = [one.name for one in sets.SETS]
    assert len(set(names)) == len(names)
    assert all(one.licence for one in sets.SETS)


def test_the_sets_that_are_reported_on_are_not_fitted_on() -> None:
    kept_out = ("wice", "frank", "qags", "summedits_news", "squadshifts_nyt")
    assert not [one.name for one in sets.SETS if one.name.startswith(kept_out)]
