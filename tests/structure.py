"""Define which folders may import which, for the architecture tests and docs/structure.md."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("rag", "eval", "ui", "train")

# Lowest first. A module imports only from its own row and from the rows above it. A folder means all modules in it that
# no other row names.
LAYERS: tuple[str, ...] = (
    "rag.errors rag.origin rag.usage rag.display rag.types rag.reports rag.memory rag.settings rag.protocols",
    "rag.language",
    "rag.network",
    "rag.load",
    "rag.models",
    "rag.store",
    "rag.users",
    "rag.ingest",
    "rag.retrieve",
    "rag.answering",
    "rag.library rag.engine rag.shared_engine rag.chat rag",
    "eval.datasets",
    "eval.records",
    "eval.score",
    "eval.run",
    "eval.report",
    "eval",
    "train",
    "ui.assets ui.events",
    "ui.server",
    "ui.chat",
    "ui.check",
    "ui.library",
    "ui.settings",
    "ui.quality",
    "ui.api",
    "ui.account ui.page ui.app ui",
    "rag.cli rag.__main__",
)
# The only modules that may use a third-party engine.
OWNERS: dict[str, set[str]] = {
    "chromadb": {"rag.store.vectors", "rag.store.vector_server"},
    "llama_index.vector_stores": {"rag.store.vectors", "rag.store.vector_server"},
    "openvino": {"rag.models.openvino_encoder"},
    "sentence_transformers": {"rag.models.torch_encoder", "rag.models.reranker"},
    "tokenizers": {"rag.models.openvino_encoder", "train.judge", "train.reader"},
    "torch": {"rag.models.torch_encoder", "train.judge", "train.reader"},
    "transformers": {"rag.models.torch_encoder", "rag.models.reranker", "train.judge", "train.reader"},
    "xllamacpp": {"rag.models.llm"},
    "openai": {"rag.models.endpoint_llm"},
    "llama_index.llms": {"rag.models.endpoint_llm"},
    "tantivy": {"rag.store.lexical"},
    "watchfiles": {"rag.ingest.watch"},
    "fsspec": {"rag.ingest.objects"},
    "ray": {"rag.ingest.ray_cluster"},
    "safetensors": {"rag.language.word_table", "rag.models.fitted", "train.judge", "train.reader"},
    "sqlite3": {"rag.store.database"},
    "sqlalchemy": {"rag.store.postgres"},
    "argon2": {"rag.users.passwords"},
    "authlib": {"ui.server.oidc"},
    "joserfc": {"ui.server.oidc"},
    "itsdangerous": {"ui.server.sessions"},
    "datasketch": {"rag.store.duplicates"},
    "dateparser": {"rag.language.dates", "rag.language.day_names", "rag.language.relative"},
    "sentencex": {"rag.language.sentences"},
    "snowballstemmer": {"rag.language.grammar"},
    "stopwordsiso": {"rag.language.grammar", "rag.language.unspaced"},
    "huggingface_hub": {"rag.models.weights.hub", "rag.models.embedding"},
    "typer": {
        "rag.cli.app",
        "rag.cli.eval",
        "rag.cli.models",
        "rag.cli.users",
        "train.claims",
        "train.confidence",
        "train.judge",
        "train.planted",
        "train.reader",
        "train.route",
        "train.sets",
        "train.support",
    },
    "gradio": {
        "ui.account",
        "ui.app",
        "ui.page",
        "ui.chat.layout",
        "ui.chat.tab",
        "ui.check.tab",
        "ui.library.adder",
        "ui.library.tab",
        "ui.quality.own_tab",
        "ui.quality.tab",
        "ui.settings.tab",
    },
    "markdown_it": {"rag.answering.markup", "ui.chat.markdown"},
    "mcp": {"ui.api.app", "ui.api.mcp"},
    "opentelemetry": {"ui.server.traces"},
    "prometheus_client": {"ui.server.metrics"},
    "httpcore": {"rag.network.bounded", "rag.network.connect", "rag.load.web"},
    "trafilatura": {"rag.load.formats.html"},
    "charset_normalizer": {"rag.load.detection"},
    "docx": {"rag.load.formats.word"},
    "feedparser": {"rag.load.formats.feed"},
    "lxml": {
        "rag.load.formats.epub",
        "rag.load.formats.html",
        "rag.load.formats.packed_xml",
        "rag.load.formats.page_date",
    },
    "htmldate": {"rag.load.formats.page_date"},
    "py3langid": {"rag.language.identify"},
    "pypdfium2": {"rag.load.formats.pdf_process"},
    "striprtf": {"rag.load.formats.rtf"},
    "webencodings": {"rag.load.charset"},
    "yaml": {"rag.load.formats.plain"},
    "matplotlib": {"eval.report.plots"},
    "jinja2": {"eval.report.page"},
    "ir_measures": {"eval.score.formulas"},
    "sklearn": {
        "eval.score.figures",
        "train.confidence",
        "train.judge",
        "train.planted",
        "train.reader_data",
        "train.route",
        "train.support",
    },
}


def module_name(path: Path) -> str:
    """Return the dotted name of a module's file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    """Return every module of the packages with its file."""
    return {module_name(p): p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py"))}


def within(target: str, package: str) -> bool:
    """Return whether a dotted name is a package or is in it."""
    return target == package or target.startswith(f"{package}.")


@cache
def layer(module: str) -> int:
    """Return the row of `LAYERS` that a module is in, or -1; the longest name that contains the module decides."""
    rows = [(len(name), n) for n, row in enumerate(LAYERS) for name in row.split() if _holds(name, module)]
    return max(rows, default=(0, -1))[1]


def _holds(name: str, module: str) -> bool:
    # The three roots only mean themselves: their contents have their own rows.
    return name == module or ((name not in PACKAGES or name == "train") and within(module, name))


def first_line(module: str) -> str:
    """Return the first line of a module's docstring."""
    text = ast.get_docstring(ast.parse(modules()[module].read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0]
