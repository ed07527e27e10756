"""The made-up archive: the same for a seed, as large as wanted, every planted sentence once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.archive import articles, planted, read_questions, write
from rag.load.files import make_document
from rag.load.passages import split
from rag.types import Chunk


def passages(text: str, sentences: int = 4) -> list[Chunk]:
    return split(make_document(text, "a.txt"), sentences)


def test_same_seed_same_archive_and_another_seed_another() -> None:
    first = list(articles(30, seed=3, questions=0))
    assert first == list(articles(30, seed=3, questions=0))
    # An article is the same however many follow it.
    assert first[:10] == list(articles(10, seed=3, questions=0))
    assert not {a.text for a in first} & {a.text for a in articles(30, seed=4, questions=0)}


@pytest.mark.parametrize(("per_article", "sentences"), [(1, 4), (5, 4), (3, 2)])
def test_it_has_the_passages_that_were_wanted(per_article: int, sentences: int) -> None:
    made = list(articles(50, per_article=per_article, sentences=sentences, questions=5))
    chunks = [chunk for article in made for chunk in passages(article.text, sentences)]
    assert len(chunks) == 50 and {len(chunk.sentences) for chunk in chunks} == {sentences}
    assert len({article.text for article in made}) == len(made) == -(-50 // per_article)


def test_without_headlines_an_article_is_its_passage() -> None:
    for article in articles(20, headlines=False):
        [chunk] = passages(article.text)
        assert chunk.text == article.text.strip()


def test_every_planted_sentence_stands_once(tmp_path: Path) -> None:
    planted = write(tmp_path / "articles", 400, questions=40)
    texts = {str(p.relative_to(tmp_path / "articles")): p.read_text("utf-8") for p in tmp_path.rglob("*.txt")}
    assert len(texts) == 400 and len(planted) == 40 == len({p.sentence for p in planted})
    for p in planted:
        assert [source for source, text in texts.items() if p.sentence in text] == [p.source]
        [chunk] = passages(texts[p.source])
        assert p.sentence in [chunk.text[s.start - chunk.start : s.end - chunk.start] for s in chunk.sentences]
        # The question names the place in the sentence's words, but not what is told of it.
        asked, said = set(p.question.lower().split()), set(p.sentence.lower().rstrip(".").split())
        assert len(asked & said) <= len(asked) / 2
    assert read_questions(tmp_path / "articles") == planted


@pytest.mark.parametrize(("count", "per_article", "questions"), [(1000, 5, 200), (300, 5, 7), (9, 1, 20), (10, 1, 0)])
def test_planted_questions_are_known_without_the_other_articles(count: int, per_article: int, questions: int) -> None:
    made = articles(count, per_article=per_article, questions=questions)
    found = planted(count, per_article=per_article, questions=questions)
    assert found == [article.planted.question for article in made if article.planted]
