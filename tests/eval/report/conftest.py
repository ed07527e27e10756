"""A run in which everything is hostile."""

from __future__ import annotations

import pytest
from reports import HOSTILE
from runs import record, run

from eval.records import Run


@pytest.fixture
def hostile() -> Run:
    found = record(
        HOSTILE, HOSTILE, kind=HOSTILE, answers=[HOSTILE, "x"], question=HOSTILE, quote=HOSTILE, title=HOSTILE
    )
    return run(
        found, record("b", None, due=True, question=HOSTILE), system=HOSTILE, model=HOSTILE, data=HOSTILE, llm=HOSTILE
    )
