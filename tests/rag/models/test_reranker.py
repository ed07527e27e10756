"""The cross-encoder: a real one of sentence-transformers, tiny and untrained, and what becomes of its order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import make_engine

from rag import ModelError, Settings
from rag.models.reranker import CrossEncoderJudge, Reranker
from rag.protocols import Reading

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


CLAIMS = [
    Reading("two boats", "The harbour has two boats."),
    Reading("six", "The harbour has two boats.", question="How many boats?"),
]


def test_one_score_of_a_judge_is_its_support(tmp_path: Path) -> None:
    found = CrossEncoderJudge(str(write_model(tmp_path / "model"))).judge(CLAIMS)
    assert all(0 < one.supported < 1 and one.contradicted == 0 for one in found)
    assert CrossEncoderJudge("nowhere").judge([]) == []


def test_three_scores_of_a_judge_are_read_by_their_names(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", labels=3)
    config = json.loads((folder / "config.json").read_text())
    names = ("contradiction", "entailment", "neutral")
    config |= {"id2label": dict(enumerate(names)), "label2id": {name: n for n, name in enumerate(names)}}
    (folder / "config.json").write_text(json.dumps(config))
    found = CrossEncoderJudge(str(folder)).judge(CLAIMS)
    assert all(0 < one.supported < 1 and 0 < one.contradicted < 1 for one in found)
    assert all(one.supported + one.contradicted < 1 for one in found)


def test_a_model_that_is_no_judge_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'judge'"):
        CrossEncoderJudge(str(write_model(tmp_path / "two", labels=2))).judge(CLAIMS)
    with pytest.raises(ModelError, match="does not name its labels"):
        CrossEncoderJudge(str(write_model(tmp_path / "three", labels=3))).judge(CLAIMS)
    with pytest.raises(ModelError, match="correct the setting 'judge'"):
        CrossEncoderJudge(str(tmp_path / "nowhere")).judge(CLAIMS)
