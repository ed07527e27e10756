"""The cross-encoder: a real one of sentence-transformers, tiny and untrained, and what becomes of its order."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import make_engine

from rag import ModelError, Settings
from rag.models.reranker import Reranker

ARTICLES = {f"{n}.txt": f"The harbour of Tessin has {n} boats and a pier." for n in ("two", "six", "ten")}
QUESTION = "How many boats has the harbour of Tessin?"


def write_model(folder: Path, labels: int = 1) -> Path:
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir(exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "how", "many", "boats", "two", "six", "ten", "harbour"]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    config = BertConfig(vocab_size=len(words), num_labels=labels, max_position_embeddings=64, **size)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_its_order_is_taken_and_the_scores_stay(tmp_path: Path) -> None:
    name = str(write_model(tmp_path / "model"))
    with make_engine(tmp_path / "store", documents=ARTICLES) as engine:
        plain = engine.retrieve(QUESTION)
        with engine.using(reranker=name) as judged:
            found = judged.retrieve(QUESTION)
    scores = Reranker(name).scores(QUESTION, [e.text for e in plain])
    order = sorted(range(len(plain)), key=lambda n: -scores[n])
    assert [e.text for e in found] == [plain[n].text for n in order]
    assert [e.score for e in found] == [e.score for e in plain]


def test_a_missing_model_is_said(tmp_path: Path) -> None:
    with (
        make_engine(tmp_path / "store", documents=ARTICLES) as engine,
        engine.using(reranker=str(tmp_path / "nowhere")) as judged,
        pytest.raises(ModelError, match="correct the setting 'reranker'"),
    ):
        judged.retrieve(QUESTION)


def test_a_model_with_several_scores_is_none(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="3 scores"):
        Reranker(str(write_model(tmp_path / "model", labels=3))).scores(QUESTION, ["a"])


def test_it_is_off_by_default() -> None:
    assert Settings().reranker == "reader"
