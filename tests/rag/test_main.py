"""`python -m rag` and the script `rag`, run in a folder with modules of the user's own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import environment
from fakes import ROOT

pytestmark = pytest.mark.long

SCRIPT = re.search(r'^rag = "(?P<module>[\w.]+):(?P<name>\w+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)
# Each imports eval or ui, and then ends with an error of its own before any model is loaded.
COMMANDS = [
    (("eval", "compare", "a.jsonl", "b.jsonl"), "a.jsonl"),
    (("chat", "--host", "0.0.0.0"), "RAG_PASSWORD"),
]


@pytest.fixture
def folder() -> Path:
    """Make the working folder hold the names of our packages."""
    for name in ("eval", "ui", "train"):
        Path(f"{name}.py").write_text("raise RuntimeError('the module of the user was imported')\n", encoding="utf-8")
    return Path.cwd()


def script(folder: Path) -> Path:
    """Write the console script that an installer makes of pyproject.toml."""
    assert SCRIPT
    path = folder / "rag"
    path.write_text("import sys; from {module} import {name}; sys.exit({name}())".format(**SCRIPT.groupdict()))
    return path


@pytest.mark.parametrize("start", ["module", "script"])
@pytest.mark.parametrize(("arguments", "said"), COMMANDS, ids=["eval", "chat"])
def test_modules_in_the_working_folder_are_not_imported(
    folder: Path, tmp_path: Path, start: str, arguments: tuple[str, ...], said: str
) -> None:
    command = [sys.executable, *(["-m", "rag"] if start == "module" else [str(script(tmp_path))]), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=200)
    assert "Traceback" not in done.stderr and said in done.stderr
    assert done.returncode in (1, 2)


@pytest.mark.parametrize("flags", [[], ["-I"]], ids=["plain", "isolated"])
def test_a_checkout_runs_itself(flags: list[str]) -> None:
    """In its own folder the package is found there, and what isolated Python has on its path stays."""
    code = "import sys; before = list(sys.path); from rag.__main__ import leave_working_folder as leave; leave()"
    prepared = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}; assert sys.path == before; import eval, ui"
    done = subprocess.run(
        [sys.executable, *flags, "-c", prepared],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
