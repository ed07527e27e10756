"""`rag models`: what is printed where, and which models are meant."""

from __future__ import annotations

import hashlib
import json
import os
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rag.cli.models import app
from rag.errors import DownloadError, IntegrityError, ModelError, UsageError
from rag.models import registry
from rag.models.registry import Mirror, Model, WeightFile

REGISTRY = registry.MODELS
ANSWER, EMBEDDING = random.Random(1).randbytes(3000), random.Random(2).randbytes(2000)


def a_model(name: str, kind: str, file: str, data: bytes, alias: str = "") -> Model:
    pinned = WeightFile(file, len(data), hashlib.sha256(data).hexdigest())
    mirror = Mirror((), "0", "")
    return Model(name, kind, "MIT", (pinned,), f"org/{name}", "0" * 40, mirror, alias)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def known_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RAG_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_MODELS", str(tmp_path / "models"))
    known = (
        a_model("answers", "answer", "answers.gguf", ANSWER, alias="local"),
        a_model("all-MiniLM-L6-v2", "embedding", "model.safetensors", EMBEDDING),
    )
    monkeypatch.setattr(registry, "MODELS", known)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "answers.gguf").write_bytes(ANSWER)
    (folder / "model.safetensors").write_bytes(EMBEDDING)
    return folder


def run(*words: object) -> tuple[str, str]:
    """Return what goes to stdout and to stderr; errors rise."""
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_pull_takes_the_models_of_the_settings(tmp_path: Path, elsewhere: Path) -> None:
    out, err = run("pull", "--from", elsewhere)
    assert out.splitlines() == [
        str(tmp_path / "models" / "answers" / "answers.gguf"),
        str(tmp_path / "models" / "all-MiniLM-L6-v2"),
    ]
    assert "all-MiniLM-L6-v2" in err  # the progress bar


def test_pull_leaves_out_what_has_no_name(tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_LLM", "extractive")
    out, _ = run("pull", "--from", elsewhere)
    assert out.splitlines() == [str(tmp_path / "models" / "all-MiniLM-L6-v2")]
    monkeypatch.setenv("RAG_EMBEDDING", "some/folder")
    with pytest.raises(UsageError, match="rag models pull NAME"):
        run("pull")


def test_pull_checks_all_names_before_it_downloads(tmp_path: Path, elsewhere: Path) -> None:
    with pytest.raises(ModelError, match=r"did you mean answers\?"):
        run("pull", "local", "answer", "--from", elsewhere)
    assert not (tmp_path / "models").exists()


def test_pull_lets_errors_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DownloadError("no source")

    monkeypatch.setattr(registry, "pull", fail)
    with pytest.raises(DownloadError):
        run("pull", "local")


def test_list(elsewhere: Path) -> None:
    run("pull", "local", "--from", elsewhere)
    out, _ = run("list")
    assert [line.split() for line in out.splitlines() if "MB" in line] == [
        ["answers", "local", "answer", "0", "MB", "MIT", "ready"],
        ["all-MiniLM-L6-v2", "embedding", "0", "MB", "MIT", "missing"],
    ]
    rows = json.loads(run("list", "--json")[0])
    assert rows[0] == {
        "name": "answers",
        "alias": "local",
        "kind": "answer",
        "size": 3000,
        "license": "MIT",
        "status": "ready",
    }


def test_list_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MODELS", REGISTRY)
    monkeypatch.setenv("COLUMNS", "80")
    out, _ = run("list")
    assert "qwen2.5-coder-1.5b" in out
    assert "1,117 MB" in out
    assert "…" not in out


def test_path_prints_only_the_path(tmp_path: Path, elsewhere: Path) -> None:
    run("pull", "local", "--from", elsewhere)
    assert run("path", "local")[0] == f"{tmp_path / 'models' / 'answers' / 'answers.gguf'}\n"
    with pytest.raises(ModelError, match="rag models pull all-MiniLM-L6-v2"):
        run("path", "all-MiniLM-L6-v2")


def test_verify_checks_what_is_here(tmp_path: Path, elsewhere: Path) -> None:
    with pytest.raises(ModelError, match="run: rag models pull"):
        run("verify")
    run("pull", "--from", elsewhere)
    assert run("verify")[0] == "answers: ok\nall-MiniLM-L6-v2: ok\n"
    (tmp_path / "models" / "answers" / "answers.gguf").write_bytes(b"damaged")
    with pytest.raises(IntegrityError, match="rag models pull answers"):
        run("verify")
    assert run("verify", "all-MiniLM-L6-v2")[0] == "all-MiniLM-L6-v2: ok\n"
    (tmp_path / "models" / "all-MiniLM-L6-v2" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"official one .*; model all-MiniLM-L6-v2 is not complete"):
        run("verify", "local", "all-MiniLM-L6-v2")
