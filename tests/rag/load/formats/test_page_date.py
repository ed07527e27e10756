"""A page's date is the one that it gives in one way, with its time zone; a date that is not sure is left out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rag import Document
from rag.load.files import read_bytes

TO_COME = date.today() + timedelta(days=40)
TEXT = (
    "<p>The village of Prachu opened a new well on Sunday, and the headman said that it would serve four hundred "
    "families through the dry months that are to come.</p><p>The well was paid for by a group of villagers abroad, who "
    "had collected money for two years and sent an engineer to choose the place.</p>"
)


def published(head: str = "", beside: str = "", after: str = "", lang: str = "en") -> str:
    page = (
        f'<!doctype html><html lang="{lang}"><head><title>Well opens</title>{head}</head><body><article>'
        f"<h1>Well opens</h1>{beside}{TEXT}</article>{after}</body></html>"
    )
    (document,) = [item for item in read_bytes(page.encode(), "page.html") if isinstance(item, Document)]
    return document.date


def test_declared_dates_keep_their_time_zone() -> None:
    modified = '<meta property="article:modified_time" content="2024-08-20T10:00:00Z">'
    head = modified + '<meta property="article:published_time" content="2024-08-01T23:30:00-07:00">'
    assert published(head) == "2024-08-01T23:30:00-07:00"
    data = (
        '<script type="application/ld+json">{"@graph": [{"@type": "Article", "datePublished": "2024-08-01"}]}</script>'
    )
    assert published(data) == "2024-08-01"
    assert published(data.replace("]}", "")) == "2024-08-01"  # broken JSON
    assert published(beside='<time itemprop="datePublished" datetime="2024-08-01T10:00+02:00">1.8.</time>') == (
        "2024-08-01T10:00:00+02:00"
    )


def test_the_day_is_that_at_the_newspaper() -> None:
    utc = '<meta property="article:published_time" content="2024-08-02T03:28:35+00:00">'
    local = '<script type="application/ld+json">{"datePublished": "2024-08-01T22:28:35"}</script>'
    assert published(utc + local) == "2024-08-01T22:28:35-05:00"
    assert published(utc + '<link rel="canonical" href="https://news.test/2024/08/01/well">') == "2024-08-01"
    assert published(utc, "<p>August 1, 2024</p>") == "2024-08-01"


@pytest.mark.parametrize(
    "url",
    ["https://news.test/2021/04/09/well", "https://news.test/20210409/well", "https://news.test/2021/4/9/"],
)
def test_a_whole_date_in_the_address(url: str) -> None:
    assert published(f'<link rel="canonical" href="{url}">') == "2021-04-09"


@pytest.mark.parametrize(
    ("beside", "lang", "found"),
    [
        ("<p>12 July 2024</p>", "en", "2024-07-12"),
        ('<p class="date">29/06/2024</p>', "en", "2024-06-29"),
        ('<p class="date">05/06/2024</p>', "en-GB", "2024-06-05"),
        ('<p class="date">05.06.2024</p>', "de", "2024-06-05"),
        ("<p>vendredi 12 juillet 2024</p>", "fr", "2024-07-12"),
        ('<p class="date">05/06/2024</p><p>It closed on 13/06/2024.</p>', "en", "2024-06-05"),
    ],
)
def test_a_date_line(beside: str, lang: str, found: str) -> None:
    assert published(beside=beside, lang=lang) == found


@pytest.mark.parametrize(
    ("head", "beside", "after"),
    [
        ('<link rel="canonical" href="https://news.test/journal/2021/04/92713">', "", ""),  # a month, and a number
        ('<link rel="canonical" href="https://news.test/2021/04/3-questions">', "", ""),
        ("", '<p class="date">05/06/2024</p>', ""),
        ('<script>var paywall = {"expires": "2024-08-20T10:00:00Z", "date": "2024-08-20"};</script>', "", ""),
        ("", "", "<footer><p>Terms of 12 March 2018. © 2024 News</p></footer>"),
        ("", "", '<div class="comments"><time datetime="2024-08-24">24 August 2024</time></div>'),
        (f'<meta property="article:published_time" content="{TO_COME}">', "", ""),
        ('<meta property="article:published_time" content="2016-08-29">', "<p>6 May 2019</p>", ""),  # which one?
    ],
)
def test_what_is_not_sure_is_left_out(head: str, beside: str, after: str) -> None:
    assert published(head, beside, after) == ""


def test_a_page_that_was_changed_keeps_its_date() -> None:
    head = (
        '<meta property="article:published_time" content="2024-08-01T10:00:00Z">'
        '<meta property="article:modified_time" content="2024-08-03T10:00:00Z">'
    )
    assert published(head, "<p>Updated 3 August 2024</p>") == "2024-08-01T10:00:00+00:00"


def test_what_a_page_declares_twice_outweighs_a_date_beside_its_title() -> None:
    head = (
        '<meta property="article:published_time" content="2024-08-01T10:00:00+02:00">'
        '<meta property="article:modified_time" content="2024-08-01T12:00:00+02:00">'
    )
    assert published(head, "<p>He has been missing since 3 November 2013.</p>") == "2024-08-01T10:00:00+02:00"


def test_several_days_beside_the_title_are_not_sure() -> None:
    assert published(beside="<p>12. 7. 2024: Ausschreibung</p><p>3. 5. 2024: Plan</p>", lang="de") == ""
    assert published(beside="<p>12. 7. 2024</p>", lang="de") == "2024-07-12"
