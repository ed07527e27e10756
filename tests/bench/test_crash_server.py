"""The kills of the web chat: a few of them, and that what was lost would be seen."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest
from fakes import ROOT

from bench.crash_server import NAMES, Work, article


@pytest.mark.slow
def test_nothing_is_lost() -> None:
    """In a process of its own: it forks."""
    command = [sys.executable, "-m", "bench.crash_server", "--points", "2", "--seed", "3"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, timeout=300)
    assert done.returncode == 0 and "2 points, 0 lost or wrong" in done.stdout, done.stdout


def test_what_is_lost_is_seen() -> None:
    first, second, third = NAMES[:3]
    work = Work(random.Random(1), {first: "a", second: "b", third: None}, may={second: None})
    assert work.differences({first: "a", second: "b"}) == [] == work.differences({first: "a"})
    assert work.differences({second: "b"}) == [f"{first} holds None, not a"]
    assert work.differences({first: "x"}) == [f"{first} holds x, not a"]
    assert work.differences({first: "a", third: "c"}) == [f"{third} holds c, not None"]


def test_articles_differ_by_town_and_number() -> None:
    assert len({article(name, number) for name in NAMES for number in (1, 2)}) == 2 * len(NAMES)
