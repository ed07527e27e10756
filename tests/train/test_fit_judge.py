"""Fitting the judge: a tiny model, stopped and continued."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_mpnet import make_mpnet

from rag.models.torch_encoder import export_judge
from train import judge
from train.claims import Claim

pytestmark = pytest.mark.long

ROWS = [
    Claim("The cod left.", "The cod left the harbour in spring.", "e"),
    Claim("Nobody left.", "Nobody in the town objected to the ban.", "n"),
    Claim("The town objected.", "Nobody in the town objected to the ban.", "c"),
    Claim("spring", "The cod left the harbour in spring.", "no", "Who objected?"),
] * 40


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(judge, "_PRECISION", torch.float32)  # on any processor
    return make_mpnet(tmp_path / "mpnet", layers=5)


def a_run(base: Path, checkpoint: Path) -> tuple[judge.Run, judge.Tokenizer]:
    torch.manual_seed(0)
    tokenizer = judge.Tokenizer.from_file(str(base / "tokenizer.json"))
    return judge.Run(judge.Judge(base), checkpoint), tokenizer


def test_it_goes_on_from_the_checkpoint_of_a_stop(base: Path, tmp_path: Path) -> None:
    run, tokenizer = a_run(base, tmp_path / "a")
    run.fit(ROWS, ROWS[:4], tokenizer, 0.0)  # the time is over at once
    assert run.step == 0
    run.fit(ROWS, ROWS[:4], tokenizer, 600)
    steps = len(list(judge.batches(ROWS, random.Random(0))))
    assert run.step == steps > 1
    again, _ = a_run(base, tmp_path / "a")
    assert (again.step, len(again.log)) == (steps, steps)
    for name, weights in again.fitted.items():
        assert torch.equal(weights, run.fitted[name])
    again.fit(ROWS, ROWS[:4], tokenizer, 600)  # every row was read
    assert again.step == steps


def test_the_loss_is_that_of_the_labels() -> None:
    scores = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.4, 0.1], [0.2, 0.3, 0.5], [0.2, 0.3, 0.5]]))
    expected = -np.mean(np.log([0.5, 0.1, 0.3, 0.8]))
    assert judge.loss(scores, ROWS[:4]).item() == pytest.approx(expected, abs=1e-6)


def test_the_changes_give_the_fitted_model(base: Path, tmp_path: Path) -> None:
    run, tokenizer = a_run(base, tmp_path / "b")
    run.fit(ROWS, ROWS[:4], tokenizer, 600)
    changes = {name: value.float().numpy() for name, value in judge.changes(run.model).items()}
    parts = export_judge(str(base), changes)
    encoding = tokenizer.encode("The cod left.", "The cod left the harbour in spring.")
    ids = torch.tensor([encoding.ids])
    with torch.no_grad():
        ours = run.model.head(run.model.inner(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state)
        theirs = parts.module(ids, torch.ones_like(ids))
    assert torch.allclose(ours, theirs, atol=0.02)


def test_the_fixed_part_may_be_in_half_precision(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exact, tokenizer = a_run(base, tmp_path / "c")
    monkeypatch.setattr(judge, "_PRECISION", torch.bfloat16)
    half, _ = a_run(base, tmp_path / "d")
    scores = []
    for run in (exact, half):
        with torch.no_grad():
            scores.append(judge.run(run.model, tokenizer, ROWS[:4]))
    assert torch.allclose(*scores, atol=0.05)
    before = {name: weights.detach().clone() for name, weights in half.fitted.items()}
    half.fit(ROWS, ROWS[:4], tokenizer, 600)
    assert all(weights.dtype == torch.float32 for weights in half.fitted.values())
    assert all(torch.isfinite(weights).all() for weights in half.fitted.values())
    assert any(not torch.equal(weights, before[name]) for name, weights in half.fitted.items())


def test_the_gradient_of_the_changes_is_that_of_their_product() -> None:
    torch.manual_seed(1)
    layer = judge.LowRank(torch.nn.Linear(6, 5))
    layer.fixed = layer.fixed.float()
    torch.nn.init.normal_(layer.left)
    values = torch.randn(2, 3, 6, requires_grad=True)
    parts = (values, layer.bias, layer.left, layer.right)

    def by_hand() -> torch.Tensor:
        weights = layer.fixed + judge._ALPHA * layer.left @ layer.right
        return (torch.nn.functional.linear(values, weights, layer.bias) ** 2).sum()

    product = judge._Product.apply(values, layer.fixed, layer.bias, layer.left, layer.right)
    found = torch.autograd.grad((product**2).sum(), parts)
    for ours, theirs in zip(found, torch.autograd.grad(by_hand(), parts), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-3, rtol=1e-3)


def test_a_fit_may_start_from_the_changes_of_another(base: Path, tmp_path: Path) -> None:
    run, tokenizer = a_run(base, tmp_path / "e")
    run.fit(ROWS, ROWS[:4], tokenizer, 600)
    fresh = judge.Judge(base)
    judge.start_from(fresh, judge.changes(run.model))
    with torch.no_grad():
        assert torch.allclose(
            judge.run(fresh, tokenizer, ROWS[:4]), judge.run(run.model, tokenizer, ROWS[:4]), atol=0.02
        )


def test_batches_hold_every_row_once_and_are_not_too_long() -> None:
    found = [row for batch in judge.batches(ROWS, random.Random(0)) for row in batch]
    assert len(found) == len(ROWS)
