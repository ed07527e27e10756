"""Example questions: made from the articles, the same each time, and only where a sentence states the answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import make_engine

from rag import Engine
from ui.chat.examples import examples

ARTICLES = {
    "flood.txt": "River rises\n\nAt least 58 people were rescued in the valley on Friday. Others fled.",
    "grant.txt": "New bridge\n\nMinister Ana Torres announced $12 million in state aid for the bridge, which is old.",
    "office.txt": "Talks\n\nThe Finnish finance minister Aino Laine came. Former Danish president A B slept.",
    "said.txt": "Strike\n\nUnion leader Bo Ek said the strike would go on.",
}
EACH = {
    "flood.txt": ("How many people were rescued in the valley on Friday?",),
    "grant.txt": ("How much state aid for the bridge did Minister Ana Torres announce?",),
    "office.txt": ("Who is the Finnish finance minister?",),
    "said.txt": ("What did Bo Ek say?",),
}


def made(folder: Path, documents: dict[str, str]) -> tuple[str, ...]:
    with make_engine(folder, documents=documents) as engine:
        return examples(engine)


@pytest.mark.parametrize("name", EACH)
def test_each_kind(tmp_path: Path, name: str) -> None:
    assert made(tmp_path, {name: ARTICLES[name]}) == EACH[name]


def test_the_surest_three_from_three_articles(tmp_path: Path) -> None:
    wanted = (EACH["grant.txt"] + EACH["flood.txt"] + EACH["office.txt"],) * 2
    assert (made(tmp_path / "a", ARTICLES), made(tmp_path / "b", ARTICLES)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the weather was fine and nobody said anything of note.",
        "They said it was over. He announced $5 million in aid.",
        "<script>alert(1)</script> " + "W" * 10_000 + " said.",
        "A" * 19_000 + " 5 people " + "x " * 9000,
    ],
)
def test_no_good_question_is_none(tmp_path: Path, text: str) -> None:
    assert made(tmp_path, {"a.txt": text} if text else {}) == ()


def test_every_example_is_found_in_the_shipped_articles(seeds_engine: Engine) -> None:
    offered = examples(seeds_engine)
    assert len(offered) == 3
    with seeds_engine.using(caution=0.0) as engine:  # the scores of a fake embedding are not those calibrated for
        assert [question for question in offered if not engine.answer(question).citations] == []
