"""The line in front of a model: first come, first served."""

from __future__ import annotations

import pytest

from rag import Settings
from ui.chat.session import in_line
from ui.server.queue import Line, line_of


def test_first_come_first_served() -> None:
    line = Line(1)
    tickets = [line.join() for _ in range(4)]
    assert [t.ahead for t in tickets] == [0, 1, 2, 3]
    tickets[1].leave()  # gave up waiting
    assert [t.ahead for t in tickets] == [0, 0, 1, 2]  # one that left has nobody before it
    tickets[0].leave()
    tickets[0].leave()
    assert [tickets[2].ahead, tickets[3].ahead] == [0, 1]


def test_several_places() -> None:
    line = Line(2)
    assert [t.ahead for t in [line.join() for _ in range(4)]] == [0, 0, 1, 2]


def test_a_model_of_this_process_does_one_at_a_time() -> None:
    local, small = Settings(llm="local"), Settings(llm="local:small")
    assert line_of(local).places == line_of(small).places == line_of(Settings(llm="/a/b.gguf")).places == 1
    assert line_of(local) is line_of(Settings(llm="local", caution=0.9))
    assert line_of(local) is not line_of(small)
    assert line_of(Settings(llm="openai:m", llm_base_url="http://a/v1")).places > 1


@pytest.mark.parametrize(("ahead", "said"), [(1, "1 question before yours…"), (2, "2 questions before yours…")])
def test_place_in_words(ahead: int, said: str) -> None:
    assert in_line(ahead) == said
