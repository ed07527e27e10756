"""The article beside the chat: whole, escaped, and exactly the sentence marked."""

from __future__ import annotations

import pytest
from parsed import Parsed
from samples import AID_QUOTE, HOSTILE_QUOTE, HOSTILE_TITLE

from rag import Engine
from rag.load.files import make_document
from ui.chat.article import article, missing


def test_exactly_the_sentence_is_marked(seeds_engine: Engine) -> None:
    (document,) = [seeds_engine.document(s.id) for s in seeds_engine.sources() if s.source.startswith("003")]
    start = document.text.index(AID_QUOTE)
    html = Parsed(article(document, start, start + len(AID_QUOTE)))
    assert html.find("mark") == [AID_QUOTE]
    assert document.text.split() == " ".join(html.find("dl-text")).split()
    assert html.find("h2") == [document.title]


def test_headline_is_not_said_twice() -> None:
    document = make_document("\n Fire in the port \n\nIt burnt.  \n\nAll night.\n", "a.txt")
    html = Parsed(article(document))
    assert html.text.count("Fire in the port") == 1
    assert html.find("h2") == ["Fire in the port"] and html.find("p")[1:] == ["It burnt.", "All night."]


def test_sentence_in_the_headline_is_marked_there() -> None:
    document = make_document("Fire in the port\n\nIt burnt.", "a.txt")
    html = Parsed(article(document, 0, 4))
    assert html.find("mark") == ["Fire"] and html.find("h2") == ["Fire in the port"]


@pytest.mark.parametrize(("start", "end"), [(0, 0), (5, 3), (9999, 10_000), (-5, -1)])
def test_no_such_place_marks_nothing(start: int, end: int) -> None:
    html = Parsed(article(make_document("Title\n\nText.", "a.txt"), start, end))
    assert not html.find("mark") and "Text." in html.text


def test_hostile_article_is_text() -> None:
    document = make_document(f"{HOSTILE_TITLE}\n\nA harmless sentence. {HOSTILE_QUOTE} <i>After.</i>", "x-<b>.txt")
    start = document.text.index(HOSTILE_QUOTE)
    html = Parsed(article(document, start, start + len(HOSTILE_QUOTE)))
    assert html.find("mark") == [HOSTILE_QUOTE] and html.find("h2") == [HOSTILE_TITLE]
    assert not html.tags.keys() & {"script", "img", "b", "i", "a", "strong"}
    assert "x-<b>.txt" in html.find("dl-file")[0]


def test_removed_article_says_so() -> None:
    assert "no longer in the library" in Parsed(missing()).text


def test_what_is_known_about_an_article_is_shown_and_escaped() -> None:
    document = make_document(
        "The port burnt.", "a.html", date="2024-07-12T08:00:00", author="<b>Brandt</b>", publisher="Tessin Post",
        url="https://example.org/?a=1&b=\"><script>",
    )  # fmt: skip
    html = article(document)
    assert Parsed(html).find("dl-origin") == ["Tessin Post, 12 Jul 2024"] and "&lt;b&gt;Brandt" in html
    assert 'href="https://example.org/?a=1&amp;b=&quot;&gt;&lt;script&gt;"' in html and "<script" not in html


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//example.org", "", "file:///etc/passwd"])
def test_only_web_addresses_become_links(url: str) -> None:
    assert "href" not in article(make_document("The port burnt.", "a.html", url=url))
