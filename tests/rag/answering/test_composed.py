"""Several sentences for what asks for more than a fact, and a friendly one for what asks for none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from answers import assert_receipts
from doubles import WordJudge
from fakes import FakeLLM, make_engine

from rag import Chat, Engine
from rag.answering.route import Route
from rag.answering.talk import NO_ANSWER_LAST, NO_ANSWER_YET

SHIP = """---
date: 2024-03-01
publisher: Harbour Post
---
The ship

The Skarvik was built in Tessin in 1889 by Ana Kovic. In 1914 the navy took the Skarvik over. The crew liked her.

A storm sank the Skarvik off Orrin in 1921. Divers found the wreck of the Skarvik in 1987. It is a museum today."""
MILL = """---
date: 2025-05-01
publisher: Valley Courier
---
The mill

The paper mill of Moravik hired forty people in May. Its owner praised the town. \
The price of paper rose to 900 crowns."""
MINE = """---
date: 2025-07-01
---
The mine

The mine of Moravik dismissed sixty people in June. The union protested. The price of coal fell to 80 crowns."""
DOCUMENTS = {"ship.md": SHIP, "mill.md": MILL, "mine.md": MINE}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with make_engine(tmp_path, documents=DOCUMENTS, caution=0) as engine:
        yield engine


def tell(monkeypatch: pytest.MonkeyPatch, routes: Mapping[str, Route]) -> None:
    """Let messages that begin like these be taken for these kinds."""

    def found(self: object, message: str) -> Route:
        return next((route for start, route in routes.items() if message.startswith(start)), Route.ANSWER)

    monkeypatch.setattr("rag.answering.composed.Composed.route", found)


def test_an_article_is_summed_up_by_its_head(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, {"Summarize": Route.ARTICLE})
    answer = engine.answer("Summarize the article about the Skarvik ship")
    assert_receipts(engine, answer)
    assert [c.quote for c in answer.citations] == [
        "The Skarvik was built in Tessin in 1889 by Ana Kovic.",
        "In 1914 the navy took the Skarvik over.",
        "The crew liked her.",
    ]
    assert [s.markers for s in answer.statements] == [(1,), (2,), (3,)] and answer.model == "extractive"


def test_the_library_is_summed_up_by_its_newest_articles(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, {"Main": Route.LIBRARY})
    answer = engine.answer("Main topics?")
    assert_receipts(engine, answer)
    assert [c.source for c in answer.citations] == ["mine.md", "mill.md", "ship.md"]


def test_all_articles_are_listed_whatever_the_language(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, {"Welche": Route.LIST})
    answer = engine.answer("Welche Artikel sind das?")
    assert_receipts(engine, answer)
    assert answer.text.startswith(
        "“The mine” (1 Jul 2025) [1]; “The mill” (Valley Courier, 1 May 2025) [2]; “The ship”"
    )


def test_a_comparison_has_both_sides_in_order_of_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, {"Compare": Route.COMPARE})
    answer = engine.answer("Compare the price of paper and the price of coal in crowns")
    assert_receipts(engine, answer)
    assert [c.source for c in answer.citations] == ["mill.md", "mine.md"]
    assert "900" in answer.text and "80" in answer.text


def test_a_comparison_of_two_names_has_the_best_sentence_about_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(monkeypatch, {"How": Route.COMPARE})
    bakery = (
        "Brotland closes shops\n\nLEYDEN — The bakery chain Brotland will close 40 shops and cut 520 jobs. "
        "Brotland made a loss of 11 million euros in the year to March.\n\n"
        "Rival Kornhaus had a profit of 24 million euros. Kornhaus has no plans to close shops."
    )
    with make_engine(tmp_path, documents={"bakery.txt": bakery}, caution=0) as engine:
        answer = engine.answer("How does the loss of Brotland differ from the profit of Kornhaus?")
        assert_receipts(engine, answer)
    assert [c.quote for c in answer.citations] == [
        "Brotland made a loss of 11 million euros in the year to March.",
        "Rival Kornhaus had a profit of 24 million euros.",
    ]


def test_a_course_of_events_is_in_order(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, {"What happened": Route.COURSE})
    answer = engine.answer("What happened to the Skarvik, step by step?")
    years = [year for year in ("1889", "1914", "1921", "1987") if year in answer.text]
    assert len(years) >= 3 and [answer.text.index(y) for y in years] == sorted(answer.text.index(y) for y in years)


def test_a_course_of_events_goes_on_in_later_articles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, {"Timeline": Route.COURSE})
    later = "---\ndate: 2026-02-01\n---\nThe ship again\n\nORRIN — The wreck of the Skarvik was lifted for 9 million."
    with make_engine(tmp_path, documents=DOCUMENTS | {"lifted.md": later}, caution=0) as engine:
        lines = engine.answer("Timeline of the Skarvik").text.splitlines()
    assert lines[0] == "1 Mar 2024: The Skarvik was built in Tessin in 1889 by Ana Kovic. [1]"
    assert lines[-1].startswith("1 Feb 2026: The wreck of the Skarvik was lifted for 9 million. [")


def test_what_no_article_is_about_is_not_summed_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, {"Summarize": Route.ARTICLE, "Compare": Route.COMPARE})
    assert engine.answer("Summarize the article about the Olympic stadium").abstained
    assert engine.answer("Compare Zurbara and Qantir").abstained


@pytest.mark.parametrize("documents", [DOCUMENTS, {}])
def test_a_greeting_is_answered(documents: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, {"hi": Route.HELLO, "thanks": Route.THANKS, "help": Route.HELP, "bad": Route.ANNOYED})
    with make_engine(tmp_path, documents=documents) as engine:
        for message, part in (("hi", "Hello"), ("thanks", "welcome"), ("help", "your own articles"), ("bad", "sorry")):
            answer = engine.answer(message)
            assert part in answer.text and answer.model == "talk" and not answer.citations and not answer.related


def test_a_strong_model_reads_the_article_that_it_is_to_sum_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, {"Summarize the": Route.ARTICLE, "Summarize everything": Route.LIBRARY})
    model = FakeLLM(default="The Skarvik was built in Tessin in 1889. [1]")
    with make_engine(tmp_path, documents=DOCUMENTS, model=model, judge=WordJudge()) as engine:
        assert not engine.answer("Summarize the article about the Skarvik ship").abstained
        engine.answer("Summarize everything")
    one, everything = model.prompts
    assert "Skarvik" in one and "A storm sank" in one
    assert all(text in everything for text in ("The ship", "The mill — Valley Courier, 1 May 2025", "The mine"))


def test_messages_about_the_answer_before(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = {"hello": Route.HELLO, "more": Route.MORE, "shorter": Route.SHORTER, "source": Route.SURE}
    tell(monkeypatch, routes | {"Summarize": Route.ARTICLE})
    chat = Chat(engine)
    assert chat.ask("source?").text == NO_ANSWER_YET
    chat.ask("What is the capital of Peru?")
    assert chat.ask("source?").text == NO_ANSWER_LAST
    whole = chat.ask("Summarize the article about the Skarvik ship")
    assert chat.ask("hello").model == "talk"
    short = chat.ask("shorter")
    assert_receipts(engine, short)
    assert [c.quote for c in short.citations] == [whole.citations[0].quote]
    source = chat.ask("source?")
    assert_receipts(engine, source)
    assert source.text.startswith("The ship, Harbour Post, 1 Mar 2024: “The Skarvik was built in Tessin in 1889")
    further = chat.ask("more")
    assert_receipts(engine, further)
    assert not {c.quote for c in further.citations} & {c.quote for c in whole.citations}
    assert chat.history[-1][0].startswith("Summarize"), "these are not what a follow-up is about"
