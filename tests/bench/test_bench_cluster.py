"""The benchmarks of a library for many machines: the small version with the real services, and the figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import postgres_server
import pytest
from fakes import ROOT

from bench import million
from bench.cluster import ask
from bench.cluster.outages import Outages
from bench.support.stand_in import StandIn

pytestmark = pytest.mark.long


@pytest.mark.timeout(900)
def test_nothing_is_lost_and_the_answers_are_those_of_one_process(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    if (why := postgres_server.missing()) or sys.platform != "linux":
        pytest.skip(why or "it kills processes as Linux does")
    command = [sys.executable, "-m", "bench.cluster", "--passages", "2000", "--questions", "200", "--stand-in"]
    ran = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert ran.returncode == 0, f"{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
    found = json.loads(ran.stdout)
    assert found["wrong"] == []
    assert [o["service"] for o in found["outages"]] == 2 * ["Ray node", "Chroma", "PostgreSQL", "replica"]
    assert found["questions"]["calm"]["as_one_process"] == found["questions"]["calm"]["answered"] == 100
    assert found["questions"]["broken"]["answered"] >= 100 and found["changes"]["made"] >= 2


def test_a_large_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = StandIn()
    monkeypatch.setattr("rag.models.runtime.Models.embedding", lambda _: made)
    assert million.fill(tmp_path / "store", 300, 32, 600)[0] == 300
    figures = million.measure(tmp_path / "store", 300, 32)
    assert figures["recall_at_5"] == 1  # so few are searched exactly
    assert all(value > 0 for value in figures.values())


class Counted:
    """A service that notes what happens to it."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def start(self) -> None:
        self.said.append("start")

    def kill(self) -> None:
        self.said.append("kill")


def test_each_service_is_killed_once_and_timed() -> None:
    import threading

    services, ended, shares = [Counted(), Counted()], threading.Event(), iter([0.0, 0.5, 0.5, 0.6])
    outages = Outages("ingest", [(0.4, "one", services[0]), (0.9, "two", services[1])], pause=0.0)
    ticks = iter([False, True])

    def share() -> float:
        found = next(shares, None)
        if found is None:
            ended.set()  # the work is done before the second one's turn
        return 0.6 if found is None else found

    outages.run(share, lambda name: lambda: name == "two" or next(ticks), ended)
    assert [s.said for s in services] == [["kill", "start"]] * 2
    assert [(o.service, o.recovery is not None) for o in outages.done] == [("one", True), ("two", True)]


def test_an_answer_of_another_library_is_seen() -> None:
    """The comparison itself: the same text with another citation is another answer."""
    one = {"text": "310 barrels", "citations": [{"source": "a.txt", "quote": "310 barrels."}]}
    other = {"text": "310 barrels", "citations": [{"source": "b.txt", "quote": "310 barrels."}]}
    assert ask.said(one) == ask.said(dict(one)) != ask.said(other)
