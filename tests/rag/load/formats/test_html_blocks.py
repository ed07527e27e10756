"""An article in several blocks is read whole, and paragraphs that only point to other pages are left out."""

from __future__ import annotations

import pytest
from web_page import text_of

FIRST = (
    "Election officials in Pellworth published the count by district on Monday, and a recount narrowed the gap. "
    "The clerk said that the result would be certified on Friday, after two candidates had asked for a second look."
)
SECOND = (
    "In Ansel the recount took two days longer, because a box of postal votes had been left in a van over the weekend. "
    "Nobody had touched it, the police said, and the seal was whole when the driver came back for it."
)
THIRD = (
    "The last district to report was Corrin, where the river had risen over the road to the school in the night. "
    "Volunteers carried the ballots across in a boat, and the count was finished by torchlight at four in the morning."
)


def block(*paragraphs: str, name: str = "grid--item body") -> str:
    return f'<div class="{name}">{"".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)}</div>'


@pytest.mark.parametrize("count", [2, 3])
def test_an_article_in_blocks_is_read_whole_and_in_order(count: int) -> None:
    told = [FIRST, SECOND, THIRD][:count]
    advert = '<div class="advert"><p>Subscribe now.</p></div>'
    chunks = advert.join(f'<div class="grid">{block(text, text[::-1])}</div>' for text in told)
    text = text_of(f'<article><h1>Recount</h1><div class="chunks">{chunks}</div></article>')
    places = [text.find(each) for each in told]
    assert -1 not in places and places == sorted(places)


def test_another_article_of_the_page_is_not_joined() -> None:
    other = f"<article>{block(THIRD)}</article>"
    text = text_of(f"<article>{block(FIRST, SECOND, FIRST[::-1], SECOND[::-1])}</article><aside>{other}</aside>")
    assert FIRST in text and "Corrin" not in text


@pytest.mark.parametrize(
    "paragraph",
    [
        '<p>Read more: <a href="/a">The mayor of Ansel resigns after a long night of counting</a></p>',
        '<p><a href="/a">The mayor of Ansel resigns</a></p>',
        '<p><strong><a href="/a">THE MAYOR OF ANSEL RESIGNS</a></strong></p>',
    ],
)
def test_a_paragraph_of_links_is_left_out(paragraph: str) -> None:
    text = text_of(f"<article><p>{FIRST}</p>{paragraph}<p>{SECOND}</p></article>")
    assert FIRST in text and SECOND in text and "ansel resigns" not in text.lower()


def test_a_link_in_a_sentence_is_read() -> None:
    linked = SECOND.replace("a box of postal votes", '<a href="/a">a box of postal votes</a>')
    assert SECOND in text_of(f"<article><p>{FIRST}</p><p>{linked}</p></article>")


def test_an_article_whose_paragraphs_are_links_is_read() -> None:
    text = text_of(f'<article><p><a href="#1">{FIRST}</a></p><p><a href="#2">{SECOND}</a></p></article>')
    assert FIRST in text and SECOND in text
