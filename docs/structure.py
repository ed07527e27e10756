"""Write docs/structure.md and its picture from the code: `python docs/structure.py` (`--check`: fail if outdated).

The table of layers and engines is in tests/structure.py; tests/test_architecture.py checks the imports against it. The
description of a module is the first line of its docstring.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from html import escape
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "structure.md"
PICTURE = ROOT / "docs" / "img" / "structure.svg"
COLOURS = {"rag": "#d7e6f7", "eval": "#dcefd9", "train": "#f6e7c8", "ui": "#eadcf4"}

_START = """# Structure

This page is made by `python docs/structure.py` from `tests/structure.py` and the docstrings.

A module imports only from its own row of the table below and from the rows above it. `tests/test_architecture.py`
checks this over every import statement, and that no two modules import each other, not even through others. (What is
imported for type checking only does not count, and the package root `rag`, which hands out the public names, may import
anything in `rag` once it is asked for it.) `ui` and `eval` use `rag` through its public names.
"""


def table() -> ModuleType:
    """Return tests/structure.py as a module."""
    # Loaded by path, since it has the same name as this file.
    spec = importlib.util.spec_from_file_location("tests_structure", ROOT / "tests" / "structure.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(source: ModuleType) -> str:
    """Return docs/structure.md."""
    parts = [_START, _rows(source), _tree(source), *_modules(source), _engines(source)]
    return "\n".join(parts)


def _rows(source: ModuleType) -> str:
    lines = [
        "## Rows",
        "",
        "A folder stands for every module in it that no other row names; `rag`, `eval` and `ui` stand for",
    ]
    lines += ["their own `__init__.py` only.", "", "| Row | Folders and modules |", "|---|---|"]
    lines += [f"| {n} | {_names(row.split())} |" for n, row in enumerate(source.LAYERS, 1)]
    lines += ["", "The same rows as a picture, the first at the bottom:", ""]
    lines += ["![The rows of the table as a stack of boxes, the first at the bottom](img/structure.svg)", ""]
    return "\n".join(lines)


def _tree(source: ModuleType) -> str:
    folders = _folders(source)
    width = max(2 * name.count(".") + len(name.split(".")[-1]) for name in folders) + 3
    lines = ["## Folders", "", "```text"]
    for name in folders:
        line = "  " * name.count(".") + name.split(".")[-1] + "/"
        lines.append(f"{line:<{width}}{source.first_line(name)}")
    return "\n".join([*lines, "```", ""])


def _modules(source: ModuleType) -> list[str]:
    found = []
    for folder in _folders(source):
        inside = [m for m in source.modules() if m.rpartition(".")[0] == folder and m not in _folders(source)]
        if inside:
            lines = [f"## {_folder(folder)}", "", "| Module | What it does |", "|---|---|"]
            # An unescaped bar would end the table cell.
            lines += [
                f"| `{m.rpartition('.')[2]}.py` | {source.first_line(m).replace('|', chr(92) + '|')} |" for m in inside
            ]
            found.append("\n".join([*lines, ""]))
    return found


def _engines(source: ModuleType) -> str:
    lines = ["## Third-party engines", "", "Only these modules import them.", "", "| Engine | Modules |", "|---|---|"]
    lines += [f"| `{engine}` | {_names(sorted(users))} |" for engine, users in sorted(source.OWNERS.items())]
    return "\n".join([*lines, ""])


def _folders(source: ModuleType) -> list[str]:
    return [name for name, path in source.modules().items() if path.name == "__init__.py"]


def _folder(name: str) -> str:
    return name.replace(".", "/") + "/"


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def picture(source: ModuleType) -> str:
    """Return the rows as an SVG: pale boxes with dark text, readable on light and dark pages."""
    height, gap, left, width = 30, 5, 44, 616
    tall = len(source.LAYERS) * (height + gap) + gap
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 10} {tall}" role="img">',
        "<title>Rows of modules: each imports from its own row and the rows below it</title>",
        '<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#1b1f24">',
    ]
    for n, row in enumerate(reversed(source.LAYERS)):
        top = gap + n * (height + gap)
        colour = COLOURS[row.split()[0].split(".")[0]]
        lines.append(f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="5" fill="{colour}"/>')
        lines.append(f'<text x="{left + 14}" y="{top + 20}">{escape(", ".join(row.split()))}</text>')
    lines += [
        "</g>",
        '<g stroke="#808080" fill="none" stroke-width="2">',
        f'<path d="M30 {gap + 4}V{tall - 14}M24 {tall - 22}l6 10l6 -10"/>',
        "</g>",
        f'<text transform="translate(19 {tall // 2}) rotate(-90)" text-anchor="middle" fill="#808080"',
        ' font-family="system-ui, sans-serif" font-size="14">may import</text>',
        "</svg>",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Write both files, or compare them with `--check`; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a file is out of date")
    check = parser.parse_args().check
    source = table()
    outdated = []
    for path, text in ((PAGE, page(source)), (PICTURE, picture(source))):
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                outdated.append(path.relative_to(ROOT).as_posix())
        else:
            path.write_text(text, encoding="utf-8")
    if outdated:
        print(f"{' and '.join(outdated)} out of date; run: python docs/structure.py", file=sys.stderr)
    return bool(outdated)


if __name__ == "__main__":
    sys.exit(main())
