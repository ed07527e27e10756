"""Words that mean nearly the same, by the embedding model's own table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from rag import Settings
from rag.language import word_table
from rag.language.word_table import WordTable
from rag.models import registry

TABLE = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]], dtype=np.float32)
WORDS = WordTable({"frontier": 0, "border": 1, "cod": 2, "kelp": 3}, TABLE)


def test_nearness_is_scaled_between_strange_and_same() -> None:
    found = WORDS.nearness(["frontier", "jabs"], ["cod", "border", "kelp"])
    # cosines 0.0, 0.8 and -1.0; a word that the table lacks is near to nothing
    assert found.tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_case_accents_and_possessives_do_not_matter() -> None:
    assert WORDS.nearness(["Frontier's", "BORDER"], ["frontier"]).tolist() == [[1.0], [1.0]]


def test_nothing_asked_or_said() -> None:
    assert WORDS.nearness([], ["cod"]).shape == (0, 1)
    assert WORDS.nearness(["cod"], []).shape == (1, 0)


def write_model(folder: Path, kind: str = "WordPiece", tensor: str = "embeddings.word_embeddings.weight") -> Path:
    folder.mkdir()
    vocabulary = {"[PAD]": 0, "cod": 1, "##s": 2, "kelp": 3}
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": kind, "vocab": vocabulary}}))
    save_file({tensor: TABLE}, folder / "model.safetensors")
    return folder


def test_whole_words_are_read_from_the_folder(tmp_path: Path) -> None:
    words = word_table.load(write_model(tmp_path / "model"))
    assert words is not None
    assert words.nearness(["cod"], ["cod", "kelp", "##s"])[0].tolist()[::2] == [1.0, 0.0]


@pytest.mark.parametrize(("kind", "tensor"), [("BPE", "embeddings.word_embeddings.weight"), ("WordPiece", "other")])
def test_another_kind_of_model_has_no_table(tmp_path: Path, kind: str, tensor: str) -> None:
    assert word_table.load(write_model(tmp_path / "model", kind, tensor)) is None


def test_missing_and_damaged_files_are_no_error(tmp_path: Path) -> None:
    assert word_table.load(tmp_path / "nowhere") is None
    folder = write_model(tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"broken")
    assert word_table.load(folder) is None


@pytest.mark.slow
def test_the_real_table_knows_a_border_from_a_vaccine() -> None:
    settings = Settings()
    words = word_table.load(registry.path(settings.embedding, settings.models))
    assert words is not None
    near, far = words.nearness(["frontier"], ["border", "vaccine"])[0]
    assert near > 0.3 and far == 0.0
