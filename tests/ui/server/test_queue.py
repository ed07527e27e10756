"""The line in front of a model: first come, first served."""

from __future__ import annotations

import pytest

from rag import Settings
from ui.chat.session import in_line
from ui.server.queue import Queue, queue_of


def test_first_come_first_served() -> None:
    line = Queue(1)
    tickets = [line.join() for _ in range(4)]
    assert [t.ahead for t in tickets] == [0, 1, 2, 3]
    tickets[1].leave()  # gave up waiting
    assert [t.ahead for t in tickets] == [0, 0, 1, 2]  # one that left has nobody before it
    tickets[0].leave()
    tickets[0].leave()
    assert [tickets[2].ahead, tickets[3].ahead] == [0, 1]


def test_several_places() -> None:
    line = Queue(2)
    assert [t.ahead for t in [line.join() for _ in range(4)]] == [0, 0, 1, 2]


def test_a_model_of_this_process_does_one_at_a_time() -> None:
    local, small = Settings(llm="local"), Settings(llm="local:small")
    assert queue_of(local).places == queue_of(small).places == queue_of(Settings(llm="/a/b.gguf")).places == 1
    assert queue_of(local) is queue_of(Settings(llm="local", caution=0.9))
    assert queue_of(local) is not queue_of(small)
    assert queue_of(Settings(llm="openai:m", llm_base_url="http://a/v1")).places > 1


@pytest.mark.parametrize(("ahead", "said"), [(1, "1 question before yours…"), (2, "2 questions before yours…")])
def test_place_in_words(ahead: int, said: str) -> None:
    assert in_line(ahead) == said
