"""What tools and users depend on: the names, the errors and the plain data."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import ROOT

import rag
from rag import Answer, Engine, RagError, UsageError, errors

AID = "How much additional aid did Harris announce for the region?"


def test_names_are_sorted_and_there() -> None:
    assert rag.__all__ == sorted(rag.__all__) and len(set(rag.__all__)) == len(rag.__all__)
    for name in rag.__all__:
        assert getattr(rag, name) is not None, name
    assert set(rag.__all__) <= set(dir(rag))
    assert {"answer", "Chat", "Engine", "Settings", "Answer", "Citation", "RagError"} <= set(rag.__all__)


def test_every_public_name_says_what_it_is() -> None:
    assert [name for name in rag.__all__ if not getattr(rag, name).__doc__] == []


def test_star_import() -> None:
    names: dict[str, object] = {}
    exec("from rag import *", names)
    assert set(rag.__all__) <= set(names)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Enginee'"):
        rag.Enginee  # noqa: B018
    with pytest.raises(ImportError):
        from rag import Enginee  # noqa: F401


def test_every_error_is_public_and_in_the_tree() -> None:
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    for error in found:
        assert issubclass(error, RagError) and error.__name__ in rag.__all__
        assert error.exit_code == (2 if issubclass(error, UsageError) else 1)


def test_importing_the_package_is_cheap() -> None:
    """`rag --help` must not wait for what takes seconds to import."""
    heavy = ["torch", "chromadb", "llama_index.core", "sentence_transformers", "gradio", "xllamacpp", "transformers"]
    code = f"import sys, rag, rag.cli.app, rag.types; print([name for name in {heavy} if name in sys.modules])"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["rag.engine", "rag.cli.talk", "ui.api.mcp"])
def test_what_answers_needs_no_large_library(module: str) -> None:
    """`rag ask` without a model, and `rag mcp`, must not wait for what they do not use."""
    heavy = ["torch", "llama_index.core", "gradio", "pandas", "xllamacpp", "trafilatura", "docx", "rag.ingest.sync"]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_does_no_work(tmp_path: Path) -> None:
    code = "from rag import *; import rag.engine, rag.shared_engine, rag.cli.app"
    env = os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_answer_is_plain_data(seeds_engine: Engine) -> None:
    answer = seeds_engine.answer(AID)
    data = json.loads(json.dumps(answer.to_dict()))
    assert set(data) == {field.name for field in dataclasses.fields(Answer)}
    [cited] = data["citations"]
    assert {"marker", "source", "title", "quote", "start", "end", "support"} <= set(cited)
    text = seeds_engine.document(cited["document_id"]).text
    assert text[cited["start"] : cited["end"]] == cited["quote"]
    assert data["question"] == AID and data["abstained"] is False


def test_answer_is_for_reading_too(seeds_engine: Engine) -> None:
    answer = seeds_engine.answer(AID)
    [cited] = answer.citations
    lines = str(answer).splitlines()
    assert lines[0] == answer.text
    assert "[1]" in lines[1] and cited.source in lines[1] and cited.quote in lines[1]
    assert len(str(seeds_engine.answer("What is the capital of Australia?")).splitlines()) == 1


def test_values_cannot_be_changed(seeds_engine: Engine) -> None:
    answer = seeds_engine.answer(AID)
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.text = "other"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.citations[0].quote = "other"  # type: ignore[misc]


def test_typed_for_its_users() -> None:
    """The package says that it is typed (PEP 561), or its users' type checkers take every name for Any."""
    assert (ROOT / "rag" / "py.typed").is_file()
