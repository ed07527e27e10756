"""A checked text as HTML: its verdicts in words, its sources as in the chat, and nothing untrusted as markup."""

from __future__ import annotations

from dataclasses import replace

import pytest
from parsed import Parsed
from samples import AID_QUOTE, CORDIAL, citation

from rag import CheckedSentence, CheckReport
from rag.load.files import make_document
from ui.check import view as show

DOCUMENT = make_document(f"First\n\nBefore. {CORDIAL} Between. {AID_QUOTE} After.", "a.txt")
CITED = citation(1, DOCUMENT, CORDIAL, 0.97)
SUPPORTED = CheckedSentence("The call was cordial.", "supported", 0.97, (CITED,))
CONTRADICTED = CheckedSentence(
    "The call was tense.", "contradicted", 0.04, (CITED, citation(2, DOCUMENT, AID_QUOTE, 0))
)
NOT_FOUND = CheckedSentence("The dam burst.", "not found", 0.1, (citation(3, DOCUMENT, AID_QUOTE, 0.1),))
NASTY = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "**b** [a](javascript:b) ${1} {{x}} &lt;"]


def shown(*items: CheckedSentence) -> Parsed:
    return Parsed(show.sentences("0123456789abcdef", CheckReport(items)))


@pytest.mark.parametrize(
    ("items", "chosen", "line"),
    [
        ([SUPPORTED], 0, "1 of 1 sentence supported"),
        ([NOT_FOUND], 0, "0 of 1 sentence supported, 1 not found"),
        (
            [SUPPORTED] * 5 + [CONTRADICTED] + [NOT_FOUND] * 2,
            0,
            "5 of 8 sentences supported, 1 contradicted, 2 not found",
        ),
        ([SUPPORTED, NOT_FOUND], 1, "1 of 2 sentences supported, 1 not found in 1 chosen article"),
        ([SUPPORTED, SUPPORTED], 3, "2 of 2 sentences supported in 3 chosen articles"),
        ([], 0, "There is no sentence in this text"),
    ],
)
def test_summary(items: list[CheckedSentence], chosen: int, line: str) -> None:
    assert Parsed(show.summary(CheckReport(tuple(items)), chosen)).text == line


def test_verdict_is_a_word_an_icon_and_a_colour() -> None:
    html = shown(SUPPORTED, CONTRADICTED, NOT_FOUND)
    assert html.find("strong") == ["Supported", "Contradicted", "Not found"]
    assert [sorted(e["class"].split()) for e in html.elements("dl-sentence")] == [
        ["dl-sentence", "dl-strong"],
        ["dl-sentence", "dl-weak"],
        ["dl-none", "dl-sentence"],
    ]
    icons = [e["d"] for e in html.elements("path")]
    assert len(set(icons)) == 3 and all(e["aria-hidden"] == "true" for e in html.elements("svg"))


@pytest.mark.parametrize(
    ("support", "percent"), [(0.0, 0), (0.29, 29), (0.497, 49), (0.5, 50), (0.999, 99), (1.0, 100), (1.2, 100)]
)
def test_support_is_a_percentage_that_is_not_rounded_up(support: float, percent: int) -> None:
    html = shown(replace(SUPPORTED, support=support))
    assert html.find("dl-support") == [f"{percent}% support"]
    assert [e["style"] for e in html.elements("span") if "style" in e] == [f"width:{percent}%"]


def test_citations_lead_to_their_sentences() -> None:
    html = shown(SUPPORTED, CONTRADICTED)
    assert html.find("dl-marker") == ["[1]", "[1]", "[2]"] and html.find("dl-number") == ["1", "1", "2"]
    assert html.find("dl-quote") == [CORDIAL, CORDIAL, AID_QUOTE]
    for element in html.elements("dl-marker") + html.elements("dl-title"):
        start, end = int(element["data-start"]), int(element["data-end"])
        assert element["data-article"] == DOCUMENT.id and DOCUMENT.text[start:end] in (CORDIAL, AID_QUOTE)
    tips = [e["aria-describedby"] for e in html.elements("dl-marker")]
    assert tips == [e["id"] for e in html.elements("dl-tip")] and len(set(html.ids)) == len(html.ids)


def test_nearest_sentences_of_what_is_not_found_are_not_shown() -> None:
    html = shown(NOT_FOUND)
    assert not html.find("dl-marker") and not html.find("dl-source") and AID_QUOTE not in html.text


@pytest.mark.parametrize("nasty", NASTY)
def test_everything_is_escaped(nasty: str) -> None:
    cited = replace(CITED, title=nasty, source=nasty, quote=nasty, document_id=nasty)
    html = shown(CheckedSentence(nasty, "supported", 0.9, (cited,)), CheckedSentence(nasty, "not found", 0.1, ()))
    assert html.text.count(nasty) == 7  # two sentences; title, quote and source, and title and quote of the tip
    assert not html.tags.keys() & {"script", "img", "a"}
    assert not any(name.startswith("on") for name, _ in html.attributes)
    assert Parsed(show.waiting(nasty)).text == nasty
