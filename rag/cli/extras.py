"""The packages that `rag chat` and `rag eval` need beside those of the library."""

from __future__ import annotations

from importlib.util import find_spec

from rag.errors import UsageError

# The modules that each extra of pyproject.toml brings.
MODULES = {
    "eval": ("ir_measures", "jinja2", "markupsafe", "matplotlib", "sklearn", "scipy"),
    "chat": ("fastapi", "gradio", "starlette", "uvicorn"),
}


def need(*extras: str) -> None:
    """Check that the packages of some extras are installed, without importing them.

    Args:
        *extras: Names in `MODULES`; the last one is the one to install.

    Raises:
        UsageError: One of them is not installed.
    """
    missing = [module for extra in extras for module in MODULES[extra] if find_spec(module) is None]
    if missing:
        raise UsageError(
            f"this command needs packages that are not installed ({', '.join(missing)}); "
            f'run: pip install "dateline[{extras[-1]}]"'
        )
