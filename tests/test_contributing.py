"""The worked examples of CONTRIBUTING.md, each followed to the letter in a copy of the packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import ROOT

from bench.support.bad_endpoint import endpoint

pytestmark = pytest.mark.long

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
BLOCK = re.compile(r"^```(python|diff|toml)\n# (.+?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8000/v1"


def follow(section: str, home: Path, address: str = ADDRESS) -> str:
    """Do what a section says in a copy of the packages; return the code to try."""
    for package in ("rag", "ui", "eval"):
        shutil.copytree(ROOT / package, home / package, ignore=shutil.ignore_patterns("__pycache__"))
    (home / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "structure.py", home / "tests")
    code = ""
    for language, name, text in BLOCK.findall(SECTIONS[section]):
        target = home / name
        if name == "Try it":
            code += text
        elif language == "diff":
            change(target, text)
        else:
            assert language == "toml" or not target.exists(), f"{name} is there already"
            target.write_text(text.replace(ADDRESS, address), encoding="utf-8")
    assert code, f"{section} shows nothing to try"
    return code


def change(target: Path, lines: str) -> None:
    """Apply a change given as the lines before and after it, which occur once."""
    before = "".join(line[1:] for line in lines.splitlines(keepends=True) if line[0] in " -")
    after = "".join(line[1:] for line in lines.splitlines(keepends=True) if line[0] in " +")
    text = target.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{target.name} does not hold once: {before}"
    target.write_text(text.replace(before, after), encoding="utf-8")


def tried(code: str, home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    environment |= {"PYTHONPATH": str(home), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=home, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("section", ["A file format", "A model source", "A metric", "A tab of the web chat"])
def test_example_works_as_it_is_written(section: str, tmp_path: Path) -> None:
    tried(follow(section, tmp_path), tmp_path)


def test_example_of_an_answer_model_works(tmp_path: Path) -> None:
    with endpoint("good") as server:
        tried(follow("An answer model", tmp_path, server.url), tmp_path)
        assert server.paths == ["/v1/chat/completions"]


def test_every_section_of_examples_is_followed() -> None:
    assert set(SECTIONS) == {
        "A file format", "A model source", "An answer model", "A metric", "A tab of the web chat"
    }  # fmt: skip
