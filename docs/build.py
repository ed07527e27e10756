"""Build the docs as HTML pages with an API reference: `python docs/build.py` (or `make docs`) writes build/docs.

The pages are the repository's Markdown files. pdoc makes the reference from the docstrings of the public names of
`rag`. The build fetches nothing, and the pages load nothing from elsewhere.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import markdown2
import pdoc.doc
import pdoc.render

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "docs"
EXTRAS = ["tables", "fenced-code-blocks", "header-ids", "cuddled-lists", "code-friendly"]
MENU = {  # address: name
    "index.html": "Dateline",
    "docs/chat.html": "Web chat",
    "docs/archive.html": "Archive",
    "docs/formats.html": "Formats",
    "docs/security.html": "Security",
    "docs/eval.html": "Eval",
    "bench/README.html": "Benchmarks",
    "deploy/README.html": "Deployment",
    "docs/question.html": "A question",
    "docs/answering.html": "Rules",
    "docs/store.html": "Store",
    "docs/structure.html": "Structure",
    "docs/experiments/README.html": "Experiments",
    "api.html": "API",
    "CHANGELOG.html": "Changelog",
    "CONTRIBUTING.html": "Contributing",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: auto; padding: 1rem; }}
nav a {{ margin-right: .8rem; white-space: nowrap; }}
pre {{ overflow-x: auto; padding: .7rem; border: 1px solid #8886; border-radius: 6px; }}
code {{ font-size: .9em; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
th, td {{ border: 1px solid #8886; padding: .3rem .6rem; text-align: left; vertical-align: top; }}
img {{ max-width: 100%; }}
</style></head><body><nav>{menu}</nav><main>
{body}
</main></body></html>
"""


def sources() -> list[Path]:
    """Return the Markdown files that become pages."""
    return sorted(
        [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "bench" / "README.md", ROOT / "deploy" / "README.md"]
    )


def address(source: Path) -> str:
    """Return the page's path below the output folder; the README is the first page."""
    path = source.relative_to(ROOT)
    return "index.html" if path.as_posix() == "README.md" else path.with_suffix(".html").as_posix()


def page(source: Path) -> str:
    """Return a Markdown file as a page with its links pointing to the other pages."""
    text = source.read_text(encoding="utf-8")
    here = address(source)
    up = "../" * here.count("/")
    body = markdown2.markdown(text, extras=EXTRAS)
    body = re.sub(r'href="([^":#]+)\.md\b', lambda m: f'href="{_page_of(source, m.group(1))}', str(body))
    menu = "".join(f'<a href="{up}{target}">{name}</a>' for target, name in MENU.items())
    title = next(line for line in text.splitlines() if line.startswith("# "))[2:]
    return PAGE.format(title=title, menu=menu, body=body)


def _page_of(source: Path, link: str) -> str:
    to_readme = (source.parent / f"{link}.md").resolve() == ROOT / "README.md"
    return f"{link.removesuffix('README')}index.html" if to_readme else f"{link}.html"


def reference() -> str:
    """Return the reference of the public names of `rag`."""
    import rag

    for name in rag.__all__:
        getattr(rag, name)  # most names are imported on first access
    pdoc.render.configure(docformat="google", show_source=False, search=False)
    module = pdoc.doc.Module(rag)
    html = pdoc.render.html_module(module, all_modules={"rag": module})
    return html.replace("<h2>API Documentation</h2>", '<h2><a href="index.html">Dateline</a></h2>')


def build(out: Path = OUT) -> None:
    """Write all pages, pictures and the reference into a folder, which is emptied first."""
    shutil.rmtree(out, ignore_errors=True)
    for source in sources():
        target = out / address(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(source), encoding="utf-8")
    for linked in [ROOT / "docs" / "example.ipynb", ROOT / "docs" / "langchain_chat.py", *(ROOT / "deploy").iterdir()]:
        if linked.is_file() and linked.suffix != ".md":
            shutil.copy(linked, out / linked.relative_to(ROOT))
    shutil.copytree(ROOT / "docs" / "img", out / "docs" / "img")
    (out / "api.html").write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    build()
    print(f"wrote {OUT.relative_to(ROOT).as_posix()}/index.html")
