"""The rules of the architecture, held against every import statement of the three packages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from fakes import ROOT

import rag

# Lowest first. A module imports from rows above its own only, so nothing ever comes round in a circle.
LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(row.split())
    for row in (
        "rag.types rag.errors rag.text rag.memory rag.console",
        "rag.formats rag.formats.article rag.formats.dates rag.formats.language rag.formats.pdf_process",
        "rag.formats.charset rag.formats.archive rag.formats.worker",
        "rag.formats.html rag.formats.plain rag.formats.pdf rag.formats.word",
        "rag.formats.epub rag.formats.feed rag.formats.mail rag.formats.rows",
        "rag.formats.worker_process",
        "rag.formats.kinds",
        "rag.weights rag.weights.pins",
        "rag.weights.job",
        "rag.weights.hub rag.weights.mirror",
        "rag.question rag.settings rag.download rag.confidence rag.connect rag.database rag.similar rag.encoder",
        "rag.prompts rag.contrary rag.web rag.openvino_encoder rag.torch_encoder rag.kin rag.rerank rag.bounded "
        "rag.reply",
        "rag.wording rag.endpoint_llm",
        "rag.planted",
        "rag.load rag.chunk rag.retrieve rag.evidence rag.verify rag.documents rag.lexical rag.store rag.embed rag.llm "
        "rag.models rag.draft rag.reader",
        "rag.outbox rag.filters",
        "rag.search",
        "rag.audit rag.migrate",
        "rag.index rag.salvage rag.scan rag.overlap",
        "rag.changes",
        "rag.reading",
        "rag.tally rag.writing",
        "rag.sync rag.runtime",
        "rag.sense",
        "rag.answering",
        "rag.pipeline",
        "rag.default rag.doctor rag.watch rag.cli_models",
        "rag.chat",
        "rag",
        "eval.reading",
        "eval.articles eval.dataset",
        "eval.squad eval.beir eval.table eval.records",
        "eval.formats eval.metrics eval.provenance eval.words",
        "eval.systems eval.judge eval.curves eval.view eval.fit",
        "eval.outcomes eval.figures",
        "eval.run eval.compare eval.summary eval.plots",
        "eval.page eval.plain",
        "eval.report",
        "eval",
        "ui.access ui.article ui.assets ui.calls ui.conversations ui.endpoint ui.events ui.examples ui.line ui.readers "
        "ui.runs ui.shelf ui.uploads",
        "ui.export ui.feedback ui.guard ui.intake ui.preferences ui.runner ui.session ui.sidebar",
        "ui.library_view ui.quality_view ui.render ui.settings",
        "ui.chat ui.library ui.quality",
        "ui.page",
        "ui.app",
        "ui",
        "rag.cli_eval rag.cli_ingest",
        "rag.cli",
        "rag.__main__",
    )
)
# The only module that may know a third-party engine.
OWNERS = {
    "chromadb": {"rag.store"},
    "llama_index.vector_stores": {"rag.store"},
    "openvino": {"rag.openvino_encoder"},
    "sentence_transformers": {"rag.torch_encoder", "rag.rerank"},
    "tokenizers": {"rag.openvino_encoder"},
    "torch": {"rag.torch_encoder"},
    "transformers": {"rag.torch_encoder", "rag.rerank"},
    "xllamacpp": {"rag.llm"},
    "openai": {"rag.endpoint_llm"},
    "llama_index.llms": {"rag.endpoint_llm"},
    "tantivy": {"rag.lexical"},
    "watchfiles": {"rag.watch"},
    "safetensors": {"rag.kin", "rag.reader"},
    "sqlite3": {"rag.database"},
    "datasketch": {"rag.similar"},
    "sentencex": {"rag.text"},
    "snowballstemmer": {"rag.text"},
    "huggingface_hub": {"rag.weights.hub", "rag.embed"},
    "typer": {"rag.cli", "rag.cli_eval", "rag.cli_models", "eval.fit"},
    "gradio": {"ui.app", "ui.page", "ui.chat", "ui.library", "ui.quality", "ui.settings"},
    "httpcore": {"rag.bounded", "rag.connect", "rag.web"},
    "trafilatura": {"rag.formats.html"},
    "charset_normalizer": {"rag.formats.charset"},
    "docx": {"rag.formats.word"},
    "feedparser": {"rag.formats.feed"},
    "lxml": {"rag.formats.epub", "rag.formats.html"},
    "py3langid": {"rag.formats.language"},
    "pypdfium2": {"rag.formats.pdf_process"},
    "yaml": {"rag.formats.plain"},
    "matplotlib": {"eval.plots"},
    "jinja2": {"eval.page"},
    "ir_measures": {"eval.metrics"},
    "sklearn": {"eval.figures", "eval.fit"},
}
STAGES = {"rag.load", "rag.chunk", "rag.retrieve", "rag.evidence", "rag.draft", "rag.verify"}


@dataclass(frozen=True)
class Import:
    """`target` is a module, `name` what is taken from it (empty for `import target`)."""

    module: str
    line: int
    target: str
    name: str = ""
    for_types: bool = False

    def __str__(self) -> str:
        what = f"from {self.target} import {self.name}" if self.name else f"import {self.target}"
        return f"{self.module} line {self.line}: {what}"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    return {module_name(p): p for package in ("rag", "ui", "eval") for p in sorted((ROOT / package).rglob("*.py"))}


def read(module: str, source: str) -> Iterator[Import]:
    """Yield every import, those inside functions included: an import that hides there counts all the same."""
    tree = ast.parse(source)
    only_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for child in block.body
        for node in ast.walk(child)
    }
    for node in ast.walk(tree):
        for_types = id(node) in only_types
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, node.lineno, alias.name, "", for_types)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} line {node.lineno}: imports are absolute here"
            for alias in node.names:
                # `from rag import models` takes a module, not a name of `rag`
                inner = f"{node.module}.{alias.name}"
                yield Import(
                    module, node.lineno, inner if inner in modules() else str(node.module), alias.name, for_types
                )


@cache
def imports() -> tuple[Import, ...]:
    return tuple(i for module, path in modules().items() for i in read(module, path.read_text(encoding="utf-8")))


def within(target: str, package: str) -> bool:
    return target == package or target.startswith(f"{package}.")


def broken(found: Iterator[Import]) -> list[str]:
    return [str(i) for i in found]


def layer(module: str) -> int:
    return next((n for n, row in enumerate(LAYERS) if module in row), -1)


def test_every_module_has_its_place() -> None:
    placed = [module for row in LAYERS for module in row]
    assert sorted(placed) == sorted(modules())


def test_imports_point_one_way() -> None:
    assert (
        broken(
            i
            for i in imports()
            if i.target in modules() and i.module != "rag" and not i.for_types and layer(i.target) >= layer(i.module)
        )
        == []
    )


def test_package_root_needs_only_the_errors_to_start() -> None:
    assert {i.target for i in imports() if i.module == "rag" and within(i.target, "rag") and not i.for_types} == {
        "rag.errors"
    }


def test_no_circles() -> None:
    graph: dict[str, set[str]] = {module: set() for module in modules()}
    for i in imports():
        if i.target in graph and i.target != i.module and not i.for_types:
            graph[i.module].add(i.target)
    # leaves are taken away until nothing is left; what stays is a circle
    while leaves := {module for module, targets in graph.items() if not targets}:
        graph = {module: targets - leaves for module, targets in graph.items() if module not in leaves}
    assert graph == {}


def test_stages_meet_in_the_types_only() -> None:
    others = STAGES | {"rag.index", "rag.pipeline", "rag.store", "rag.lexical", "rag.documents", "rag.embed", "rag.llm"}
    assert broken(i for i in imports() if i.module in STAGES and i.target in others - {i.module}) == []


@pytest.mark.parametrize("package", OWNERS)
def test_one_module_knows_each_engine(package: str) -> None:
    users = {i.module for i in imports() if within(i.target, package)}
    assert users <= OWNERS[package]
    assert package == "openai" or users, "a rule about what nobody imports"


def test_chat_and_eval_use_public_names_only() -> None:
    assert (
        broken(
            i
            for i in imports()
            if not within(i.module, "rag")
            and within(i.target, "rag")
            and (i.target != "rag" or i.name not in rag.__all__)
        )
        == []
    )


def test_eval_knows_nothing_of_the_chat_and_the_chat_runs_it_in_one_tab() -> None:
    assert broken(i for i in imports() if within(i.module, "eval") and within(i.target, "ui")) == []
    users = {i.module for i in imports() if within(i.module, "ui") and within(i.target, "eval")}
    assert users == {"ui.quality_view", "ui.runner", "ui.runs"}


def test_engine_knows_chat_and_eval_only_in_the_command_line() -> None:
    upward = [i for i in imports() if within(i.target, "ui") or within(i.target, "eval")]
    assert {i.module for i in upward if within(i.module, "rag")} == {"rag.cli", "rag.cli_eval"}


def test_types_know_nothing_of_ours() -> None:
    assert broken(i for i in imports() if i.module in ("rag.types", "rag.errors") and within(i.target, "rag")) == []


def test_rules_see_every_kind_of_import() -> None:
    """The parser behind these rules, on code of its own."""
    source = """
import chromadb.config as c
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from rag.pipeline import Engine
def f():
    from rag import models, answer
    from rag.index import Index
"""
    found = [(i.target, i.name, i.for_types) for i in read("ui.app", source) if i.target != "typing"]
    assert sorted(found) == [
        ("chromadb.config", "", False),
        ("rag", "answer", False),
        ("rag.index", "Index", False),
        ("rag.models", "models", False),
        ("rag.pipeline", "Engine", True),
    ]
    with pytest.raises(AssertionError, match="absolute"):
        list(read("ui.app", "from . import x"))
