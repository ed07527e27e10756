"""A strong model's words, statement by statement: shown as written, or unconfirmed."""

from __future__ import annotations

from pathlib import Path

import pytest
from answers import assert_receipts
from doubles import WordJudge
from fakes import FakeLLM, make_engine

from rag import Engine, QuestionError, SettingsError
from rag.answering.statements import statements

DAM = "The dam fails\n\nThe Halden dam was finished in 1968. The dam burst on 12 March. The mayor did not resign."
MILL = "The mill\n\nThe paper mill of Moravik stood still for six weeks. Its owner hired forty people."
QUESTION = "What happened to the Halden dam?"


def an_engine(folder: Path, reply: str) -> Engine:
    return make_engine(
        folder, documents={"dam.txt": DAM, "mill.txt": MILL}, model=FakeLLM(default=reply), judge=WordJudge()
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It burst. It was old.", ["It burst.", "It was old."]),
        ("Based on the sources:\n\n- It burst.\n- It was old.", ["It burst.", "It was old."]),
        ("According to the sources provided, it burst.", ["It burst."]),
        ("**It burst.**", ["It burst."]),
        ("It burst [1]. It was old [2, 3].", ["It burst.", "It was old."]),
        ("Yes. It burst.", ["Yes. It burst."]),
        ("Three things:\n1. It burst.\n2) It was old.", ["It burst.", "It was old."]),
        ("1. It burst.\n2. It was old.\n3. It rained.", ["It burst.", "It was old.", "It rained."]),
        ("• It burst.\n– It was old.", ["It burst.", "It was old."]),
        ("## The dam\n\nIt burst.", ["It burst."]),
        ("# In 1968", ["In 1968"]),
        ("| dam | built |\n|---|---|\n| Halden | 1968 |\n| Orrin | |", ["dam: Halden; built: 1968", "dam: Orrin"]),
        ("```\nIt burst.\n```", ["It burst."]),
        ("> It burst.\n\n---\n\nIt *was* `old`.", ["It burst.", "It was old."]),
        ("It burst.\n---\nIt was old.", ["It burst.", "It was old."]),
        ("It <b>burst</b>. See [the paper](http://a.b/c).", ["It burst.", "See the paper."]),
        ("<div>\nIt burst.\n</div>", ["It burst."]),
        ("1968. It was old.", ["1968.", "It was old."]),
        ("5 * 3 is 15, and a_b_c is a name.", ["5 * 3 is 15, and a_b_c is a name."]),
        ("Yes", ["Yes"]),
        ("", []),
    ],
)
def test_statements(text: str, expected: list[str]) -> None:
    assert [one.text for one in statements(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It burst [1]. It was old [2, 3].", [(1,), (2, 3)]),
        ("It burst. [1] It was old. [2][3]", [(1,), (2, 3)]),
        ("“It burst.” [4]\n- It was old.", [(4,), ()]),
    ],
)
def test_a_marker_belongs_to_the_sentence_before_it(text: str, expected: list[tuple[int, ...]]) -> None:
    assert [one.cited for one in statements(text)] == expected


def test_a_supported_statement_is_shown_as_written_and_the_rest_is_unconfirmed(tmp_path: Path) -> None:
    with an_engine(tmp_path, "The dam burst on 12 March. The king resigned.") as engine:
        answer = engine.answer(QUESTION)
        assert_receipts(engine, answer)
    assert answer.text == "The dam burst on 12 March. [1]"
    assert answer.unconfirmed == ("The king resigned.",)
    [statement] = answer.statements
    assert (statement.text, statement.markers) == ("The dam burst on 12 March.", (1,))
    assert statement.support == answer.citations[0].support > 0.5
    assert "not confirmed by the articles: The king resigned." in str(answer)
    assert answer.signals["judge"] > 0


def test_where_nothing_is_supported_nothing_is_answered(tmp_path: Path) -> None:
    with an_engine(tmp_path, "The king resigned.") as engine:
        answer = engine.answer(QUESTION)
    assert answer.abstained and "king" not in answer.text
    assert answer.unconfirmed == ("The king resigned.",) and answer.statements == ()


def test_evidence_for_a_statement_is_found_wherever_it_is(tmp_path: Path) -> None:
    with an_engine(tmp_path, "The owner of the paper mill hired forty people.") as engine:
        answer = engine.answer(QUESTION)
    assert {c.source for c in answer.citations} == {"mill.txt"}


def test_what_the_model_does_not_know_is_a_refusal(tmp_path: Path) -> None:
    with an_engine(tmp_path, "unknown") as engine:
        answer = engine.answer(QUESTION)
    assert answer.abstained and answer.unconfirmed == ()


def test_what_is_unconfirmed_stays_where_the_articles_are_in_another_language(tmp_path: Path) -> None:
    german = "Der Damm von Halden wurde 1968 fertig. Am zwölften März brach er nach langem Regen, und viele flohen."
    model = FakeLLM(default="The king resigned.")
    with make_engine(tmp_path, documents={"damm.txt": german}, model=model, judge=WordJudge()) as engine:
        answer = engine.answer("When was the dam of Halden finished by the workers of the town?")
    assert answer.abstained and "German" in answer.text
    assert answer.unconfirmed == ("The king resigned.",)


def test_a_short_answer_is_judged_with_its_question(tmp_path: Path) -> None:
    judge = WordJudge()
    model = FakeLLM(default="1968")
    with make_engine(tmp_path, documents={"dam.txt": DAM}, model=model, judge=judge) as engine:
        answer = engine.answer("When was the Halden dam finished?")
    assert answer.text == "1968 [1]"
    assert judge.asked[0].whole == "When was the Halden dam finished? 1968"


def test_a_text_is_checked_sentence_by_sentence(tmp_path: Path) -> None:
    with an_engine(tmp_path, "") as engine:
        report = engine.check("The Halden dam was finished in 1968. The mayor resigned. Cheese is good.")
    assert [item.verdict for item in report.items] == ["supported", "contradicted", "not found"]
    assert report.items[0].citations[0].quote == "The Halden dam was finished in 1968."
    assert report.items[1].citations[0].quote == "The mayor did not resign."
    markers = [c.marker for item in report.items for c in item.citations]
    assert sorted(set(markers)) == list(range(1, len(set(markers)) + 1))
    shown = str(report)
    assert "contradicted" in shown and "“The mayor did not resign.”" in shown
    assert report.to_dict()["items"][0]["verdict"] == "supported"


def test_a_text_that_cannot_be_checked_is_an_error(tmp_path: Path) -> None:
    with an_engine(tmp_path, "") as engine:
        with pytest.raises(QuestionError, match="empty"):
            engine.check(" \n")
        with pytest.raises(QuestionError, match="in parts"):
            engine.check("It burst. " * 3000)
    with make_engine(tmp_path / "none", {}, {"dam.txt": DAM}) as engine, pytest.raises(SettingsError, match="'judge'"):
        engine.check("It burst.")


def test_a_claim_may_name_the_paper_and_its_date(tmp_path: Path) -> None:
    dated = f"---\ndate: 2024-03-14\npublisher: Valley Courier\n---\n{DAM}"
    reply = (
        "The Valley Courier said on 14 March 2024 that the dam burst on 12 March. The Harbour Post said that it burst."
    )
    model, judge = FakeLLM(default=reply), WordJudge()
    with make_engine(tmp_path, documents={"dam.md": dated}, model=model, judge=judge) as engine:
        answer = engine.answer(QUESTION)
    assert answer.text == "The Valley Courier said on 14 March 2024 that the dam burst on 12 March. [1]"
    assert answer.unconfirmed == ("The Harbour Post said that it burst.",)
    assert answer.citations[0].quote == "The dam burst on 12 March."
