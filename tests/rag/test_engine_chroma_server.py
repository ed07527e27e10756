"""An engine whose vectors are in a Chroma server: its answers while that is down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chroma_server import ChromaProcess
from fakes import WAIT, make_engine

from rag.engine import BY_WORDS
from rag.store import index as store_index
from rag.store.catch_up import CatchUp

pytestmark = pytest.mark.long

PIER = {
    "pier.txt": "Harborough opened a pier of 40 metres. Its builder is Odile Brandt.",
    "court.txt": "The court of Harborough fined the builder 310 euros. The judge is Ana Kovic.",
}


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ChromaProcess]:
    process = ChromaProcess(tmp_path / "chroma")
    process.start()
    yield process
    process.kill()


def test_questions_go_on_while_the_server_is_down_and_say_so(
    process: ChromaProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_index, "CatchUp", lambda work: CatchUp(work, 0.05, 0.2))
    with make_engine(tmp_path, documents=PIER, chroma=process.url) as engine:
        before = engine.answer("How long is the pier?")
        assert "40 metres" in before.text and before.notices == ()
        process.kill()
        assert engine.answer("How long is the pier?").notices == ()  # it is known
        answer = engine.answer("How much was the builder fined?")
        assert "310 euros" in answer.text and answer.notices == (BY_WORDS,)
        refused = engine.answer("Who is Zebulon Quist?")
        assert refused.abstained and refused.notices == (BY_WORDS,)
        process.start()
        until = time.monotonic() + WAIT
        while engine._index._catch_up.pending and time.monotonic() < until:
            time.sleep(0.05)
        answer = engine.answer("How much was the builder fined?")
        assert "310 euros" in answer.text and answer.notices == ()
