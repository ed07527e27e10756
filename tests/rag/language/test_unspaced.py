"""Terms of scripts without spaces: pieces of two or three characters, found in any text that has the same word."""

from __future__ import annotations

import pytest

from rag.language.words import content_terms, names, terms, words


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("谁是滨江市的市长？", "市长林晓梅出席了仪式。"),
        ("地铁三号线的末班车几点结束？", "首班车早上五点半发车，末班车晚上十一点结束。"),
        ("橋の費用はいくらですか", "費用は四百万ユーロで、工事は五月に始まる。"),
        ("コンサートはいつ？", "市民コンサートは日曜日に開かれる。"),
        ("서울시장은 누구입니까?", "서울시장이 발표했다."),
        ("ใครเป็นนายกเทศมนตรี", "นายกเทศมนตรีกล่าวว่าสะพานจะเปิด"),
    ],
)
def test_a_question_shares_terms_with_its_answer(question: str, sentence: str) -> None:
    assert set(content_terms(question)) & set(terms(sentence))


def test_pieces_overlap_and_characters_are_found_alone() -> None:
    assert terms("图书馆") == ["图书", "书馆", "图", "书", "馆"]
    assert terms("AI技术2号") == ["ai", "技术", "技", "术", "2", "号"]


def test_half_width_is_the_same() -> None:
    assert terms("ｺﾝｻｰﾄ") == terms("コンサート")


def test_function_words_carry_no_content() -> None:
    assert content_terms("什么时候？") == []
    assert content_terms("图书馆的馆长是谁？") == ["图书", "书馆", "馆长"]
    assert content_terms("いくらですか") == []


def test_there_are_no_names_by_capitals() -> None:
    assert names("谁是滨江市的市长？") == []


def test_a_run_is_one_word_as_it_stands() -> None:
    assert words("他在Berlin工作") == ["他在", "Berlin", "工作"]
