"""The embedding, with the real model: what the rows mean, and that no text is beyond it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import ROOT, SEEDS, FakeEmbedding

from rag import ModelError
from rag.load.files import make_document
from rag.load.passages import split
from rag.models import registry
from rag.models.embedding import PassageEmbedding
from rag.models.encoder import EXACT, Vectors
from rag.types import Chunk

NAME = "all-MiniLM-L6-v2"
DIMENSIONS = 384
QUESTIONS = (
    "How much additional aid did Harris announce?",
    "Who is Mexico's foreign minister?",
    "Why was the summit in Switzerland held?",
    "What did the pope say about the war?",
    "How many people were killed in the strike?",
    "When will the court decide?",
)
COD = "The cod left the harbour in spring. Nobody in the town objected to the ban on night fishing."


@pytest.fixture(scope="module")
def model(models_folder: Path) -> PassageEmbedding:
    return PassageEmbedding(registry.path(NAME, models_folder), NAME)


@pytest.fixture(scope="module")
def reference(models_folder: Path) -> Any:
    """The same weights in sentence-transformers itself."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(registry.path(NAME, models_folder)), device="cpu", local_files_only=True)


def passages(text: str, size: int = 64) -> list[Chunk]:
    return split(make_document(text, "a.txt"), size)


def assert_unit_rows(rows: np.ndarray, count: int, dimensions: int = DIMENSIONS) -> None:
    assert rows.shape == (count, dimensions) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("text", [COD, "🎣", "…", "日本語。"])
def test_fake_has_the_shape_of_the_real_one(text: str) -> None:
    fake = FakeEmbedding()
    [chunk] = passages(text)
    [rows] = fake.embed_passages([chunk])
    assert_unit_rows(rows, 1 + len(chunk.sentences), fake.dimensions)
    assert_unit_rows(fake.embed_question(text)[None], 1, fake.dimensions)
    assert len(fake.llama_index.get_text_embedding(text)) == fake.dimensions
    assert isinstance(fake, PassageEmbedding)


def test_nothing_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    embedding = PassageEmbedding(tmp_path / "nowhere", "nowhere")
    assert embedding.model_name == "nowhere"


@pytest.mark.slow
def test_rows_are_the_passage_and_its_sentences(model: PassageEmbedding, reference: Any) -> None:
    [chunk] = passages(COD)
    [rows] = model.embed_passages([chunk])
    assert_unit_rows(rows, 1 + 2)
    assert rows[0] @ reference.encode(COD, normalize_embeddings=True) >= EXACT
    # A sentence's row is the mean of its tokens inside the passage, so it is near its own embedding but not the same.
    for row, text in zip(rows[1:], (COD[:35], COD[36:]), strict=True):
        own = reference.encode(text, normalize_embeddings=True)
        assert 0.7 < float(row @ own) < 0.9999
    fish, ban = model.embed_question("Which fish swam away?"), model.embed_question("Who was against the ban?")
    assert rows[1] @ fish > rows[2] @ fish and rows[2] @ ban > rows[1] @ ban


@pytest.mark.slow
@pytest.mark.parametrize("question", ["How much additional aid did Harris announce?", "¿Quién?", "word " * 1000])
def test_question_vector_is_sentence_transformers_own(model: PassageEmbedding, reference: Any, question: str) -> None:
    vector = model.embed_question(question)
    assert_unit_rows(vector[None], 1)
    assert vector @ reference.encode(question, normalize_embeddings=True) >= EXACT


def _as_published(reference: Any, chunk: Chunk) -> Vectors:
    """Return a passage's and its sentences' vectors, computed by sentence-transformers in float32."""
    output = reference.encode(chunk.text, output_value=None)
    tokens = output["token_embeddings"][output["attention_mask"].bool()].numpy()
    offsets = reference.tokenizer(chunk.text, return_offsets_mapping=True, truncation=True, max_length=len(tokens))
    means = [tokens.mean(axis=0)]
    for span in chunk.sentences:
        start, end = span.start - chunk.start, span.end - chunk.start
        inside = [i for i, (a, b) in enumerate(offsets["offset_mapping"]) if start <= a < b <= end]
        means.append(tokens[inside].mean(axis=0))
    return np.stack([mean / np.linalg.norm(mean) for mean in means])


@pytest.mark.slow
def test_every_vector_of_the_seeds_is_exact_enough(model: PassageEmbedding, reference: Any) -> None:
    chunks = [
        chunk
        for path in sorted(SEEDS.rglob("*.txt"))
        for chunk in split(make_document(path.read_text(encoding="utf-8"), path.name), 4)
    ]
    ours, theirs = model.embed_passages(chunks), [_as_published(reference, chunk) for chunk in chunks]
    assert len(chunks) > 30
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape and (a * b).sum(axis=1).min() >= EXACT
    all_ours, all_theirs = np.concatenate(ours), np.concatenate(theirs)
    for question in QUESTIONS:
        mine = np.argmax(all_ours @ model.embed_question(question))
        assert mine == np.argmax(all_theirs @ reference.encode(question, normalize_embeddings=True))


@pytest.mark.slow
def test_later_processes_load_neither_torch_nor_sentence_transformers(model: PassageEmbedding) -> None:
    if not model.path.startswith("openvino"):
        pytest.skip(f"here it runs on {model.path}")
    script = (
        "import sys; from rag.models.embedding import PassageEmbedding\n"
        f"e = PassageEmbedding({model.folder!r}, 'm'); assert e.path == {model.path!r}; e.embed_question('Cod?')\n"
        "heavy = 'torch', 'sentence_transformers', 'transformers', 'openvino_telemetry'\n"
        "print([name for name in heavy if sys.modules.get(name)])"
    )
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.slow
def test_order_is_kept_over_batches(model: PassageEmbedding) -> None:
    texts = [" ".join(f"Boat {n} left harbour {k}." for k in range(1 + n * 7 % 5)) for n in range(12)]
    chunks = [chunk for text in texts for chunk in passages(text)]
    together = model.embed_passages(chunks)
    assert len(together) == 12
    for chunk, rows in zip(chunks, together, strict=True):
        assert_unit_rows(rows, 1 + len(chunk.sentences))
        [alone] = model.embed_passages([chunk])
        assert (rows * alone).sum(axis=1).min() > 0.9999  # what shares the batch changes the last bits


@pytest.mark.slow
def test_sentence_beyond_the_window_is_embedded_by_itself(model: PassageEmbedding, reference: Any) -> None:
    # The model reads 256 tokens; 40 sentences of twelve words are twice that.
    text = " ".join(f"On day {n} the boats of the old town left the harbour early." for n in range(40))
    [chunk] = passages(text)
    [rows] = model.embed_passages([chunk])
    assert_unit_rows(rows, 1 + 40)
    last = chunk.sentences[-1]
    own = reference.encode(text[last.start : last.end], normalize_embeddings=True)
    assert rows[-1] @ own >= EXACT


@pytest.mark.slow
@pytest.mark.parametrize("text", ["🎣", "…", "\u200b", "日本語。", "x" * 3000, "…\n\n" * 30 + "Cod.", "ﬁ\u0301 İ."])
def test_no_text_is_beyond_it(model: PassageEmbedding, text: str) -> None:
    chunks = passages(text)
    for chunk, rows in zip(chunks, model.embed_passages(chunks), strict=True):
        assert_unit_rows(rows, 1 + len(chunk.sentences))


@pytest.mark.slow
def test_llama_index_can_use_it(model: PassageEmbedding) -> None:
    vector = model.embed_question(COD).tolist()
    assert model.llama_index.get_text_embedding(COD) == pytest.approx(vector, abs=1e-6)
    assert model.llama_index.get_query_embedding(COD) == pytest.approx(vector, abs=1e-6)
    assert np.dot(model.llama_index.get_text_embedding_batch([COD, "Herring."])[0], vector) > 0.9999
    assert asyncio.run(model.llama_index.aget_query_embedding(COD)) == pytest.approx(vector, abs=1e-6)


@pytest.mark.slow
def test_threads_share_it(model: PassageEmbedding) -> None:
    texts = [f"Boat {n} left the harbour." for n in range(8)]
    alone = [model.embed_question(text) for text in texts]
    found: dict[int, np.ndarray] = {}

    def work(number: int) -> None:
        found[number] = model.embed_question(texts[number])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        np.testing.assert_allclose(found[number], alone[number], atol=1e-6)


@pytest.mark.slow
def test_unknown_model_is_one_line_without_a_network(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", Path("no-such-org/no-such-model")):
        with pytest.raises(ModelError) as caught:
            PassageEmbedding(folder, "nowhere").load()
        assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "harmed", ["model.safetensors", "tokenizer.json", "config.json", "modules.json", "1_Pooling/config.json"]
)
def test_damaged_model_is_one_line(models_folder: Path, tmp_path: Path, harmed: str) -> None:
    copy = tmp_path / "copy"
    original = registry.path(NAME, models_folder)
    shutil.copytree(original, copy, copy_function=lambda a, b: Path(b).symlink_to(a))
    (copy / harmed).unlink()
    (copy / harmed).write_bytes(b"damaged " * 100)
    with pytest.raises(ModelError) as caught:
        PassageEmbedding(copy, "copy").load()
    assert "\n" not in str(caught.value) and str(copy) in str(caught.value)


@pytest.mark.slow
def test_failed_loading_can_be_tried_again(models_folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "later"
    embedding = PassageEmbedding(link, "later")
    with pytest.raises(ModelError):
        embedding.load()
    link.symlink_to(registry.path(NAME, models_folder), target_is_directory=True)
    assert embedding.embed_question(COD).shape == (DIMENSIONS,)
