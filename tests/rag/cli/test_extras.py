"""What works without the packages of the extras, and what is said where one is missing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import Rag, environment
from fakes import ROOT

from rag.cli import extras

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture
def lacking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make one module look as if it were not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == request.param else find(name))


@pytest.mark.parametrize("lacking", ["matplotlib", "ir_measures"], indirect=True)
@pytest.mark.parametrize("command", ["eval", "eval compare a b", "eval report a --out b"])
def test_eval_without_its_extra_is_one_line(lacking: None, rag: Rag, command: str) -> None:
    done = rag(*command.split())
    assert done.code == 2 and len(done.err.splitlines()) == 1
    assert 'pip install "dateline[eval]"' in done.err


@pytest.mark.parametrize("lacking", ["gradio", "matplotlib"], indirect=True)
def test_chat_without_its_extra_is_one_line(lacking: None, rag: Rag) -> None:
    done = rag("chat")
    assert done.code == 2 and len(done.err.splitlines()) == 1
    assert 'pip install "dateline[chat]"' in done.err


@pytest.mark.parametrize("lacking", ["gradio", "matplotlib"], indirect=True)
def test_the_library_does_without_them(lacking: None, rag: Rag) -> None:
    assert rag("sources").code == 0
    assert rag("eval", "--help").code == 0


def test_ui_and_eval_are_found_where_a_wheel_holds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(sys.path)
    monkeypatch.setattr(sys, "path", list(before))
    monkeypatch.setattr(extras, "APPS", tmp_path / "apps")
    extras.need("eval")
    assert sys.path == before  # a checkout has no such folder
    (tmp_path / "apps").mkdir()
    extras.need("eval")
    extras.need("eval", "chat")
    assert sys.path[0] == str(tmp_path / "apps") and sys.path.count(sys.path[0]) == 1


def test_the_engine_imports_nothing_of_the_extras() -> None:
    modules = [module for names in extras.MODULES.values() for module in names]
    # LlamaIndex, and what Chroma needs for its server, bring some of them along.
    ours = sorted({"gradio", "ir_measures", "matplotlib", "scipy", "sklearn"})
    assert set(ours) <= set(modules)
    code = f"import sys, rag; rag.Engine, rag.answer, rag.Chat; print([m for m in {ours} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=200, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("extra", extras.MODULES)
def test_each_extra_names_the_modules_of_its_packages(extra: str) -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [line.split(">")[0] for line in project["optional-dependencies"][extra] if not line.startswith("dateline[")]
    modules = [
        {"argon2-cffi": "argon2", "markdown-it-py": "markdown_it", "scikit-learn": "sklearn"}.get(
            name, name.replace("-", "_")
        )
        for name in names
    ]
    assert sorted(modules) == sorted(extras.MODULES[extra])
    needed = {line.split(">")[0] for line in project["dependencies"]}
    assert not needed & set(names)
