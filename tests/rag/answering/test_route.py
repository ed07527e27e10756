"""What a message asks for, as the regression tells it with the real embedding model."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag import Engine, Settings
from rag.answering.route import Route, about, route
from rag.models.runtime import Models

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(models_folder: Path) -> Models:
    return Models(Settings(models=models_folder, llm="extractive"))


# None of these is in train/routes.json.
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Hiya!", Route.HELLO),
        ("many thanks", Route.THANKS),
        ("what are you good for?", Route.HELP),
        ("please summarize all of the articles", Route.LIBRARY),
        ("Could you summarize the article on the lighthouse of Orrin?", Route.ARTICLE),
        ("Compare the lighthouse with the windmill", Route.COMPARE),
        ("Show me a timeline of the lighthouse affair", Route.COURSE),
        ("can you tell me some more?", Route.MORE),
        ("make this shorter, please", Route.SHORTER),
        ("Are you really sure about that?", Route.SURE),
        ("You are a really stupid program", Route.ANNOYED),
        ("could you list all your articles?", Route.LIST),
        ("Besten Dank!", Route.THANKS),
        ("What is his name?", Route.ANSWER),
        ("where from?", Route.ANSWER),
        ("Who built the lighthouse of Orrin?", Route.ANSWER),
        ("How many sailors were rescued in the storm?", Route.ANSWER),
        ("Why did Ana Kovic resign as mayor?", Route.ANSWER),
        ("Did the council approve the plan?", Route.ANSWER),
        ("What did the keeper say about the storm?", Route.ANSWER),
    ],
)
def test_kinds(message: str, expected: Route, models: Models) -> None:
    assert route(models.embedding().embed_question(message)) is expected


def test_what_a_message_is_about() -> None:
    assert about("Summarize the article about the iron bridge in Ravna") == "iron bridge Ravna"
    assert about("Timeline") == ""


def test_a_comparison_in_so_many_words_is_told_by_the_names_that_it_compares(
    models_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bakery.txt").write_text(
        "Brotland closes shops\n\nLEYDEN - The bakery chain Brotland will close 40 shops, it said on Thursday. "
        "Brotland made a loss of 11 million euros in the year to March.\n\n"
        "Rival Kornhaus, which had a profit of 24 million euros, has no plans to close shops.",
        encoding="utf-8",
    )
    settings = Settings(store=tmp_path / "store", models=models_folder, llm="extractive")
    with Engine(settings) as engine:
        engine.ingest(tmp_path / "bakery.txt")
        answer = engine.answer("How does Brotland's result compare with that of Kornhaus?")
    assert ["loss" in c.quote for c in answer.citations] == [True, False]
    assert "profit" in answer.citations[1].quote
