"""What the docs name exists: functions, files, commands, links."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from structure import PACKAGES, ROOT, modules

PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "bench" / "README.md", ROOT / "deploy" / "README.md"]
)
_DOTTED = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`")
_PATH = re.compile(r"`((?:rag|ui|eval|train|bench|tests|docs|seeds)/[\w./-]*)`")
_COMMAND = re.compile(r"python -m ((?:rag|ui|eval|train|bench)\b[\w.]*)")
_LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


def named(pattern: re.Pattern[str], pages: list[Path] = PAGES) -> list[tuple[Path, str]]:
    """Return what a pattern finds in pages, each time with its page."""
    return sorted({(page, found) for page in pages for found in pattern.findall(page.read_text(encoding="utf-8"))})


def dotted_names() -> list[str]:
    return [name for _, name in named(_DOTTED, [ROOT / "docs" / "question.md"])]


@pytest.mark.parametrize("name", dotted_names())
def test_functions_named_on_the_way_of_a_question_exist(name: str) -> None:
    module = max((m for m in modules() if name == m or name.startswith(f"{m}.")), key=len)
    found = import_module(module)
    for part in name.removeprefix(module).strip(".").split("."):
        found = getattr(found, part)


def test_way_of_a_question_names_functions() -> None:
    assert len(dotted_names()) > 20


def test_paths_exist() -> None:
    found = named(_PATH)
    assert len(found) > 30
    assert [f"{page.relative_to(ROOT)}: {path}" for page, path in found if not (ROOT / path).exists()] == []


def test_modules_that_are_run_exist() -> None:
    found = named(_COMMAND)
    assert len(found) > 10
    missing = [(page.name, name) for page, name in found if not _is_module(ROOT.joinpath(*name.split(".")))]
    assert missing == []


def _is_module(path: Path) -> bool:
    return path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def test_links_lead_somewhere() -> None:
    local = [(page, link) for page, link in named(_LINK) if not re.match(r"\w+:", link)]
    assert len(local) > 20
    assert [f"{page.relative_to(ROOT)}: {link}" for page, link in local if not (page.parent / link).exists()] == []
