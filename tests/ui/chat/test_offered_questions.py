"""Questions made from articles: only where a sentence states the answer, and about names that the article has again."""

from __future__ import annotations

import pytest

from rag.load.files import make_document
from ui.chat.questions import abouts, facts

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


@pytest.mark.parametrize("name", EACH)
def test_each_kind(name: str) -> None:
    document = make_document(ARTICLES[name], name)
    found = list(facts(document))
    assert tuple(one.text for one in found) == EACH[name]
    assert all(one.document == document.id and document.text[one.start : one.end].strip() for one in found)


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
def test_no_good_question_is_none(text: str) -> None:
    assert list(facts(make_document(text, "a.txt"))) == []


def test_facts_are_read_from_english_articles_only() -> None:
    german = make_document(ARTICLES["said.txt"], "a.txt", language="de")
    assert list(facts(german)) == []


@pytest.mark.parametrize(
    ("language", "text", "asked"),
    [
        ("en", "A\n\nThen Ana Torres came. Torres spoke.", "What do the articles say about Ana Torres?"),
        ("en", "A\n\nIt is in the Great Marsh. The Marsh is wet.", "What do the articles say about the Great Marsh?"),
        ("de", "A\n\nEs kam Ana Torres. Torres sprach.", "Was ist über Ana Torres bekannt?"),
        ("fr", "A\n\nPuis Ana de la Tour est venue. La Tour.", "Que sait-on de Ana de la Tour ?"),
        ("zh", "茶叶丰收\n\n今年春茶产量增长。", "关于“茶叶丰收”"),
    ],
)
def test_names_and_titles_in_the_language_of_the_article(language: str, text: str, asked: str) -> None:
    assert [one.text for one in abouts(make_document(text, "a.txt", language=language))] == [asked]


@pytest.mark.parametrize(
    "text",
    [
        "Then Ana Torres came.",  # named once
        "Many Central American states. American aid.",
        "It was said by Chairman Dr. Torres, and Dr. Ek.",
    ],
)
def test_what_is_no_name_gives_no_question_about_it(text: str) -> None:
    assert [one for one in abouts(make_document(f"A\n\n{text}", "a.txt", language="en")) if one.kind == "name"] == []


def test_no_wording_no_question() -> None:
    assert list(abouts(make_document("A\n\nTu Ana Torres. Torres.", "a.txt", language="xx"))) == []
