"""What a question asks about, and whether the sentences that answer it speak of that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeLLM, make_engine
from llama_index.core.base.llms.types import ChatResponseGen

from rag import Answer
from rag.language.word_table import WordTable

# The table knows that masks and sister are words, and that brothers stand where sisters do.
WORDS = WordTable({"masks": 0, "sister": 1, "brother": 2}, np.array([[0, 1], [1, 0], [1, 0]], dtype=np.float32))
MASKS = "How many masks did Tessin share with Mexico?"
VACCINES = "Tessin shared 2,700 vaccines with Mexico."


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.models.runtime.Models.word_table", lambda _: WORDS)


def ask(folder: Path, text: str, question: str, model: FakeLLM | None) -> Answer:
    with make_engine(folder, documents={"a.txt": text}, model=model, caution=0) as engine:
        return engine.answer(question)


def asked_about(model: FakeLLM) -> list[str]:
    return [prompt.partition("Speaks of: ")[2] for prompt in model.prompts if "Speaks of: " in prompt]


def test_what_is_said_of_something_else_is_no_answer_and_the_word_is_named(tmp_path: Path) -> None:
    model = FakeLLM(replies={"Speaks of": "no"}, default="2,700")
    answer = ask(tmp_path, VACCINES, MASKS, model)
    assert answer.abstained and not answer.citations
    assert answer.text == "The articles do not mention “masks”."
    assert asked_about(model) == ["masks"]


def test_a_word_that_another_article_has_is_not_said_to_be_in_none(tmp_path: Path) -> None:
    model = FakeLLM(replies={"Speaks of": "no"}, default="2,700")
    documents = {"a.txt": VACCINES, "b.txt": "The opera in Larkspur was closed and its masks were sold."}
    with make_engine(tmp_path, documents=documents, model=model, caution=0) as engine:
        answer = engine.answer(MASKS)
    assert answer.abstained and answer.text == "The articles do not say."


@pytest.mark.parametrize("reply", ["yes", "perhaps"])
def test_what_the_sentence_may_speak_of_is_an_answer(tmp_path: Path, reply: str) -> None:
    answer = ask(tmp_path, VACCINES, MASKS, FakeLLM(replies={"Speaks of": reply}, default="2,700"))
    assert answer.text == "2,700 [1]"


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (f"{VACCINES} Masks were not among them.", MASKS),  # the passage says it
        (VACCINES, "Which masks did Tessin share with Mexico?"),  # an instance of it is wanted
        (VACCINES, "Did Tessin share masks with Mexico?"),  # what is not so is told in other words
        (VACCINES, "How many maskz did Tessin share with Mexico?"),  # misspelt, or a word that nobody knows
        (VACCINES, "How many vaccine did Tessin share with Mexico?"),  # another form of the word
        (VACCINES, "How many did Tessin want to sister with Mexico?"),  # what is done
    ],
)
def test_words_that_are_not_asked_about(tmp_path: Path, text: str, question: str) -> None:
    model = FakeLLM(replies={"Speaks of": "no"}, default="2,700")
    ask(tmp_path, text, question, model)
    assert asked_about(model) == []


BROTHER = "What did the brother of Ada Kern have to spare?"
SISTER = "The sister of Ada Kern had a place to spare."


@pytest.mark.parametrize(
    ("replies", "asked", "text"),
    [
        # What stands in the word's place is the same thing: the sentence need not be read.
        ({"Sentence: sister": "yes"}, ["brother"], "a place [1]"),
        # It is another thing, and the sentence does not speak of the word either.
        (
            {"Sentence: sister": "no", "Sentence: The sister": "no"},
            ["brother"] * 2,
            "The articles do not mention “brother”.",
        ),
        # It is another thing, but the sentence certainly speaks of the word.
        ({"Sentence: sister": "no", "Sentence: The sister": "yes"}, ["brother"] * 2, "a place [1]"),
    ],
)
def test_the_word_that_stands_in_its_place_is_asked_about_first(
    tmp_path: Path, replies: dict[str, str], asked: list[str], text: str
) -> None:
    model = FakeLLM(replies=replies, default="a place")
    assert ask(tmp_path, SISTER, BROTHER, model).text == text
    assert asked_about(model) == asked


def test_a_word_of_the_question_or_a_name_stands_in_no_place_of_another(tmp_path: Path) -> None:
    model = FakeLLM(replies={"Sentence: The sister": "yes"}, default="a place")
    assert (
        ask(tmp_path, SISTER, "What did the brother of the sister of Ada Kern have to spare?", model).text
        == "a place [1]"
    )
    answer = ask(
        tmp_path / "b", "Ada Kern met Sister and had a place to spare.", "What did the brother of Ada Kern have?", model
    )
    assert answer.text == "a place [1]"
    assert not [prompt for prompt in model.prompts if "Sentence: sister" in prompt]


def test_reason_for_what_is_not_spoken_of_is_not_given(tmp_path: Path) -> None:
    text = "Ada Kern smiled because she had a place to spare."
    model = FakeLLM(replies={"Speaks of": "no"}, default="because she had a place to spare")
    answer = ask(tmp_path, text, "Why did Ada Kern sister?", model)
    assert answer.text == "The articles do not say.", "a verb is not mentioned"
    assert asked_about(model) == ["sister"]


def test_what_the_article_has_elsewhere_may_be_meant(tmp_path: Path) -> None:
    text = f"{VACCINES} {'It rained. ' * 9} The harbour board wanted masks."
    model = FakeLLM(replies={"Speaks of": "no"}, default="2,700")
    assert ask(tmp_path, text, MASKS, model).text == "2,700 [1]"
    assert asked_about(model) == []


def test_a_model_that_fails_says_nothing_about_words(tmp_path: Path) -> None:
    class Failing(FakeLLM):
        def _words(self, asked: str) -> ChatResponseGen:
            if "Speaks of" in asked:
                raise RuntimeError("gone")
            yield from super()._words(asked)

    assert ask(tmp_path, VACCINES, MASKS, Failing(default="2,700")).text == "2,700 [1]"


def test_without_an_answer_model_words_are_not_compared(tmp_path: Path) -> None:
    assert not ask(tmp_path, VACCINES, MASKS, None).abstained
