"""Users in a folder of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import quick_hashes
from postgres_server import Postgres

from rag import Users


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_hashes.use(monkeypatch)


@pytest.fixture(params=["folder", "database"])
def database(request: pytest.FixtureRequest) -> str | None:
    """Return the database that has the users; None where the store's folder has them."""
    if request.param == "folder":
        return None
    server: Postgres = request.getfixturevalue("postgres")
    return server.new()


@pytest.fixture
def users(tmp_path: Path, database: str | None) -> Iterator[Users]:
    """Yield users in each place that they may be in."""
    with Users(tmp_path / "store", database) as users:
        yield users


@pytest.fixture
def filed(tmp_path: Path) -> Iterator[Users]:
    """Yield users in the store's folder."""
    with Users(tmp_path / "store") as users:
        yield users
