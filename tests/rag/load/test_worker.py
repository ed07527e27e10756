"""The process that parses files: what it may take, how it ends, and that the next file is read all the same."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from broken import SAMPLES
from fakes import ROOT

from rag import Document, DocumentError
from rag.load import worker
from rag.load.files import read_bytes

BRIDGE = (SAMPLES / "bridge.pdf").read_bytes()


def document(raw: bytes) -> Document:
    (one,) = read_bytes(raw, "a.pdf")
    assert isinstance(one, Document)
    return one


def refused(raw: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        list(read_bytes(raw, "a.pdf"))
    return str(caught.value)


@pytest.fixture
def fresh() -> Any:
    worker.stop()
    yield
    worker.stop()


@pytest.mark.usefixtures("fresh")
def test_a_parser_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SECONDS", 0.01)  # it has not even started by then
    assert "takes longer than 0.01 s" in refused(BRIDGE)
    monkeypatch.setattr(worker, "SECONDS", 60)
    assert document(BRIDGE).title


@pytest.mark.skipif(worker._OUT_OF_TIME is None, reason="this system does not count a process's time")
@pytest.mark.usefixtures("fresh")
def test_only_its_own_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    page = b"<p>The cod left the harbour in spring.</p>"
    assert worker.call("prose", page, "a.html")
    assert worker._process is not None
    monkeypatch.setattr(worker, "SECONDS", 2.0)
    worker._process.send_signal(signal.SIGSTOP)  # as on a machine that does something else
    threading.Timer(3.0, worker._process.send_signal, (signal.SIGCONT,)).start()
    assert worker.call("prose", page, "a.html")
    monkeypatch.setattr(worker, "SECONDS", 0.02)
    monkeypatch.setattr(worker, "_WAIT", 10_000)
    with pytest.raises(DocumentError, match="takes longer than"):
        worker.call("prose", page * 50_000, "a.html")


@pytest.mark.usefixtures("fresh")
def test_a_parser_that_crashes_is_started_again() -> None:
    assert document(BRIDGE).title
    assert worker._process is not None
    worker._process.kill()
    assert "breaks its parser" in refused(BRIDGE)
    assert document(BRIDGE).title


@pytest.mark.usefixtures("fresh")
def test_an_interrupted_call_leaves_no_answer_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = worker._exchange

    def interrupted(*arguments: Any) -> bytes:
        exchange(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(worker, "_exchange", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(read_bytes(BRIDGE, "a.pdf"))
    monkeypatch.undo()
    assert worker._process is None
    assert document(BRIDGE).title


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_memory_that_a_parser_may_take_is_bounded() -> None:
    code = """
from rag.load import worker_process as process
process.MAX_MEMORY = 1_000_000_000
process.TASKS["greedy"] = lambda raw, source: len(bytearray(2_000_000_000))
process._limit_memory()
print(process._answer("greedy", b"", {"source": "a.pdf"})["problem"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "a.pdf takes more than 1 GB to parse; split it\n"


def test_answers_of_the_process_are_plain_data() -> None:
    said = worker.call("prose", b"<h1>Rain</h1><p>It rained.</p>", "a")
    assert json.loads(json.dumps(said)) == ["Rain", "Rain\n\nIt rained."]
