"""The docs as HTML pages: whole, linked, and with nothing loaded from elsewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from structure import ROOT

import rag

pytest.importorskip("markdown2")
pytest.importorskip("pdoc")
_LINK = re.compile(r'(?:href|src)="([^"#]+)[^"]*"')


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    out = tmp_path_factory.mktemp("docs") / "out"
    module.build(out)
    found = {path: path.read_text(encoding="utf-8") for path in out.rglob("*.html")}
    assert len(found) == len(module.sources()) + 1
    return found


def test_links_of_the_pages_lead_somewhere(pages: dict[Path, str]) -> None:
    links = [(path, link) for path, text in pages.items() for link in _LINK.findall(text)]
    local = [(path, link) for path, link in links if not re.match(r"\w+:", link)]
    assert len(local) > 100
    assert [(path.name, link) for path, link in local if not (path.parent / link).exists()] == []


def test_pages_load_nothing_from_elsewhere(pages: dict[Path, str]) -> None:
    loaded = [re.findall(r'(?:<link[^>]+href|src)="(\w+:[^"]{0,60})', text) for text in pages.values()]
    assert [address for found in loaded for address in found if not address.startswith("data:")] == []


def test_reference_has_every_public_name(pages: dict[Path, str]) -> None:
    text = next(text for path, text in pages.items() if path.name == "api.html")
    assert set(rag.__all__) <= set(re.findall(r'<section id="([^"]+)"', text))
    assert str(Path.home()) not in text, "a default shows where this machine keeps its files"
