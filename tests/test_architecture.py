"""The rules of the architecture, held against every import statement of the three packages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest
from structure import LAYERS, OWNERS, layer, modules, within

import rag

# The steps that a question and a file take; they meet in the types only.
STAGES = {
    "rag.load.files",
    "rag.load.passages",
    "rag.retrieve.rank",
    "rag.retrieve.select",
    "rag.answering.generate",
    "rag.answering.verify",
}


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


def broken(found: Iterator[Import]) -> list[str]:
    return [str(i) for i in found]


def test_every_module_has_its_place() -> None:
    assert [module for module in modules() if layer(module) < 0] == []
    assert [name for row in LAYERS for name in row.split() if name not in modules()] == []


def test_imports_point_one_way() -> None:
    assert (
        broken(
            i
            for i in imports()
            if i.target in modules() and i.module != "rag" and not i.for_types and layer(i.target) > layer(i.module)
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
    whole = {"rag.engine", "rag.store.index", "rag.store.vectors", "rag.store.lexical", "rag.store.documents"}
    others = STAGES | whole | {"rag.models.embedding", "rag.models.llm"}
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
            if i.module.split(".")[0] in ("ui", "eval")
            and within(i.target, "rag")
            and (i.target != "rag" or i.name not in rag.__all__)
        )
        == []
    )


def test_eval_knows_nothing_of_the_chat_and_the_chat_runs_it_in_one_tab() -> None:
    assert broken(i for i in imports() if within(i.module, "eval") and within(i.target, "ui")) == []
    users = {i.module for i in imports() if within(i.module, "ui") and within(i.target, "eval")}
    assert {module.rpartition(".")[0] for module in users} == {"ui.quality"}


def test_engine_knows_chat_and_eval_only_in_the_command_line() -> None:
    upward = [i for i in imports() if within(i.target, "ui") or within(i.target, "eval")]
    assert {i.module for i in upward if within(i.module, "rag")} == {"rag.cli.app", "rag.cli.eval"}


def test_types_know_nothing_of_ours() -> None:
    """Except how a date is written, what an answer cost and how it is shown, which know nothing of ours themselves."""
    lowest = ("rag.types", "rag.errors", "rag.origin", "rag.usage")
    known = [("rag.types", name) for name in ("rag.origin", "rag.usage", "rag.display")]
    ours = (i for i in imports() if i.module in lowest and within(i.target, "rag"))
    assert broken(i for i in ours if (i.module, i.target) not in known) == []


def test_rules_see_every_kind_of_import() -> None:
    """The parser behind these rules, on code of its own."""
    source = """
import chromadb.config as c
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from rag.engine import Engine
def f():
    from rag import models, answer
    from rag.store.index import Index
"""
    found = [(i.target, i.name, i.for_types) for i in read("ui.app", source) if i.target != "typing"]
    assert sorted(found) == [
        ("chromadb.config", "", False),
        ("rag", "answer", False),
        ("rag.engine", "Engine", True),
        ("rag.models", "models", False),
        ("rag.store.index", "Index", False),
    ]
    with pytest.raises(AssertionError, match="absolute"):
        list(read("ui.app", "from . import x"))
