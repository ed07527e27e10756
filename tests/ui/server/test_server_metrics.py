"""Figures for Prometheus."""

from __future__ import annotations

from rag import StoreError
from ui.server import metrics


def test_the_lag_is_not_a_number_while_the_database_is_down() -> None:
    def down() -> int:
        raise StoreError("the database is down")

    assert b"\ndateline_lag 3.0\n" in metrics.text(lambda: 3)
    assert b"\ndateline_lag NaN\n" in metrics.text(down)
    assert b"\ndateline_lag 0.0\n" in metrics.text(lambda: 0)
