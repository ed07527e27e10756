"""What a page hides from its readers is no part of the article, unless a script shows it."""

from __future__ import annotations

import pytest
from web_page import text_of

TOLD = (
    "Election officials in Pellworth published the count by district on Monday, and a recount narrowed the gap. "
    "The clerk said that the result would be certified on Friday, after two candidates had asked for a second look."
)
HIDDEN = "The clerk of Ansel resigned over the count, and officials in the town said that nobody would follow her."


@pytest.mark.parametrize(
    "attribute",
    ["hidden", 'style="display:none"', 'style="color: red; Display : NONE !important"', 'style="visibility: hidden"'],
)
@pytest.mark.parametrize("tag", ["p", "div", "section"])
def test_hidden_text_is_left_out(tag: str, attribute: str) -> None:
    inner = HIDDEN if tag == "p" else f"<p>{HIDDEN}</p>"
    text = text_of(f"<article><p>{TOLD}</p><{tag} {attribute}>{inner}</{tag}> <p>{TOLD[::-1]}</p></article>")
    assert TOLD in text and "Ansel" not in text


@pytest.mark.parametrize("attribute", ['style="display:block"', 'hidden="until-found"', 'data-style="display:none"'])
def test_shown_text_is_kept(attribute: str) -> None:
    text = text_of(f"<article><p>{TOLD}</p><div {attribute}><p>{HIDDEN}</p></div></article>")
    assert TOLD in text and HIDDEN in text


@pytest.mark.parametrize("wrapper", ["body", "div"])
def test_an_article_that_a_script_shows_is_read(wrapper: str) -> None:
    page = f'<div style="visibility:hidden"><article><p>{TOLD}</p><p>{HIDDEN}</p></article></div><p>Menu</p>'
    text = text_of(page if wrapper == "div" else f"</body><body hidden>{page}")
    assert TOLD in text and HIDDEN in text


def test_what_follows_a_hidden_element_is_kept() -> None:
    text = text_of(f"<article><p>{TOLD} <span hidden>Advert</span>The mayor left.</p></article>")
    assert "second look. The mayor left." in text
