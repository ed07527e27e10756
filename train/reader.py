"""`python -m train.reader DATA`: fit the changes that turn the embedding model into a reader.

DATA is a folder with public question sets (docs/experiments/2026-11-22-reader.md says where each is from):

- `*.squad.json`: SQuAD's format. A question without an answer counts as having none in its paragraph, unless it is in
  `known.tsv`.
- `pairs.tsv`, `known.tsv`: questions with the sentence that each was asked about, in lower case, as Du et al. (2017)
  published them. From the second, only questions that are also in the files above are used.
- `*.selqa.json`: questions with the sentences of a section and the numbers of those that answer.

Every question is read with the passage that answers it and with one that shares most of its words and does not. A
softmax runs over all tokens of both, and over "none of them"; the tokens where an answer begins (or all tokens of the
sentence, if the answer is not marked) share the target. A second softmax, over the tokens from there on, learns where
the answer ends.

The shipped file was made in two runs: one without ends, and one that went on from it (`--start`) with ends.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from safetensors.numpy import load_file
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tqdm import tqdm
from transformers import BertModel, get_linear_schedule_with_warmup

from rag.models.torch_encoder import change, has_bf16
from train.reader_data import Data, Question

_ROUNDS = ((6_400, 1.5e-4), (None, 1.3e-4))  # questions and peak learning rate; the last round takes the rest
_AGAIN = ((None, 1e-4),)  # the same when going on from earlier changes
_BATCH = 16
_TOKENS = 208
_WARM_UP = 0.06
_WITHOUT = 0.12  # share of the answerable questions that are read without the passage that answers them
_RANK = 32  # rank of the changes that are kept


class Reader(torch.nn.Module):
    """The embedding model with three outputs per token: an answer begins here, none does (first token), it ends here.

    Args:
        folder: The embedding model.
        start: Changes of an earlier run to go on from.
    """

    def __init__(self, folder: Path, start: Path | None = None) -> None:
        super().__init__()
        # Eager attention without dropout is the fastest on a processor, and one round needs no dropout.
        self.bert = BertModel.from_pretrained(
            folder,
            add_pooling_layer=False,
            attn_implementation="eager",
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        self.head = torch.nn.Linear(self.bert.config.hidden_size, 3)
        if start is not None:
            known = {name: values.astype(np.float32) for name, values in load_file(start).items()}
            change(self.bert, known)
            with torch.no_grad():
                self.head.weight[: len(known["head"])] = torch.from_numpy(known["head"])
                self.head.bias[: len(known["bias"])] = torch.from_numpy(known["bias"])
        self.bert.embeddings.requires_grad_(False)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return the three outputs for each token."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_bf16()):
            read = self.bert(input_ids=ids, attention_mask=mask, token_type_ids=second).last_hidden_state
            outputs: torch.Tensor = self.head(read)
        return outputs.float()


def loss(
    model: Reader, tokenizer: Tokenizer, batch: Sequence[Question], data: Data, draw: random.Random
) -> torch.Tensor:
    """Return the mean negative log-likelihood of the right answers."""
    encodings, of, right = [], [], []
    for n, question in enumerate(batch):
        without = question.gold is None or (draw.random() < _WITHOUT and bool(question.negatives))
        gold = [] if without or question.gold is None else [question.gold]
        read = [*gold, *question.negatives[: 2 - len(gold)]]
        for number in read:
            encoding = tokenizer.encode(question.text, data.passages[number].text)
            encodings.append(encoding)
            of.append(n)
            right.append(_right(encoding, question, data) if number == question.gold else np.zeros(len(encoding.ids)))
    order = sorted(range(len(encodings)), key=lambda i: len(encodings[i].ids))
    every, good, none, ends = (torch.zeros(len(order)) for _ in range(4))
    for part in (order[: len(order) // 2], order[len(order) // 2 :]):  # similar lengths together, for little padding
        ids, mask, second, passage, labels, after, last = (
            np.zeros((len(part), max(len(encodings[i].ids) for i in part)), np.int64) for _ in range(7)
        )
        for row, i in enumerate(part):
            encoding, length = encodings[i], len(encodings[i].ids)
            ids[row, :length], mask[row, :length], second[row, :length] = encoding.ids, 1, encoding.type_ids
            passage[row, :length], labels[row, :length] = _of_passage(encoding), right[i]
            after[row, :length], last[row, :length] = _ends(encoding, batch[of[i]]) if right[i].any() else (0, 0)
        outputs = model(*(torch.from_numpy(array) for array in (ids, mask, second)))
        begins = outputs[..., 0]
        rows = torch.tensor(part)
        every = every.index_put((rows,), _total(begins, passage))
        good = good.index_put((rows,), _total(begins, labels))
        none = none.index_put((rows,), outputs[:, 0, 1])
        ended = _total(outputs[..., 2], after) - _total(outputs[..., 2], last)
        ends = ends.index_put((rows,), torch.where(torch.from_numpy(last).any(1), ended, 0.0))
    total = torch.zeros(())
    for n in range(len(batch)):
        mine = torch.tensor([i for i, other in enumerate(of) if other == n])
        nothing = none[mine].mean()
        answered = any(right[i].any() for i in mine.tolist())
        best = torch.logsumexp(good[mine], 0) if answered else nothing
        total = total + torch.logsumexp(torch.cat([every[mine], nothing[None]]), 0) - best + ends[mine].sum()
    return total / len(batch)


def fit(model: Reader, tokenizer: Tokenizer, data: Data, rounds: Sequence[tuple[int | None, float]]) -> None:
    """Fit the model to the questions, each used once."""
    draw = random.Random(0)
    draw.shuffle(data.questions)
    first = 0
    for count, rate in rounds:
        questions = data.questions[first : first + count if count else None]
        first += len(questions)
        batches = _batches(questions, data, draw)
        groups = [
            [p for p in model.parameters() if p.requires_grad and (p.dim() > 1) == many] for many in (True, False)
        ]
        optimizer = torch.optim.AdamW(
            [{"params": groups[0], "weight_decay": 0.01}, {"params": groups[1], "weight_decay": 0.0}],
            lr=rate,
            betas=(0.9, 0.98),
        )
        schedule = get_linear_schedule_with_warmup(optimizer, round(_WARM_UP * len(batches)), len(batches))
        for batch in (bar := tqdm(batches)):
            optimizer.zero_grad()
            value = loss(model, tokenizer, batch, data, draw)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            bar.set_postfix(loss=f"{value.item():.2f}")


def changes(model: Reader, base: BertModel) -> dict[str, torch.Tensor]:
    """Return the changes for `rag.models.torch_encoder.export_reader`: low-rank for matrices, whole for vectors."""
    found: dict[str, torch.Tensor] = {"head": model.head.weight, "bias": model.head.bias}
    fitted = dict(model.bert.named_parameters())
    for name, before in base.named_parameters():
        if name not in fitted or not fitted[name].requires_grad:
            continue
        change = (fitted[name] - before).detach()
        if change.dim() == 1:
            found[f"{name}.change"] = change
        else:
            left, size, right = torch.linalg.svd(change, full_matrices=False)
            scale = size[:_RANK].sqrt()
            found[f"{name}.left"], found[f"{name}.right"] = left[:, :_RANK] * scale, scale[:, None] * right[:_RANK]
    return {name: value.detach().to(torch.float16).contiguous() for name, value in found.items()}


def _batches(questions: Sequence[Question], data: Data, draw: random.Random) -> list[list[Question]]:
    """Return the questions in batches of similar length, shuffled within a few hundred questions."""

    def length(question: Question) -> int:
        number = question.negatives[0] if question.gold is None else question.gold
        return len(data.passages[number].text)

    found: list[list[Question]] = []
    for first in range(0, len(questions), _BATCH * 20):
        near = sorted(questions[first : first + _BATCH * 20], key=length)
        part = [near[n : n + _BATCH] for n in range(0, len(near), _BATCH)]
        draw.shuffle(part)
        found += part
    return found


def _right(encoding: Any, question: Question, data: Data) -> Any:
    """Return which tokens are right: where an answer begins, or those of the sentences that answer."""
    spans = data.passages[question.gold].spans if question.gold is not None else ()
    found = np.zeros(len(encoding.ids), bool)
    begins, ends = np.array(encoding.offsets).T
    for start in question.starts:
        found |= (begins <= start) & (start < ends)
    for n in question.sentences:
        found |= (begins >= spans[n][0]) & (begins < spans[n][1])
    return found & _of_passage(encoding)


def _ends(encoding: Any, question: Question) -> tuple[Any, Any]:
    """Return the tokens from the earliest beginning of an answer on, and those where an answer ends."""
    begins, ends = np.array(encoding.offsets).T
    inside = _of_passage(encoding) & (ends > min(question.starts, default=0))
    found = np.zeros(len(encoding.ids), bool)
    for end in question.ends:
        found |= (begins < end) & (end <= ends)
    return inside, found & inside


def _of_passage(encoding: Any) -> Any:
    begins, ends = np.array(encoding.offsets).T
    return (np.array(encoding.type_ids) == 1) & (ends > begins)


def _total(values: torch.Tensor, where: np.ndarray) -> torch.Tensor:
    return torch.logsumexp(torch.where(torch.from_numpy(where) > 0, values, torch.tensor(-1e4)), 1)


def main(
    data: Annotated[Path, typer.Argument(help="Folder of question sets.")],
    base: Annotated[Path, typer.Option(help="Folder of the embedding model.")],
    out: Annotated[Path, typer.Option(help="Where to write the changes.")] = Path("rag/models/reader.safetensors"),
    start: Annotated[Path | None, typer.Option(help="Changes of an earlier run to go on from.")] = None,
    most: Annotated[int | None, typer.Option(help="Use only this many questions.")] = None,
) -> None:
    """Fit the reader and write its changes."""
    torch.manual_seed(0)
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_TOKENS)
    model, found = Reader(base, start), Data(data, most)
    counts = {
        origin: sum(q.origin == origin for q in found.questions) for origin in {q.origin for q in found.questions}
    }
    fit(model, tokenizer, found, _AGAIN if start else _ROUNDS)
    made = {"command": "python -m train.reader", "questions": json.dumps(counts), "base": base.name}
    save_file(changes(model, BertModel.from_pretrained(base, add_pooling_layer=False)), out, made)


if __name__ == "__main__":
    typer.run(main)
