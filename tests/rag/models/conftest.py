"""The real weights, for slow tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.models import registry


@pytest.fixture(scope="module")
def weights(models_folder: Path) -> Path:
    return registry.path("local:small", models_folder)
