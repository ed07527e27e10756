"""How answers look: short at a prompt, and without markup of the articles in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import make_engine
from markdown2 import markdown

from rag import Answer, Chat, Citation, Settings, Span, Statement, display


def cited(quote: str, **more: str) -> Citation:
    return Citation(1, "a.txt", more.pop("title", "T"), quote, 0, len(quote), 0.9, "d", Span(0, 1), **more)


def answered(text: str, *citations: Citation, abstained: bool = False) -> Answer:
    return Answer("Q?", text, abstained, citations, (), "m", {}, "", confidence=0.87)


def test_values_are_short_at_a_prompt() -> None:
    assert repr(answered("Two [1]", cited("x"))) == "Answer('Two [1]', 1 cited, confidence 0.87)"
    assert repr(answered("No.", abstained=True)) == "Answer('No.', abstained, confidence 0.87)"
    assert repr(Statement("Two", (1, 2), 0.934)) == "Statement('Two', [1, 2], support 0.93)"
    long = repr(cited("word " * 100))
    assert len(long) < 100 and long.startswith("Citation([1] 'a.txt', 'word ")


def test_settings_show_what_was_set_and_no_key() -> None:
    shown = repr(Settings(llm="extractive", llm_api_key="letters"))
    assert shown.startswith("Settings(") and "llm='extractive'" in shown
    assert "letters" not in shown and "candidates" not in shown


def test_engine_and_chat(tmp_path: Path) -> None:
    with make_engine(tmp_path, documents={}) as engine:
        assert repr(engine) == f"Engine(store={str(tmp_path / 'store')!r}, llm='extractive')"
        assert repr(Chat(engine, [("Q?", "A.")])) == f"Chat({engine!r}, 1 turn)"


def test_a_notebook_shows_the_sources() -> None:
    answer = answered("US $310 million [1]", cited("It was $310 million.", title="Aid", date="2024-07-12"))
    shown = answer._repr_markdown_()
    assert "**[1]** Aid (12 Jul 2024)" in shown and "310 million" in shown
    assert answer._repr_markdown_() == display.markdown(answer)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[here](https://evil.example)",
        "![x](https://evil.example/x.png)",
        "https://evil.example and www.evil.example",
        "# heading",
        "1. first",
        "*a* _b_ `c` ~d~ | e |",
        "back\\*slash\\*",
        "$x$ and \\[y\\] and \\(z\\)",
        "&lt;b&gt;",
    ],
)
def test_articles_make_no_markup(hostile: str) -> None:
    shown = markdown(answered(hostile, cited(hostile, title=hostile))._repr_markdown_())
    for tag in ("<script", "<a", "<img", "<h1", "<ol", "<em", "<code", "<b>"):
        assert tag not in shown
    bare = answered(hostile, cited(hostile))._repr_markdown_()
    assert "https:" not in bare and "www." not in bare and bare.replace("<span>&#36;</span>", "").count("$") == 0
