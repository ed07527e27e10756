"""`python -m train.judge DATA`: fit the changes that turn a sentence embedding model into the judge.

The judge reads a claim (after its question, if there is one) together with evidence, and says whether the evidence
supports the claim, contradicts it or says nothing of it. DATA is a folder that `python -m train.claims` wrote: rows of
claims in `fit.jsonl` and, to stop by, in `dev.jsonl`.

Only changes of a low rank are fitted, so that the optimizer's state is small and the result fits into the repository.
They may start from changes fitted before (`--start`). Every few minutes a checkpoint is written; the same command goes
on from it after a stop. The rate falls to zero in the last part of the time given in `--minutes`, which counts the time
of earlier runs. Where the processor has bfloat16, all but the changes and the norms is computed in it.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from tokenizers import Tokenizer
from transformers import MPNetModel

from rag.models.torch_encoder import has_bf16
from train.claims import Claim, read_claims

# The labels are in this order in the head's outputs; "no" is either of the last two.
LABELS = ("e", "c", "n")
_RANK = 16
_FROZEN = 4  # the lowest layers stay as they are: they know words, and nothing has to be computed back through them
_ALPHA = 2.0  # weight of the low-rank product
_BATCH_TOKENS = 2048
_PRECISION = torch.bfloat16 if has_bf16() else torch.float32
_TOKENS = 224
_RATE, _WARM_UP, _FALLING = 4e-4, 40, 0.3  # peak learning rate, steps until it, share of the time in which it falls
_SAVE_SECONDS, _MEASURED = 240.0, 4  # every fourth checkpoint is measured


class _Product(torch.autograd.Function):
    """A linear layer whose weights are a fixed matrix plus a product of two small ones.

    The sum is made once for each batch, so that the large products are as many as without changes; the gradients of
    the small matrices need thin products alone.
    """

    @staticmethod
    def forward(
        ctx: Any, values: torch.Tensor, fixed: torch.Tensor, bias: torch.Tensor, *small: torch.Tensor
    ) -> torch.Tensor:
        left, right = (matrix.to(fixed.dtype) for matrix in small)
        weights = torch.addmm(fixed, left, right, alpha=_ALPHA)
        ctx.save_for_backward(values, weights, left, right)
        return torch.nn.functional.linear(values, weights, bias.to(fixed.dtype))

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        values, weights, left, right = ctx.saved_tensors
        after = gradient.reshape(-1, gradient.shape[-1])
        before = values.reshape(-1, values.shape[-1])
        return (
            (after @ weights).view(values.shape) if ctx.needs_input_grad[0] else None,
            None,
            after.sum(0).float(),
            _ALPHA * (after.t() @ (before @ right.t())).float(),
            _ALPHA * ((after @ left).t() @ before).float(),
        )


class LowRank(torch.nn.Module):
    """A linear layer that stays as it is, plus a product of two small matrices that is fitted."""

    def __init__(self, inner: torch.nn.Linear) -> None:
        super().__init__()
        self.register_buffer("fixed", inner.weight.detach().to(_PRECISION))
        self.bias = inner.bias
        self.right = torch.nn.Parameter(torch.randn(_RANK, inner.in_features) / inner.in_features**0.5)
        self.left = torch.nn.Parameter(torch.zeros(inner.out_features, _RANK))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the layer's output."""
        found: torch.Tensor = _Product.apply(values.to(_PRECISION), self.fixed, self.bias, self.left, self.right)  # type: ignore[no-untyped-call]
        return found


class Judge(torch.nn.Module):
    """The embedding model with changes to fit, and two outputs per token of the claim: it is contradicted, it is new.

    A claim is contradicted or new where one of its tokens is; it is supported where none is.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.inner = MPNetModel.from_pretrained(
            folder, add_pooling_layer=False, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
        )
        for name, weights in self.inner.named_parameters():
            layer = re.match(r"encoder\.layer\.(\d+)\.", name)
            weights.requires_grad_(bool(layer) and int(layer[1]) >= _FROZEN and weights.dim() == 1)  # type: ignore[index]
        for layer in self.inner.encoder.layer[_FROZEN:]:
            own = layer.attention.attn
            own.q, own.k, own.v, own.o = LowRank(own.q), LowRank(own.k), LowRank(own.v), LowRank(own.o)
            layer.intermediate.dense = LowRank(layer.intermediate.dense)
            layer.output.dense = LowRank(layer.output.dense)
        for weights in self.inner.parameters():
            if not weights.requires_grad:
                weights.data = weights.data.to(_PRECISION)
        self.head = torch.nn.Linear(self.inner.config.hidden_size, 2)
        with torch.no_grad():
            self.head.bias.fill_(-3.0)  # of some twenty tokens, one is likely enough

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, claimed: torch.Tensor) -> torch.Tensor:
        """Return the logarithms of the labels' probabilities, of shape (rows, labels).

        Args:
            ids: Tokens.
            mask: 1 where there is one.
            claimed: 1 for tokens of the first text, 2 for those that make the claim wrong. Where some are known to do
                so, only these count for "c" and "n".
        """
        with torch.autocast("cpu", _PRECISION, enabled=_PRECISION is not torch.float32):
            read = self.inner(input_ids=ids, attention_mask=mask).last_hidden_state
        tokens = self.head(read.float())
        nothing = torch.tensor(-1e4)
        every = torch.logsumexp(torch.where(claimed[..., None] > 0, tokens, nothing), 1)
        least = torch.where((claimed == 2).any(1), 2, 1)[:, None]
        wrong = torch.logsumexp(torch.where((claimed >= least)[..., None], tokens, nothing), 1)
        total = torch.logsumexp(torch.cat([torch.zeros_like(every[:, :1]), every], 1), 1, keepdim=True)
        return torch.cat([torch.zeros_like(wrong[:, :1]), wrong], 1) - total


def first_text(question: str | None, claim: str) -> str:
    """Return the text that is read before the evidence; `rag.models.judge` builds it in the same way."""
    return f"{question} {claim}" if question else claim


def loss(scores: torch.Tensor, rows: Sequence[Claim]) -> torch.Tensor:
    """Return the mean negative log-likelihood of the labels."""
    parts = []
    for score, row in zip(scores, rows, strict=True):
        parts.append(torch.logsumexp(score[1:], 0) if row.label == "no" else score[LABELS.index(row.label)])
    return -torch.stack(parts).mean()


def run(model: Judge, tokenizer: Tokenizer, rows: Sequence[Claim]) -> torch.Tensor:
    """Return the model's output for these rows."""
    encodings = tokenizer.encode_batch([(first_text(row.question, row.claim), row.evidence) for row in rows])
    longest = max(len(e.ids) for e in encodings)
    ids = np.ones((len(rows), longest), np.int64)
    mask, claimed = np.zeros_like(ids), np.zeros_like(ids)
    for n, encoding in enumerate(encodings):
        length = len(encoding.ids)
        ids[n, :length], mask[n, :length] = encoding.ids, 1
        claimed[n, :length] = _claimed(encoding, rows[n])
    found: torch.Tensor = model(*map(torch.from_numpy, (ids, mask, claimed)))
    return found


def _claimed(encoding: Any, row: Claim) -> Any:
    """Return 1 for each token of the first text, and 2 for those that make the claim wrong."""
    first = np.array([part == 0 for part in encoding.sequence_ids])
    found = first.astype(np.int64)
    begins, ends = np.array(encoding.offsets).T - (len(row.question) + 1 if row.question else 0)
    for start, end in row.wrong:
        found[first & (begins < end) & (ends > start)] = 2
    if row.question and row.label != "e":  # nothing in a question is wrong
        found[first & (begins >= 0)] = 2
    return found


def batches(rows: Sequence[Claim], draw: random.Random) -> Iterator[list[Claim]]:
    """Yield batches of similar length, about `_BATCH_TOKENS` each, shuffled within some hundred rows."""
    for first in range(0, len(rows), 512):
        near = sorted(rows[first : first + 512], key=_length)
        part: list[list[Claim]] = [[]]
        for row in near:
            if part[-1] and (len(part[-1]) + 1) * _length(row) > _BATCH_TOKENS:
                part.append([])
            part[-1].append(row)
        draw.shuffle(part)
        yield from part


def measure(model: Judge, tokenizer: Tokenizer, rows: Sequence[Claim]) -> dict[str, float]:
    """Return how well support is told from the rest: area under the curve and balanced accuracy at one half."""
    with torch.no_grad():
        order = sorted(range(len(rows)), key=lambda n: _length(rows[n]))
        scores = np.zeros(len(rows))
        for first in range(0, len(order), 16):
            part = order[first : first + 16]
            scores[part] = run(model, tokenizer, [rows[n] for n in part])[:, 0].exp().numpy()
    right = np.array([row.label == "e" for row in rows])
    balanced = ((scores[right] >= 0.5).mean() + (scores[~right] < 0.5).mean()) / 2
    return {"auc": round(float(roc_auc_score(right, scores)), 4), "balanced": round(float(balanced), 4)}


def changes(model: Judge) -> dict[str, torch.Tensor]:
    """Return the fitted changes for `rag.models.torch_encoder.export_judge`."""
    found = {"head": model.head.weight, "bias": model.head.bias}
    for name, module in model.inner.named_modules():
        if isinstance(module, LowRank):
            found[f"{name}.weight.left"], found[f"{name}.weight.right"] = module.left * _ALPHA, module.right
    for name, weights in model.inner.named_parameters():
        if weights.requires_grad and not name.endswith((".left", ".right")):
            found[f"{name}.whole"] = weights
    return {name: value.detach().to(torch.float16).contiguous() for name, value in found.items()}


def start_from(model: Judge, found: dict[str, torch.Tensor]) -> None:
    """Put the changes of an earlier fit in place of the fresh ones."""
    with torch.no_grad():
        model.head.weight.copy_(found["head"])
        model.head.bias.copy_(found["bias"])
        for name, module in model.inner.named_modules():
            if isinstance(module, LowRank):
                module.left.copy_(found[f"{name}.weight.left"] / _ALPHA)
                module.right.copy_(found[f"{name}.weight.right"])
        for name, weights in model.inner.named_parameters():
            if f"{name}.whole" in found:
                weights.copy_(found[f"{name}.whole"])


def _length(row: Claim) -> int:
    return 8 + (len(row.claim) + len(row.question or "") + min(len(row.evidence), 4 * _TOKENS)) // 4


class Run:
    """A fit that can be stopped at any time and goes on from its last checkpoint."""

    def __init__(self, model: Judge, path: Path) -> None:
        self.model, self.path = model, path
        self.fitted = {n: p for n, p in model.named_parameters() if p.requires_grad}
        many = [p for p in self.fitted.values() if p.dim() > 1]
        few = [p for p in self.fitted.values() if p.dim() == 1]
        groups = [{"params": many, "weight_decay": 0.01}, {"params": few, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=_RATE, betas=(0.9, 0.98))
        self.step, self.seconds, self.log = 0, 0.0, list[dict[str, Any]]()
        if path.is_file():
            state = torch.load(path, weights_only=False)
            model.load_state_dict(state["weights"], strict=False)
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds, self.log = state["step"], state["seconds"], state["log"]

    def save(self) -> None:
        """Write a checkpoint in place of the last one."""
        fresh = self.path.with_suffix(".new")
        state = {"weights": {n: p.detach() for n, p in self.fitted.items()}, "optimizer": self.optimizer.state_dict()}
        torch.save(state | {"step": self.step, "seconds": self.seconds, "log": self.log}, fresh)
        fresh.replace(self.path)

    def fit(self, rows: Sequence[Claim], dev: Sequence[Claim], tokenizer: Tokenizer, seconds: float) -> None:
        """Fit until this many seconds have been spent in all, or every row was read once."""
        draw = random.Random(0)
        saved, saves = time.monotonic(), 0
        for number, batch in enumerate(batches(rows, draw)):
            if number < self.step:
                continue  # read before the stop
            if self.seconds >= seconds:
                break
            started = time.monotonic()
            left = (1 - self.seconds / seconds) / _FALLING
            for group in self.optimizer.param_groups:
                group["lr"] = _RATE * min(1.0, (self.step + 1) / _WARM_UP, left)
            self.optimizer.zero_grad()
            value = loss(run(self.model, tokenizer, batch), batch)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.fitted.values(), 1.0)
            self.optimizer.step()
            self.step += 1
            self.seconds += time.monotonic() - started
            self.log.append({"step": self.step, "seconds": round(self.seconds), "loss": round(value.item(), 3)})
            if self.step % 20 == 0:
                print(
                    json.dumps(self.log[-1] | {"mean": round(float(np.mean([e["loss"] for e in self.log[-20:]])), 3)}),
                    flush=True,
                )
            if time.monotonic() - saved > _SAVE_SECONDS:
                self.save()
                saves += 1
                recent = round(float(np.mean([entry["loss"] for entry in self.log[-50:]])), 3)
                tested = measure(self.model, tokenizer, dev) if saves % _MEASURED == 0 else {}
                print(json.dumps(self.log[-1] | {"loss": recent} | tested), flush=True)
                saved = time.monotonic()
        self.save()


def main(
    data: Annotated[Path, typer.Argument(help="Folder with fit.jsonl and dev.jsonl.")],
    base: Annotated[Path, typer.Option(help="Folder of the embedding model.")],
    minutes: Annotated[float, typer.Option(help="How long to fit in all.")] = 80.0,
    checkpoint: Annotated[Path, typer.Option(help="Where to keep checkpoints.")] = Path("judge.checkpoint"),
    start: Annotated[Path | None, typer.Option(help="Changes fitted before, to start from.")] = None,
    out: Annotated[Path, typer.Option(help="Where to write the changes.")] = Path("rag/models/judge.safetensors"),
) -> None:
    """Fit the judge and write its changes."""
    torch.manual_seed(0)
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_TOKENS)
    rows, dev = read_claims(data / "fit.jsonl"), read_claims(data / "dev.jsonl")
    model = Judge(base)
    if start is not None:
        start_from(model, load_file(start))
    fit = Run(model, checkpoint)
    fit.fit(rows, dev, tokenizer, 60 * minutes)
    typer.echo(json.dumps({"rows": len(rows), "steps": fit.step} | measure(fit.model, tokenizer, dev)))
    save_file(changes(fit.model), str(out))


if __name__ == "__main__":
    typer.run(main)
