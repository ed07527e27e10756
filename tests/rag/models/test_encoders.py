"""Which way an embedding model is run, with tiny models made here: small weights, but everything else is real."""

from __future__ import annotations

import json
import logging
import os
import queue
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest
from fakes import SIZE, make_model

from rag import ModelError
from rag.models import embedding as embedding_module
from rag.models import openvino_encoder
from rag.models.embedding import PassageEmbedding
from rag.models.encoder import EXACT, pool, unit
from rag.models.openvino_encoder import OpenVinoEncoder
from rag.models.torch_encoder import TorchEncoder
from rag.types import Chunk, Span

pytestmark = pytest.mark.long

FIRST, SECOND = "The cod left the harbour in spring.", "Nobody in the town objected."


def make_chunk(*sentences: str) -> Chunk:
    spans, text = [], ""
    for sentence in sentences:
        start = len(text) + bool(text)
        text = f"{text} {sentence}".strip()
        spans.append(Span(start, start + len(sentence)))
    return Chunk("c", "d", 0, len(text), text, tuple(spans))


def published(folder: Path, text: str, **options: Any) -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return np.asarray(model.encode(text, normalize_embeddings=True, **options))


@pytest.fixture(scope="module")
def mean_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "mean")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: folder)
    yield folder / "embedding"


def kept(cache: Path) -> list[Path]:
    return sorted(cache.iterdir()) if cache.exists() else []


def test_fastest_way_that_is_there(mean_model: Path) -> None:
    fastest = openvino_encoder.precisions()[0]
    embedding = PassageEmbedding(mean_model, "m")
    assert embedding.path == f"openvino {fastest}"
    assert embedding.embed_question(FIRST) @ published(mean_model, FIRST) >= EXACT


@pytest.mark.parametrize("capable", [("fp32",), ("bf16", "fp32")])
def test_what_the_processor_can_do_decides(
    mean_model: Path, monkeypatch: pytest.MonkeyPatch, capable: tuple[str, ...]
) -> None:
    monkeypatch.setattr(openvino_encoder, "precisions", lambda: capable)
    embedding = PassageEmbedding(mean_model, "m")
    # Without the instructions bfloat16 is slow, but it is computed all the same.
    assert embedding.path == f"openvino {capable[0]}"
    least = 1 - 1e-6 if capable == ("fp32",) else EXACT
    assert embedding.embed_question(SECOND) @ published(mean_model, SECOND) >= least


@pytest.mark.parametrize("bf16", [False, True])
def test_without_openvino_torch_runs_it(mean_model: Path, monkeypatch: pytest.MonkeyPatch, bf16: bool) -> None:
    monkeypatch.setattr(openvino_encoder, "is_here", lambda: False)
    monkeypatch.setattr(embedding_module, "has_bf16", lambda: bf16)
    embedding = PassageEmbedding(mean_model, "m")
    assert embedding.path == ("torch bf16" if bf16 else "torch fp32")
    [rows] = embedding.embed_passages([make_chunk(FIRST, SECOND)])
    assert rows.shape == (3, SIZE) and rows.dtype == np.float32
    assert rows[0] @ published(mean_model, f"{FIRST} {SECOND}") >= EXACT


def test_all_ways_agree_on_sentences(mean_model: Path) -> None:
    texts, spans = ["The cod. Nobody objected to the ban."], [[Span(0, 8), Span(9, 36)]]
    reference = TorchEncoder(str(mean_model))
    parts = reference.export()
    assert parts is not None
    [theirs] = reference.encode_passages(texts, spans)
    [ours] = OpenVinoEncoder(*openvino_encoder.convert(parts), "fp32").encode_passages(texts, spans)
    for a, b in zip(ours, theirs, strict=True):
        assert a is not None and b is not None
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert ours[1] is not None and ours[1] @ ours[2] < 0.99  # two sentences, two vectors


@pytest.mark.parametrize(("pooling", "dense", "size"), [("cls", False, SIZE), ("mean", True, 16), ("max", False, SIZE)])
def test_other_models_are_run_by_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pooling: str, dense: bool, size: int
) -> None:
    monkeypatch.setattr(embedding_module, "has_bf16", lambda: False)
    folder = make_model(tmp_path / "model", pooling, dense=dense)
    embedding = PassageEmbedding(folder, "m")
    assert embedding.path == "torch fp32"
    [rows] = embedding.embed_passages([make_chunk(FIRST, SECOND)])
    assert rows.shape == (3, size)
    # The mean of tokens means nothing here: each sentence is embedded by itself.
    for row, text in zip(rows, (f"{FIRST} {SECOND}", FIRST, SECOND), strict=True):
        np.testing.assert_allclose(row, published(folder, text), atol=1e-5)


@pytest.mark.parametrize("is_here", [True, False])
def test_prompts_go_before_questions_and_passages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_here: bool
) -> None:
    monkeypatch.setattr(openvino_encoder, "is_here", lambda: is_here)
    monkeypatch.setattr(embedding_module, "has_bf16", lambda: False)
    folder = make_model(tmp_path / "model", prompts={"query": "query: ", "passage": "passage: "})
    embedding = PassageEmbedding(folder, "m")
    assert embedding.path.startswith("openvino" if is_here else "torch")
    [rows] = embedding.embed_passages([make_chunk(FIRST, SECOND)])
    text = f"{FIRST} {SECOND}"
    assert rows[0] @ published(folder, f"passage: {text}") >= EXACT
    assert embedding.embed_question(text) @ published(folder, f"query: {text}") >= EXACT
    assert rows[0] @ published(folder, text) < EXACT  # else this test shows nothing
    # The prompt's tokens belong to no sentence: as the first of two or the only one it has the same tokens' mean.
    [alone] = embedding.embed_passages([make_chunk(FIRST)])
    assert alone[1] @ alone[0] < 0.9999


def test_what_is_converted_is_kept(mean_model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = PassageEmbedding(mean_model, "m").embed_question(FIRST)
    [folder] = kept(cache)
    monkeypatch.setattr(embedding_module, "TorchEncoder", None)  # would fail if it were used
    np.testing.assert_array_equal(PassageEmbedding(mean_model, "m").embed_question(FIRST), first)
    assert kept(cache) == [folder]


@pytest.mark.parametrize(
    ("harmed", "how"),
    [
        *(("model.bin", how) for how in ("cut", "garbled", "gone")),
        *(("facts.json", how) for how in ("cut", "garbled")),
        ("model.xml", "garbled"),
        ("tokenizer.json", "garbled"),
    ],
)
def test_what_is_damaged_is_converted_again(mean_model: Path, cache: Path, harmed: str, how: str) -> None:
    first = PassageEmbedding(mean_model, "m").embed_question(FIRST)
    [folder] = kept(cache)
    path = folder / harmed
    raw = path.read_bytes()
    path.unlink()
    if how != "gone":
        path.write_bytes(raw[: len(raw) // 2] if how == "cut" else bytes(byte ^ 0x55 for byte in raw))
    np.testing.assert_array_equal(PassageEmbedding(mean_model, "m").embed_question(FIRST), first)
    assert kept(cache) == [folder]
    assert openvino_encoder.restore(mean_model, OpenVinoEncoder) is not None


@pytest.mark.parametrize("harm", ["no", "cut", "garbled", "unwritable"])
def test_what_is_compiled_is_kept_beside_it(mean_model: Path, cache: Path, harm: str) -> None:
    first = PassageEmbedding(mean_model, "m").embed_question(FIRST)
    [folder] = kept(cache)
    if harm == "unwritable":
        (folder / "compiled").symlink_to("/dev/null/compiled")
    else:
        assert openvino_encoder.restore(mean_model, OpenVinoEncoder) is not None
        [compiled] = (folder / "compiled").iterdir()
        assert compiled.stat().st_size < (folder / "model.bin").stat().st_size + (folder / "model.xml").stat().st_size
        raw = compiled.read_bytes()
        compiled.chmod(0o600)
        if harm != "no":
            compiled.write_bytes(raw[: len(raw) // 2] if harm == "cut" else bytes(byte ^ 0x55 for byte in raw))
    again = openvino_encoder.restore(mean_model, OpenVinoEncoder)
    assert again is not None
    np.testing.assert_array_equal(again.encode([FIRST], question=True)[0], first)


def test_a_model_by_its_name_in_the_cache_of_hugging_face(
    mean_model: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    home = tmp_path / "hub" / "models--org--tiny"
    shutil.copytree(mean_model, home / "snapshots" / "abc")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("abc")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    first = PassageEmbedding("org/tiny", "m").embed_question(FIRST)
    assert first @ published(mean_model, FIRST) >= EXACT and len(kept(cache)) == 1
    monkeypatch.setattr(embedding_module, "TorchEncoder", None)  # would fail if it were used
    np.testing.assert_array_equal(PassageEmbedding("org/tiny", "m").embed_question(FIRST), first)


def test_other_weights_are_converted_anew(mean_model: Path, tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(mean_model, folder)
    PassageEmbedding(folder, "m").load()
    [before] = kept(cache)
    weights = folder / "model.safetensors"
    facts = weights.stat()
    os.utime(weights, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    PassageEmbedding(folder, "m").load()
    [after] = kept(cache)
    assert before != after


@pytest.mark.parametrize("where", ["a file", "full"])
def test_a_cache_that_cannot_be_written_is_no_error(
    mean_model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "a file":
        cache.parent.write_bytes(b"")
    else:
        real = Path.write_text

        def full(self: Path, *args: Any, **kwargs: Any) -> int:
            if self.name == "facts.json":
                raise OSError(28, "No space left on device")
            return real(self, *args, **kwargs)

        monkeypatch.setattr(Path, "write_text", full)
    embedding = PassageEmbedding(mean_model, "m")
    assert embedding.path.startswith("openvino")
    assert where == "a file" or kept(cache) == []


def test_a_way_that_is_not_exact_is_not_taken(
    mean_model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(embedding_module, "has_bf16", lambda: False)
    real = OpenVinoEncoder.encode

    def inexact(self: OpenVinoEncoder, *args: Any) -> np.ndarray:
        vectors = real(self, *args)
        vectors[:, 0] += 0.5
        return unit(vectors)

    monkeypatch.setattr(OpenVinoEncoder, "encode", inexact)
    with caplog.at_level(logging.WARNING, "rag"):
        assert PassageEmbedding(mean_model, "m").path == "torch fp32"
    assert "embeds otherwise" in caplog.text and kept(cache) == []


def test_a_model_that_cannot_be_converted_is_run_by_torch(
    mean_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(parts: Any) -> Any:
        raise RuntimeError("no such operation")

    monkeypatch.setattr(openvino_encoder, "convert", fail)
    monkeypatch.setattr(embedding_module, "has_bf16", lambda: False)
    assert PassageEmbedding(mean_model, "m").path == "torch fp32"


def test_lengths_of_every_kind(mean_model: Path) -> None:
    embedding = PassageEmbedding(mean_model, "m")
    texts = ["", "cod", "the cod " * 200, "?", " ", "日本語", "left", *(f"{FIRST} " * n for n in range(1, 9))]
    together = embedding._encode(texts)
    assert together.shape == (len(texts), SIZE)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert vector @ published(mean_model, text) >= EXACT
    assert embedding._encode([]).shape == (0, SIZE) and embedding.embed_passages([]) == []


def test_a_text_without_tokens_is_zeros(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", special=False)
    parts = TorchEncoder(str(folder)).export()
    assert parts is not None
    encoder = OpenVinoEncoder(*openvino_encoder.convert(parts), "fp32")
    vectors = encoder.encode(["", "cod"])
    assert not vectors[0].any() and vectors[1].any()
    assert encoder.encode_passages([""], [[Span(0, 0)]])[0][1] is None


def test_sentences_beyond_the_window(mean_model: Path) -> None:
    sentences = [f"Nobody in the town objected on day {'of ' * n}." for n in range(9)]
    [rows] = PassageEmbedding(mean_model, "m").embed_passages([make_chunk(*sentences)])
    assert rows.shape == (10, SIZE)
    assert rows[-1] @ published(mean_model, sentences[-1]) >= EXACT


def test_a_failure_at_work_is_one_line(mean_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Request:
        def start_async(self, inputs: Any) -> None: ...

        def wait(self) -> None:
            raise RuntimeError("Exception from src/plugin.cpp:1\nout of memory")

    embedding = PassageEmbedding(mean_model, "m")
    encoder = embedding._loaded()
    monkeypatch.setattr(encoder, "_idle", queue.SimpleQueue())
    encoder._idle.put(Request())
    with pytest.raises(ModelError, match="out of memory") as caught:
        embedding.embed_question(FIRST)
    assert "\n" not in str(caught.value)
    assert embedding.embed_question(FIRST).any()  # by another request


def test_batches_hold_similar_lengths_within_the_budget() -> None:
    lengths = [0, 3, 200, 700, 90, 90, 0, 91, 2]
    batches = list(openvino_encoder._batches(lengths, 1))
    assert sorted(i for batch in batches for i in batch) == [1, 2, 3, 4, 5, 7, 8]
    for batch in batches:
        padded = len(batch) * max(lengths[i] for i in batch)
        assert padded <= openvino_encoder._BATCH_TOKENS or len(batch) == 1
    assert batches[0] == [3] and batches[1] == [2, 7]


def test_a_few_texts_are_spread_over_the_streams() -> None:
    assert list(openvino_encoder._batches([110, 130, 100, 120], 2)) == [[1, 3], [0, 2]]
    assert list(openvino_encoder._batches([110, 130, 100, 120], 1)) == [[1, 3, 0], [2]]
    assert list(openvino_encoder._batches([12], 2)) == [[0]]


def test_pool_is_the_mean_of_the_tokens_that_end_in_a_sentence() -> None:
    tokens = np.array([[9, 0], [1, 0], [0, 1], [0, 3]], dtype=np.float32)
    offsets = np.array([[0, 0], [2, 5], [5, 9], [9, 12]])  # a special token, then words with the space before them
    rows = pool(tokens, offsets, [Span(0, 3), Span(4, 10), Span(11, 20)], prompt="p ")
    # all: (10, 4) / 4; first: the token that ends at 3; second: those that end at 7 and 10; third: none
    np.testing.assert_allclose(rows[0], unit(np.array([10, 4], dtype=np.float32)))
    np.testing.assert_allclose(rows[1], [1, 0])
    np.testing.assert_allclose(rows[2], [0, 1])
    assert rows[3] is None


def test_facts_are_plain_json(mean_model: Path, cache: Path) -> None:
    PassageEmbedding(mean_model, "m").load()
    [folder] = kept(cache)
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    assert facts["window"] == 24 and facts["dimensions"] == SIZE and len(facts["probe"]) == 10 * SIZE
