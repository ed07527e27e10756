"""A tiny MPNet model with random weights, in the format of sentence-transformers."""

from __future__ import annotations

from pathlib import Path

import torch
from fakes import _WORDS, SIZE


def make_mpnet(folder: Path, layers: int = 1) -> Path:
    """Write the model into a folder and return it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import MPNetConfig, MPNetModel, MPNetTokenizerFast

    plain = folder.with_name(f"{folder.name}-plain")
    plain.mkdir(parents=True)
    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *dict.fromkeys(_WORDS)]
    (plain / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    MPNetTokenizerFast(str(plain / "vocab.txt"), unk_token="<unk>").save_pretrained(plain)
    torch.manual_seed(5)
    MPNetModel(
        MPNetConfig(
            vocab_size=len(words),
            hidden_size=SIZE,
            num_hidden_layers=layers,
            num_attention_heads=2,
            intermediate_size=SIZE,
            max_position_embeddings=130,
        )
    ).save_pretrained(plain)
    transformer = Transformer(str(plain), max_seq_length=128)
    SentenceTransformer(modules=[transformer, Pooling(SIZE, "mean")], device="cpu").save(str(folder))
    return folder
