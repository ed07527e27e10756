"""Consoles of any encoding, and too little memory: one line or a replaced character, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Rag, environment, process
from fakes import make_engine

from rag import memory
from rag.cli import given
from rag.errors import ModelError, StoreError
from rag.models.llm import LocalLLM

pytestmark = pytest.mark.long

ARTICLES = {"dvořák.txt": "Dvořák’s “New World” symphony was played in 東京 in May 2019, the hall said."}
QUESTION = "When was Dvořák’s symphony played in 東京?"
CONSOLES = [
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store that needs no weights to be listed or checked."""
    folder = tmp_path_factory.mktemp("console")
    make_engine(folder, documents=ARTICLES).close()
    return str(folder / "store")


@pytest.mark.parametrize("console", CONSOLES, ids=lambda env: " ".join(env))
@pytest.mark.parametrize("command", [("sources",), ("sources", "--json"), ("models", "list"), ("ask", "--help")])
def test_every_console_can_show_it(store: str, console: dict[str, str], command: tuple[str, ...]) -> None:
    run = process(*command, **console, RAG_STORE=store, RAG_EMBEDDING="fake-embedding")
    assert (run.code, run.err) == (0, "") and run.out
    if "--json" in command:
        assert json.loads(run.out)[0]["source"] == "dvořák.txt"


@pytest.mark.parametrize("console", CONSOLES, ids=lambda env: " ".join(env))
def test_errors_are_shown_too(store: str, console: dict[str, str]) -> None:
    run = process("remove", "Ďábel 東京.txt", **console, RAG_STORE=store, RAG_EMBEDDING="fake-embedding")
    [line] = run.err.splitlines()
    assert run.code == 1 and line.startswith("rag: error: the library holds no article")


@pytest.mark.slow
@pytest.mark.parametrize("console", CONSOLES, ids=lambda env: " ".join(env))
def test_asking_and_adding_on_every_console(tmp_path: Path, console: dict[str, str]) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in ARTICLES.items():
        (folder / name).write_text(text, encoding="utf-8")
    common = console | {"RAG_STORE": str(tmp_path / "store")}
    assert process("ingest", str(folder), **common).code == 0
    asked = process("ask", QUESTION, **common)
    assert asked.code == 0 and "2019" in asked.out and "Traceback" not in asked.err
    cited = json.loads(process("ask", QUESTION, "--json", **common).out)["citations"]
    assert "“New World”" in cited[0]["quote"], "escapes keep what the console lacks"
    assert process("doctor", **common).err == ""


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("std::bad_alloc"), RuntimeError("can't start new thread"), OSError(12, "no memory")],
    ids=repr,
)
def test_too_little_memory_is_one_line(rag: Rag, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(given, "opened", fail)
    run = rag("ask", "Who came?")
    [line] = run.err.splitlines()
    assert run.code == 1 and "not enough memory" in line and "RAG_LLM=extractive" in line


def test_only_a_want_of_memory_is_one() -> None:
    caused = StoreError("embedding failed")
    caused.__cause__ = ImportError("libtorch_cpu.so: failed to map segment from shared object")
    assert memory.is_short(caused)
    caused.__cause__ = BaseException("SQLite is unable to allocate memory to hold the sqlite3 object")  # Rust's panics
    assert memory.is_short(caused)
    assert not memory.is_short(StoreError("the article “Cannot allocate memory” is gone"))
    assert not memory.is_short(BlockingIOError(11, "Resource temporarily unavailable")), "that is a lock"


def test_a_stopped_command_leaves_no_traceback(rag: Rag, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(given, "opened", stop)
    assert rag("ask", "Who came?").code == 130


def test_a_model_that_does_not_fit_is_refused_before_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.gguf"
    path.write_bytes(b"GGUF")
    monkeypatch.setattr(memory, "room", lambda: 10**9)
    model = LocalLLM(path=str(path), name="large", threads=1, timeout=5)
    with pytest.raises(ModelError, match="not enough memory for the answer model"):
        model.complete("Who?")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the limit")
def test_under_a_limit_no_traceback_is_printed(tmp_path: Path) -> None:
    command = f"ulimit -c 0; ulimit -v 1000000; {sys.executable} -m rag ask 'Who came?'"
    env = environment(RAG_STORE=str(tmp_path / "store"))
    done = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, timeout=200)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "not enough memory" in done.stderr
