"""The packages that `rag chat` and `rag eval` need in addition to those of the library."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from rag.errors import UsageError

# The modules that each extra in pyproject.toml provides.
MODULES = {
    "eval": ("ir_measures", "jinja2", "markupsafe", "matplotlib", "sklearn", "scipy"),
    "chat": (
        "argon2",
        "fastapi",
        "gradio",
        "itsdangerous",
        "mcp",
        "prometheus_client",
        "python_multipart",
        "starlette",
        "uvicorn",
    ),
}

# The folder of `ui` and `eval` in a wheel; in a checkout they are next to `rag`.
APPS = Path(__file__).parents[1] / "apps"


def need(*extras: str) -> None:
    """Check that the packages of some extras are installed, and make `ui` and `eval` importable.

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
    if APPS.is_dir() and str(APPS) not in sys.path:
        sys.path.insert(0, str(APPS))
