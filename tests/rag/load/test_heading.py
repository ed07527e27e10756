"""The first lines of an article and its file's name say when it appeared and who wrote it; doubt is left out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rag.load.files import read_bytes
from rag.load.heading import Heading, date_in_name, heading, is_heading_line
from rag.types import Document


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("Well opens\nPublished: 12 July 2024\n\nText.", "en", Heading("2024-07-12")),
        ("Well opens\nMarch 5, 2024\nText.", "en", Heading("2024-03-05")),
        ("Well opens\nBy Ann Roe | July 12, 2024\nText.", "en", Heading("2024-07-12", "Ann Roe")),
        ("Well opens\nBy ANN ROE and Bo Lind, Valley Times\nText.", "en", Heading("", "ANN ROE and Bo Lind")),
        ("LONDON, July 12, 2024 (Reuters) — A well.", "en", Heading("2024-07-12", "", "Reuters")),
        ("LONDON (AP) - A well.", "en", Heading("", "", "AP")),
        ("Brunnen\nVon Anna Berg · 12. Juli 2024, 15:30 Uhr\nText", "de", Heading("2024-07-12T15:30:00", "Anna Berg")),
        ("Berlin, 3. September 2024 (dpa) – Ein Brunnen.", "de", Heading("2024-09-03", "", "dpa")),
        ("Well opens\n\nValley Courier, 14 March 2024\n\nText.", "en", Heading("2024-03-14")),
        ("Well opens\nValley Courier, 14 May 2024, by Ann Roe\n\nText.", "en", Heading("2024-05-14", "Ann Roe")),
        ("PORT ALDOUS (Coast Wire) Jan. 22, 2024 - A well.", "en", Heading("2024-01-22")),
        ("PORT ALDOUS (AP), Jan. 22, 2024 — A well.", "en", Heading("2024-01-22", "", "AP")),
        ("Well opens\nTuesday, March 14, 2024\nText.", "en", Heading("2024-03-14")),
        ("Brunnen\nTalbote, 14. März 2024\nText", "de", Heading("2024-03-14")),
        ("Well opens\n05/06/2024\nIt closed on 13/06/2024.", "en", Heading("2024-06-05")),
        # not sure, or not of the article
        ("Well opens\n05/06/2024\nText.", "en", Heading()),
        ("Well opens\nOn March 5, 2024 the bridge reopened.", "en", Heading()),
        ("Well opens\nTerms of 12 March 2018\nText.", "en", Heading()),
        ("Well opens\nUpdated: 12 July 2024\nText.", "en", Heading()),
        ("The well, opened on 12 March 2018, is dry.", "en", Heading()),
        ("Springfield (Illinois) — A well.", "en", Heading()),
        ("Springfield (Illinois) has 3 wells - and no pump.", "en", Heading()),
        ("By the time Ann came\nIt had closed.", "en", Heading()),
        ("The mayor, aged 41 – he was born in 1980 – spoke.", "en", Heading()),
        ("Text.\n" * 20 + "12 July 2024", "en", Heading()),
        ("", "", Heading()),
    ],
)
def test_first_lines(text: str, language: str, found: Heading) -> None:
    assert heading(text, language) == found


def test_a_dateline_without_a_year() -> None:
    text = "PORT ALDOUS, Sept. 30 — The harbour closed."
    assert heading(text, "en").date == ""
    assert heading(text, "en", year="2024").date == "2024-09-30"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("2024-03-14-title.txt", "2024-03-14"),
        ("20240314_title.txt", "2024-03-14"),
        ("a/title-2024-03-14.html", "2024-03-14"),
        ("a/2024/03/14/title.html", "2024-03-14"),
        ("id12345678.txt", ""),
        ("20241399.txt", ""),
        ("order-20240314123.txt", ""),
        ("2024-03.txt", ""),
        (f"{date.today() + timedelta(days=40)}-title.txt", ""),
    ],
)
def test_names(name: str, found: str) -> None:
    assert date_in_name(name) == found


def only(raw: str, name: str) -> Document:
    (document,) = [item for item in read_bytes(raw.encode(), name) if isinstance(item, Document)]
    return document


def test_what_a_file_declares_comes_first() -> None:
    text = "Well opens\nPublished: 12 July 2024\nThe village opened a well.\n"
    assert only(text, "2024-03-14-well.txt").date == "2024-07-12"
    assert only("Well opens\nThe village opened a well.\n", "2024-03-14-well.txt").date == "2024-03-14"
    assert only(f"---\ndate: 2023-01-02\n---\n{text}", "2024-03-14-well.md").date == "2023-01-02"
    assert only(f"---\ndate: July 2024\n---\n{text}", "well.md").date == "2024-07-12"
    assert only("PORT ALDOUS, Sept. 30 — It closed.\n", "2023/port.txt").date == "2023-09-30"


def test_the_name_of_a_table_is_not_its_articles_date() -> None:
    assert only("title,text\nWell,The village opened a well.\n", "2024-03-14.csv").date == ""


@pytest.mark.parametrize(
    ("last", "found"), [("29/06/2016", "2016-06-05"), ("06/29/2016", "2016-05-06"), ("07/08/2016", "")]
)
def test_other_dates_of_a_file_settle_which_is_the_day(last: str, found: str) -> None:
    table = f"text,date\nA well was opened.,05/06/2016\nIt was closed again.,{last}\n"
    first, *_ = [item for item in read_bytes(table.encode(), "a.csv") if isinstance(item, Document)]
    assert first.date == found


FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>Wire</title><item><title>One</title>
<description>The Torne ferry stopped for repairs.</description><pubDate>{}</pubDate></item></channel></rss>"""


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("2016/6/29 15:07:41", "2016-06-29T15:07:41"),
        ("Tue, 24 May 2016 2:17:57 PM CEST", "2016-05-24T14:17:57+02:00"),
        ("29/06/2016 10:00", "2016-06-29T10:00:00"),
        ("Mi, 15 Jun 2016 11:41:36 +0200", "2016-06-15T11:41:36+02:00"),
        ("June 2016", "2016-06"),
        ("Wed, 29 Jun 2016 23:30:00 PDT", "2016-06-29T23:30:00-07:00"),
        ("05/06/2016", ""),
    ],
)
def test_dates_of_feeds(said: str, found: str) -> None:
    assert only(FEED.format(said), "feed.rss").date == found


@pytest.mark.parametrize(
    ("line", "alone"),
    [
        ("Valley Courier, 14 May 2024, by Ann Roe", True),
        ("By Ann Roe | Science Weekly | 9 September 2025", True),
        ("Published: 12 July 2024", True),
        ("12 July 2024", True),
        ("Valley Courier", False),  # this may be a subheading
        ("On 14 May 2024, by a margin of 3, the bill passed", False),
        ("By Thursday, 14 May 2024, the river had fallen.", False),
        ("Ann Roe was born on 12 March 1956", False),
    ],
)
def test_lines_that_only_say_where_and_when(line: str, alone: bool) -> None:
    assert is_heading_line(line) is alone
