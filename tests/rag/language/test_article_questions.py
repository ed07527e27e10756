"""Questions about the articles themselves."""

from __future__ import annotations

import pytest

from rag.language.article_questions import ArticleQuestion, Wanted, article_question, quoted_title


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Who wrote the article about the dam?", ArticleQuestion(Wanted.AUTHOR, "the dam")),
        ("Which journalist wrote the story on the dam?", ArticleQuestion(Wanted.AUTHOR, "the dam")),
        ("Which newspaper reported on the dam?", ArticleQuestion(Wanted.PUBLISHER, "the dam")),
        ("When was the article about the dam published?", ArticleQuestion(Wanted.DATE, "the dam")),
        ("When did the Courier report the flood?", ArticleQuestion(Wanted.DATE, "the flood", "Courier")),
        ("How many articles are there?", ArticleQuestion(Wanted.COUNT)),
        ("How many articles mention the dam?", ArticleQuestion(Wanted.COUNT, "the dam")),
        ("List all the articles.", ArticleQuestion(Wanted.LIST)),
        ("Which articles did Ann Roe write?", ArticleQuestion(Wanted.LIST, "", "Ann Roe")),
        ("What is the latest article on the dam?", ArticleQuestion(Wanted.NEWEST, "the dam")),
        ("How many articles are?", ArticleQuestion(Wanted.COUNT)),  # "from 2024" was taken off
        ("Which articles were published?", ArticleQuestion(Wanted.LIST)),
        ("What happened?", ArticleQuestion(Wanted.EVENTS)),
        ("What did the Courier say about the dam?", ArticleQuestion(Wanted.SAID, "the dam", "Courier")),
        ("How has the price of bread changed over time?", ArticleQuestion(Wanted.COURSE, "the price of bread")),
        ("Give me a timeline of the flood.", ArticleQuestion(Wanted.TIMELINE, "the flood")),
        ("Which papers reported on the dam?", ArticleQuestion(Wanted.PUBLISHER, "the dam")),
        ("Who wrote about the dam in the Courier?", ArticleQuestion(Wanted.AUTHOR, "the dam", "Courier")),
        ("Which article is the oldest?", ArticleQuestion(Wanted.OLDEST)),
        ("Which of the articles is the newest?", ArticleQuestion(Wanted.NEWEST)),
        ("Who is the author of Dam holds?", ArticleQuestion(Wanted.AUTHOR, "Dam holds", named=False)),
        ("Who wrote “Dam holds”?", ArticleQuestion(Wanted.AUTHOR, "“Dam holds”", named=False)),
        ("When was Dam holds published?", ArticleQuestion(Wanted.DATE, "Dam holds", named=False)),
    ],
)
def test_recognises(question: str, found: ArticleQuestion) -> None:
    assert article_question(question) == found


@pytest.mark.parametrize(
    "question",
    [
        "How did the ferry sink?",
        "Who was sent off?",
        "Where was the probe launched?",
        "How many people work there?",
        "When will the bridge open?",
        "How has the plant changed hands?",
    ],
)
def test_other_questions(question: str) -> None:
    assert article_question(question) is None


def test_quoted_title() -> None:
    assert quoted_title("“Dam holds”") == quoted_title('"Dam holds"') == "Dam holds"
    assert quoted_title("the “old” dam") == ""


def test_a_writer_and_a_topic_are_told_apart() -> None:
    asked = article_question("show me the articles by Ann Roe about bees")
    assert asked is not None and (asked.by, asked.about) == ("Ann Roe", "bees")
    asked = article_question("How many articles by Ann Roe are there?")
    assert asked is not None and (asked.wanted, asked.by, asked.about) == (Wanted.COUNT, "Ann Roe", "")
