"""Answers as HTML: nothing untrusted gets through, and exactly the quote is highlighted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from fake_engine import (
    AID,
    AID_QUOTE,
    AUSTRALIA,
    CALL_ALONE,
    HOSTILE,
    HOSTILE_QUOTE,
    HOSTILE_TITLE,
    MINISTER,
    FakeEngine,
)

from rag import Answer, Document
from ui import render

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "**bold** [a](javascript:b)",
    "${1+1} {{x}} &lt;",
]


class Parsed(HTMLParser):
    """Reads HTML back: its tags, ids, attributes, and the text of what has a class or a tag name."""

    VOID = frozenset({"img", "br", "hr", "input"})

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._open: list[tuple[str, set[str], int]] = []
        self._texts: list[tuple[str, set[str], str]] = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self.attributes += found.items()
        self.ids += [found["id"]] if "id" in found else []
        if tag not in self.VOID:
            self._open.append((tag, set(found.get("class", "").split()), len(self.text)))

    def handle_endtag(self, tag: str) -> None:
        opened, classes, start = self._open.pop()
        assert opened == tag
        self._texts.append((tag, classes, self.text[start:]))

    def handle_data(self, data: str) -> None:
        self.text += data

    def find(self, name: str) -> list[str]:
        """Return the texts of the elements that are or have the class `name`."""
        return [text for tag, classes, text in self._texts if name == tag or name in classes]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(hostile=True)


def answered(engine: FakeEngine, question: str) -> tuple[Answer, dict[str, Document]]:
    *_, given = engine.stream(question)
    assert isinstance(given, Answer)
    return given, {c.document_id: engine.document(c.document_id) for c in given.citations}


def page(engine: FakeEngine, question: str, uid: str = "t1", asked: str | None = None) -> Parsed:
    given, documents = answered(engine, question)
    asked = question if asked is None else asked
    return Parsed(render.turn(uid, asked, render.answer(uid, asked, given, documents)))


def test_marker_tells_the_sentence_and_leads_to_its_source(engine: FakeEngine) -> None:
    html = page(engine, AID)
    assert html.find("dl-answer") == ["US $310 million [1]"]
    assert html.tags["button"] == 1
    assert ("data-source", "t1-s1") in html.attributes
    assert "t1-s1" in html.ids
    told = dict(html.attributes)
    assert AID_QUOTE in told["title"]
    assert told["aria-label"].startswith("Source 1: “Harris recently announced")


@pytest.mark.parametrize("question", [AID, MINISTER, CALL_ALONE, HOSTILE])
def test_exactly_the_quote_is_highlighted(engine: FakeEngine, question: str) -> None:
    given, _ = answered(engine, question)
    assert page(engine, question).find("mark") == [c.quote for c in given.citations]


def test_highlight_stands_in_its_passage(engine: FakeEngine) -> None:
    given, documents = answered(engine, AID)
    (citation,) = given.citations
    document = documents[citation.document_id]
    shown = Parsed(render.highlighted(document, citation)).text
    assert shown.split() == document.text[citation.passage.start : citation.passage.end].split()


def test_quote_outside_its_passage_is_shown_whole(engine: FakeEngine) -> None:
    given, documents = answered(engine, AID)
    (citation,) = given.citations
    narrow = replace(citation, passage=replace(citation.passage, start=citation.start + 5, end=citation.end - 5))
    assert Parsed(render.highlighted(documents[citation.document_id], narrow)).text == AID_QUOTE


def test_a_removed_article_leaves_its_quote(engine: FakeEngine) -> None:
    given, _ = answered(engine, AID)
    html = Parsed(render.answer("t1", AID, given, {}))
    assert html.find("mark") == html.find("dl-passage") == [AID_QUOTE]


def test_ids_are_unique_across_messages(engine: FakeEngine) -> None:
    ids = [i for uid in ("t1", "t2", "t3") for i in page(engine, MINISTER, uid).ids]
    assert len(ids) == len(set(ids)) == 3 * 4  # article, heading, two sources


def test_hostile_article_is_text(engine: FakeEngine) -> None:
    html = page(engine, HOSTILE)
    assert not html.tags.keys() & {"script", "img", "b", "i", "a", "strong", "em"}
    assert html.find("dl-title") == [HOSTILE_TITLE]
    assert html.find("dl-file") == ["hostile-<b>.txt"]
    assert not any(name.startswith("on") for name, _ in html.attributes)
    assert "injected" not in html.ids
    assert "W" * 10_000 in html.text
    assert "**that**" in html.text
    assert max(len(value) for _, value in html.attributes) < 450


def test_marker_without_citation_stays_text(engine: FakeEngine) -> None:
    html = page(engine, HOSTILE)
    assert html.find("dl-marker") == ["[1]"]
    assert "and [99]:" in html.find("dl-answer")[0]


@pytest.mark.parametrize("nasty", NASTY)
def test_everything_is_escaped(engine: FakeEngine, nasty: str) -> None:
    given, documents = answered(engine, MINISTER)
    place = replace(answered(engine, AID)[0].citations[0], title=nasty, source=nasty)
    citations = tuple(replace(c, title=nasty, source=nasty, also=(place,)) for c in given.citations)
    given = replace(given, question=nasty, text=nasty, model=nasty, notices=(nasty,), citations=citations)
    given = replace(given, timings={nasty: 1.0, "b": 2.0})
    unsure = replace(
        given, abstained=True, citations=(), evidence=(replace(given.evidence[0], title=nasty, text=nasty),)
    )
    pieces = [
        render.turn("t1", nasty, ""),
        render.answer("t1", "asked", given, documents),
        render.answer("t1", "asked", unsure, {}),
        render.draft(nasty, nasty),
        render.draft("", nasty),
        render.problem(nasty, nasty),
        render.welcome(1, [nasty]),
        render.masthead(1, nasty, nasty),
    ]
    for piece in pieces:
        html = Parsed(piece)
        assert nasty in html.text
        assert not html.tags.keys() & {"script", "img", "a", "strong"}
        assert not any(name.startswith("on") for name, _ in html.attributes)


def test_abstention_offers_passages_and_no_citation(engine: FakeEngine) -> None:
    html = page(engine, AUSTRALIA)
    assert html.find("dl-abstained") == ["No answerThe articles do not say."]
    assert not html.find("dl-marker") and not html.find("dl-source") and not html.tags["mark"]
    assert html.find("h3")[0].startswith("Related passages")
    assert len(html.find("dl-passage")) == render.RELATED


def test_passages_about_something_else_are_not_offered(engine: FakeEngine) -> None:
    given, _ = answered(engine, AUSTRALIA)
    far, near = given.evidence[:2]
    given = replace(given, evidence=(replace(far, dense=0.05, lexical=0.0), near))
    assert Parsed(render.answer("t1", AUSTRALIA, given, {})).find("dl-passage") == [near.text]
    given = replace(given, evidence=given.evidence[:1])
    assert "Related" not in render.answer("t1", AUSTRALIA, given, {})


def test_abstention_never_makes_markers(engine: FakeEngine) -> None:
    given, documents = answered(engine, AID)
    html = Parsed(render.answer("t1", AID, replace(given, abstained=True), documents))
    assert not html.find("dl-marker") and not html.find("dl-source")


def test_stand_alone_question_is_shown_where_it_differs(engine: FakeEngine) -> None:
    assert not page(engine, AID, asked=f"  {AID} ").find("dl-understood")
    (shown,) = page(engine, CALL_ALONE, asked="How did he describe it?").find("dl-understood")
    assert shown == f"Understood as: {CALL_ALONE}"


@pytest.mark.parametrize(
    ("support", "word"),
    [(1.0, "strong"), (0.8, "strong"), (0.79, "fair"), (0.5, "fair"), (0.49, "weak"), (0.0, "weak")],
)
def test_support_word(support: float, word: str) -> None:
    assert render.support_word(support) == word


def test_support_is_a_word_and_a_bar(engine: FakeEngine) -> None:
    html = page(engine, MINISTER)
    assert html.find("dl-support") == ["strong support", "fair support"]
    assert [value for name, value in html.attributes if name == "style"] == ["width:93%", "width:61%"]


def test_other_places_of_the_sentence(engine: FakeEngine) -> None:
    given, documents = answered(engine, AID)
    (citation,) = given.citations
    given = replace(given, citations=(replace(citation, also=(citation,)),))
    (also,) = Parsed(render.answer("t1", AID, given, documents)).find("dl-also")
    assert also == f"Also in {citation.title} ({citation.source})"


def test_meta_line_sums_up(engine: FakeEngine) -> None:
    given, documents = answered(engine, AID)
    assert page(engine, AID).find("dl-meta") == ["fake-1.5b · 1.6 s (retrieve 0.04, answer 1.21, verify 0.31)"]
    bare = replace(given, timings={"answer": 0.25, "verify": 0.5})
    html = Parsed(render.answer("t1", AID, bare, documents))
    assert html.find("dl-meta") == ["fake-1.5b · 0.8 s (answer 0.25, verify 0.50)"]


def test_empty_library_says_how_to_fill_it() -> None:
    assert "rag ingest" in Parsed(render.welcome(0, ["never shown"])).text
    assert "never shown" not in render.welcome(0, ["never shown"])
    assert "Try one" not in render.welcome(3, [])


def test_masthead_counts() -> None:
    assert "1 article ·" in Parsed(render.masthead(1, "m")).text
    assert "100,000 articles ·" in Parsed(render.masthead(100_000, "m")).text
    assert HOSTILE_QUOTE in Parsed(render.masthead(1, "m", HOSTILE_QUOTE)).text
