"""What the docs name exists."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from structure import PACKAGES, ROOT, modules

_DOTTED = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`")


def dotted_names() -> list[str]:
    return sorted(set(_DOTTED.findall((ROOT / "docs" / "question.md").read_text(encoding="utf-8"))))


@pytest.mark.parametrize("name", dotted_names())
def test_functions_named_on_the_way_of_a_question_exist(name: str) -> None:
    module = max((m for m in modules() if name == m or name.startswith(f"{m}.")), key=len)
    found = import_module(module)
    for part in name.removeprefix(module).strip(".").split("."):
        found = getattr(found, part)


def test_way_of_a_question_names_functions() -> None:
    assert len(dotted_names()) > 20
