"""Languages: what is declared is understood, what is not is detected or left open."""

from __future__ import annotations

import json

import pytest
from fakes import ROOT, SEEDS

from rag.language.identify import code, detect, detect_short, near


@pytest.mark.parametrize(
    ("declared", "meant"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("EN_us", "en"),
        ("eng", "en"),
        ("deu", "de"),
        ("und", ""),
        ("English", ""),
        ("", ""),
    ],
)
def test_declared_languages(declared: str, meant: str) -> None:
    assert code(declared) == meant


def test_the_seeds_are_english() -> None:
    assert {detect(path.read_text(encoding="utf-8")) for path in SEEDS.glob("*.txt")} == {"en"}


@pytest.mark.parametrize("text", ["", "Hi.", "GDP 4.2", "Obrador Biden Ebrard", "1 2 3 4 5 6 7 8 9 " * 20, "xqz " * 50])
def test_what_is_in_no_plain_language(text: str) -> None:
    assert detect(text) == ""


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "Who is Mexico's foreign minister?"),
        ("en", "What did the mayor of 滨江 say?"),
        ("de", "Was hat die neue Fähre gekostet?"),
        ("es", "¿Cuánto cuesta el billete?"),
        ("fr", "Qui est le maire ?"),
        ("it", "Chi è il sindaco di Altamura?"),
        ("pt", "Quanto custa o bilhete?"),
        ("nl", "Hoeveel kost het kaartje?"),
        ("ru", "Кто мэр города?"),
        ("uk", "Хто мер міста?"),
        ("zh", "谁是滨江市的市长？"),
        ("ja", "市長は誰ですか"),
        ("ko", "시장은 누구입니까?"),
        ("th", "ใครเป็นนายกเทศมนตรี"),
        ("ar", "كم كلف الجسر؟"),
        ("hi", "पुल की लागत कितनी है?"),
        ("", "Elmstadt?"),
        ("", ""),
    ],
)
def test_language_of_a_question(language: str, question: str) -> None:
    assert detect_short(question) == language


def test_no_english_question_of_the_eval_set_is_taken_for_another_language() -> None:
    files = sorted((ROOT / "eval/data").glob("*.jsonl"))
    rows = [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    # Some talk is in other languages on purpose.
    asked = [turn for row in rows if row.get("kind") != "talk" for turn in row.get("turns", ())]
    assert len(asked) > 300
    assert [question for question in asked if detect_short(question) not in ("", "en")] == []


def test_chinese_is_not_mistaken_for_its_varieties() -> None:
    text = "云泽市地铁三号线于6月18日正式通车，全长28公里，共设22座车站。市交通局局长韩立群表示，投资为一百亿元。"
    assert detect(text) == "zh"


def test_languages_that_are_easily_confused() -> None:
    assert near("da", "no") and near("zh", "ja") and near("de", "de")
    assert not near("de", "en") and not near("", "en")
