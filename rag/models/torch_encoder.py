"""Run embedding models with sentence-transformers, which takes seconds to import."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.errors import ModelError, one_line
from rag.models.encoder import Export, Vectors, pool
from rag.types import Span

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Large batches are slower on a processor: padding grows and the cache overflows.
_BATCH = 8
_PAIR_WINDOW = 256  # tokens of a question with a passage, or a claim with evidence


class TorchEncoder:
    """Any sentence-transformers model.

    Args:
        folder: The model's folder, or any name that sentence-transformers resolves without a network.
        bf16: Compute in bfloat16 instead of float32.

    Raises:
        ModelError: The model cannot be loaded.
    """

    def __init__(self, folder: str, bf16: bool = False) -> None:
        self._lock = threading.RLock()
        self._bf16 = bf16
        self._model = _load(folder)
        if bf16:
            self._model = self._model.bfloat16()
        self._prompts = _prompts(self._model)
        self._is_mean = _is_mean(self._model)

    @property
    def path(self) -> str:
        """Return the backend's name."""
        return "torch bf16" if self._bf16 else "torch fp32"

    def encode(self, texts: Sequence[str], question: bool = False) -> Vectors:
        """Return unit vectors; see `Encoder`."""
        options = {"batch_size": _BATCH, "show_progress_bar": False, "normalize_embeddings": True}
        if not texts:
            return np.zeros((0, self._model.get_embedding_dimension() or 0), dtype=np.float32)
        with self._lock:
            if question:
                vectors = self._model.encode_query(list(texts), prompt=self._prompts[0], **options)
            else:
                vectors = self._model.encode_document(list(texts), prompt=self._prompts[1], **options)
        return np.asarray(vectors, dtype=np.float32)

    def encode_passages(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> list[list[Vectors | None]]:
        """Return the vectors of passages and sentences; see `Encoder`."""
        if not self._is_mean:
            # A sentence's vector is the mean of its tokens only if the model's vectors are means of tokens.
            return [[row, *[None] * len(own)] for row, own in zip(self.encode(texts), spans, strict=True)]
        found: list[list[Vectors | None]] = [[] for _ in texts]
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # similar lengths together, for little padding
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            with self._lock:
                outputs = self._model.encode_document(
                    [texts[i] for i in batch],
                    prompt=self._prompts[1],
                    output_value=None,
                    batch_size=_BATCH,
                    show_progress_bar=False,
                )
                for i, output in zip(batch, outputs, strict=True):
                    found[i] = self._rows(texts[i], spans[i], output)
        return found

    def _rows(self, text: str, spans: Sequence[Span], output: dict[str, Any]) -> list[Vectors | None]:
        tokens = output["token_embeddings"][output["attention_mask"].bool()].float().numpy()
        prompt = self._prompts[1]
        offsets = self._model.tokenizer(
            prompt + text, return_offsets_mapping=True, truncation=True, max_length=len(tokens)
        )["offset_mapping"]
        return pool(tokens, np.array(offsets, dtype=np.int64)[: len(tokens)], spans, prompt)

    def export(self) -> Export | None:
        """Return the model's parts, or None if its vectors are not the mean of its tokens' embeddings."""
        import torch

        if not self._is_mean:
            return None
        transformer, tokenizer = self._model[0], self._model.tokenizer

        class Tokens(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = transformer.auto_model

            def forward(self, input_ids: Any, attention_mask: Any) -> Any:
                return self.inner(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

        # Two texts of different lengths, so that no size in this example is treated as fixed.
        features = tokenizer(["Cod.", "The cod left the harbour in spring."], padding=True, return_tensors="pt")
        return Export(
            module=Tokens().eval(),
            example={name: features[name] for name in ("input_ids", "attention_mask")},
            tokenizer=tokenizer.backend_tokenizer.to_str(),
            window=min(int(self._model.max_seq_length or 1 << 20), 1 << 20),
            padding=int(tokenizer.pad_token_id or 0),
            prompts=self._prompts,
        )


def export_reader(folder: str, changes: Mapping[str, Vectors]) -> Export:
    """Return the model in a folder, changed to read a question with a passage; see `rag.models.reader`.

    Args:
        folder: A BERT model in the format of sentence-transformers.
        changes: See `change`.

    Raises:
        ModelError: The model cannot be loaded.
        KeyError, RuntimeError: The changes are for another model.
    """
    return _export_pairs(_load(folder), changes, ("input_ids", "attention_mask", "token_type_ids"))


def export_judge(folder: str, changes: Mapping[str, Vectors]) -> Export:
    """Return the model in a folder, changed to read a claim with evidence; see `rag.models.judge`.

    Args:
        folder: An MPNet model in the format of sentence-transformers.
        changes: See `change`.

    Raises:
        ModelError: The model cannot be loaded.
        KeyError, RuntimeError: The changes are for another model.
    """
    return _export_pairs(_load(folder), changes, ("input_ids", "attention_mask"))


def _export_pairs(model: SentenceTransformer, changes: Mapping[str, Vectors], inputs: Sequence[str]) -> Export:
    """Return a changed model that reads pairs of texts and gives the head's outputs for each token."""
    import torch

    inner, tokenizer = model[0].auto_model.float(), model.tokenizer
    change(inner, changes)
    head, bias = torch.from_numpy(changes["head"]), torch.from_numpy(changes["bias"])

    class Tokens(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
            kinds = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            read = self.inner(input_ids=input_ids, attention_mask=attention_mask, **kinds)
            return torch.nn.functional.linear(read.last_hidden_state, head, bias)

    # Two pairs of different lengths, so that no size in this example is treated as fixed.
    questions, passages = ["Who?", "Who left?"], ["Cod.", "The cod left the harbour in spring."]
    features = tokenizer(questions, passages, padding=True, return_tensors="pt", return_token_type_ids=True)
    return Export(
        module=Tokens().eval(),
        example={name: features[name] for name in inputs},
        tokenizer=tokenizer.backend_tokenizer.to_str(),
        window=min(_PAIR_WINDOW, int(inner.config.max_position_embeddings)),
        padding=int(tokenizer.pad_token_id or 0),
        prompts=("", ""),
    )


def change(model: Any, changes: Mapping[str, Vectors]) -> None:
    """Add changes to a model's weights.

    Args:
        model: A torch module.
        changes: For the weight `NAME`, the product of `NAME.left` and `NAME.right`, or all of it in `NAME.change`, is
            added; `NAME.whole` replaces it. Also the `head`, of shape (outputs, dimensions), and its `bias`.
    """
    import torch

    weights = dict(model.named_parameters())
    with torch.no_grad():
        for name, values in changes.items():
            of, _, how = name.rpartition(".")
            if how == "left":
                weights[of].add_(torch.from_numpy(values @ changes[f"{of}.right"]))
            elif how == "change":
                weights[of].add_(torch.from_numpy(values))
            elif how == "whole":
                weights[of].copy_(torch.from_numpy(values))


def has_bf16() -> bool:
    """Return whether this processor computes faster in bfloat16 than in float32 with torch."""
    import torch

    # Older versions of torch do not report this.
    facts = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(facts.get("avx512_bf16") or facts.get("amx_bf16") or facts.get("bf16"))


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress messages of transformers that only its developers need."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _load(folder: str) -> SentenceTransformer:
    # Imported here because it takes seconds and `rag sources` or `import rag` do not need it.
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        return SentenceTransformer(folder, device="cpu", local_files_only=True)
    except Exception as error:  # a damaged folder can fail in many ways
        raise ModelError(
            f"embedding model {folder} cannot be loaded: {one_line(error, first=True)}; "
            "run: rag models verify, or correct the setting 'embedding'"
        ) from error


def _prompts(model: SentenceTransformer) -> tuple[str, str]:
    """Return the text to put before a question and before a passage."""
    default = model.prompts.get(model.default_prompt_name or "") or ""
    passage = next((model.prompts[name] for name in ("document", "passage", "corpus") if model.prompts.get(name)), "")
    return model.prompts.get("query") or default, passage or default


def _is_mean(model: SentenceTransformer) -> bool:
    """Return whether a text's vector is the mean of its tokens' embeddings, with token positions available."""
    kinds = [type(module).__name__ for module in model]
    return bool(
        kinds in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
        and model[1].pooling_mode == "mean"
        and (model[1].include_prompt or not any(_prompts(model)))
        and getattr(model.tokenizer, "is_fast", False)
        and model.truncate_dim is None
    )
