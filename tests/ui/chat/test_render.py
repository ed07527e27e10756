"""Answers as HTML: nothing untrusted gets through, and every marker leads to its sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from parsed import Parsed
from samples import (
    AID,
    AID_QUOTE,
    AUSTRALIA,
    CALL_ALONE,
    CORDIAL,
    HOSTILE_QUOTE,
    HOSTILE_TITLE,
    MINISTER,
    citation,
    make_answer,
    related,
)

from rag import Answer, Engine, Place, Usage
from rag.load.files import make_document
from ui.chat import export, render
from ui.chat.article import article
from ui.chat.conversations import Turn

HOSTILE = make_document(f"{HOSTILE_TITLE}\n\nA harmless sentence. {HOSTILE_QUOTE} <i>After.</i>", "hostile-<b>.txt")
NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "**bold** [a](javascript:b)",
    "${1+1} {{x}} &lt;",
]


@pytest.fixture
def aid(seeds_engine: Engine) -> Answer:
    (document,) = [seeds_engine.document(s.id) for s in seeds_engine.sources() if s.source.startswith("003")]
    return make_answer(AID, "US $310 million [1]", [citation(1, document, AID_QUOTE, 0.97)])


@pytest.fixture
def minister(seeds_engine: Engine, aid: Answer) -> Answer:
    (document,) = [seeds_engine.document(s.id) for s in seeds_engine.sources() if s.source.startswith("000")]
    second = replace(aid.citations[0], marker=2, support=0.61)
    return make_answer(MINISTER, "Marcelo Ebrard [1][2]", [citation(1, document, CORDIAL, 0.93), second])


def shown(given: Answer, asked: str = "") -> Parsed:
    return Parsed(render.turn(Turn(asked or given.question, given, id="0123456789abcdef")))


def test_marker_tells_the_sentence_and_leads_to_its_article(aid: Answer) -> None:
    html = shown(aid)
    assert html.find("dl-answer") == ["US $310 million [1]"]
    assert html.find("dl-held") == ["million [1]"]  # no line begins with a marker
    (marker,) = html.elements("dl-marker")
    (c,) = aid.citations
    assert marker["aria-label"] == "Source 1"
    assert [marker["data-article"], marker["data-start"], marker["data-end"]] == [c.document_id, *map(str, span(c))]
    (tip,) = html.elements("dl-tip")
    assert tip["id"] == marker["aria-describedby"] and tip["role"] == "tooltip"
    assert html.find("dl-tip") == [f"“{AID_QUOTE}”{c.title}"]


def span(c: object) -> tuple[int, int]:
    return c.start, c.end  # type: ignore[attr-defined]


def test_sources_show_title_quote_and_support(minister: Answer) -> None:
    html = shown(minister)
    assert html.find("dl-title") == [c.title for c in minister.citations]
    assert html.find("dl-quote") == [CORDIAL, AID_QUOTE]
    assert html.find("dl-support") == ["strong support", "fair support"]
    assert [style for e in html.elements("span") if (style := e.get("style"))] == ["width:93%", "width:61%"]


@pytest.mark.parametrize(
    ("support", "word"),
    [(1.0, "strong"), (0.8, "strong"), (0.79, "fair"), (0.5, "fair"), (0.49, "weak"), (0.0, "weak")],
)
def test_support_word(support: float, word: str) -> None:
    assert render.support_word(support) == word


def test_ids_are_unique_across_messages(minister: Answer) -> None:
    turns = [Turn(MINISTER, minister) for _ in range(3)]
    ids = [i for turn in turns for i in Parsed(render.turn(turn)).ids]
    assert len(ids) == len(set(ids)) == 3 * 4  # message, heading, two tooltips


def test_other_places_of_the_sentence(aid: Answer) -> None:
    (c,) = aid.citations
    also = Place(c.document_id, c.source, "Elsewhere <b>", c.start, c.end)
    assert shown(replace(aid, citations=(replace(c, also=(also,)),))).find("dl-also") == ["Also in Elsewhere <b>"]


def test_where_and_when_it_appeared(aid: Answer) -> None:
    (c,) = aid.citations
    known = replace(
        c,
        date="2024-07-12",
        publisher="<b>Post",
        url="https://post.test/?a=1&b=2",
        times=(("yesterday", "2024-07-11"),),
    )
    also = Place(c.document_id, "b.txt", "Elsewhere", c.start, c.end, "2024-07-13", "Courier")
    html = shown(replace(aid, citations=(replace(known, also=(also,)),)))
    assert html.find("dl-origin") == ["<b>Post, 12 Jul 2024", "Courier, 13 Jul 2024", "<b>Post, 12 Jul 2024"]
    assert html.find("dl-tip")[0].endswith("<b>Post, 12 Jul 2024")
    assert html.find("dl-times") == ["yesterday is 11 Jul 2024"]
    assert html.find("dl-also") == ["Also in Elsewhere (Courier, 13 Jul 2024)"]
    (link,) = [element for element in html.elements("a")]
    assert link["href"] == "https://post.test/?a=1&b=2" and "noopener" in str(link["rel"])
    for unsafe in ("javascript:alert(1)", "/local", ""):
        assert not shown(replace(aid, citations=(replace(known, url=unsafe),))).elements("a")


def test_course_of_events_has_its_dates_beside_it(minister: Answer) -> None:
    given = replace(minister, text="12 Jul 2024: He <b>came</b> [1].\n3 Aug 2024: He went [1].")
    html = shown(given)
    assert html.find("dl-when") == ["12 Jul 2024", "3 Aug 2024"]
    assert html.find("dl-timeline") == ["12 Jul 2024He <b>came</b> [1].3 Aug 2024He went [1]."]
    assert html.find("dl-marker") == ["[1]", "[1]"]
    assert not shown(minister).find("dl-timeline")


def test_long_question_is_folded(aid: Answer) -> None:
    html = Parsed(render.turn(Turn("<b>" * 200, aid)))
    assert len(html.find("dl-question")[0]) == 200 and html.find("dl-whole") == ["Whole question" + "<b>" * 200]
    (begun,) = Parsed(render.turn(Turn("What is it, please? " * 20, aid))).find("dl-question")
    assert begun.endswith("please? What is it,…") and len(begun) <= 201  # no word is cut
    assert not Parsed(render.turn(Turn(AID, aid))).find("dl-whole")


def test_filter_label() -> None:
    assert render.filter_label() == render.filter_label(" ") == "Filter by date or publisher"
    assert render.filter_label("2024-07", "", "Post") == "Only articles from 2024-07, of Post"


def test_hostile_article_is_text() -> None:
    text = f"It says <b>this</b> and **that** [1] and [99]: {HOSTILE_QUOTE}"
    html = shown(make_answer("What?", text, [citation(1, HOSTILE, HOSTILE_QUOTE, 0.4)]))
    assert not html.tags.keys() & {"script", "img", "b", "i", "a", "strong", "em"}
    assert html.find("dl-title") == [HOSTILE_TITLE]
    assert html.find("dl-file") == ["hostile-<b>.txt"]
    assert not any(name.startswith("on") for name, _ in html.attributes)
    assert "injected" not in html.ids
    assert "W" * 10_000 in html.text
    assert html.find("dl-marker") == ["[1]"] and "and [99]:" in html.find("dl-answer")[0]
    assert max(map(len, html.find("dl-tip"))) < 800


@pytest.mark.parametrize("nasty", NASTY)
def test_everything_is_escaped(minister: Answer, nasty: str) -> None:
    place = replace(minister.citations[0], title=nasty, source=nasty)
    citations = tuple(
        replace(c, title=nasty, source=nasty, quote=nasty, document_id=nasty, also=(place,)) for c in minister.citations
    )
    given = replace(minister, question=nasty, text=nasty, model=nasty, notices=(nasty,), citations=citations)
    given = replace(given, unconfirmed=(nasty,))
    near = replace(related(HOSTILE, "A harmless sentence."), title=nasty, text=nasty, document_id=nasty)
    unsure = replace(given, abstained=True, citations=(), related=(near,))
    pieces = [
        render.turn(Turn(nasty, given, vote="down", note=nasty)),
        render.turn(Turn("asked", unsure, vote="up", note=nasty)),
        render.turn(Turn(nasty, problem=nasty)),
        render.pending("a" * 16, nasty, nasty, nasty),
        render.draft("", nasty),
        render.problem(nasty),
        render.welcome(1, [nasty]),
        render.masthead(1, nasty, nasty),
    ]
    for piece in pieces:
        html = Parsed(piece)
        assert nasty in html.text
        assert not html.tags.keys() & {"script", "img", "a", "strong"}
        assert not any(name.startswith("on") for name, _ in html.attributes)


def test_abstention_looks_different_and_offers_passages(seeds_engine: Engine) -> None:
    document = seeds_engine.document(seeds_engine.sources()[0].id)
    given = make_answer(AUSTRALIA, "The articles do not mention Australia.", related=(related(document, CORDIAL),))
    html = shown(given)
    assert html.find("dl-abstained") == ["No answer in the articlesThe articles do not mention Australia."]
    assert not html.find("dl-marker") and not html.find("dl-source")
    assert html.find("h3")[0].startswith("Related passages")
    assert html.find("dl-quote") == [CORDIAL]
    (title,) = html.elements("dl-title")
    assert title["data-article"] == document.id
    assert "Related" not in shown(replace(given, related=())).text


def test_abstention_never_makes_markers(aid: Answer) -> None:
    html = shown(replace(aid, abstained=True))
    assert not html.find("dl-marker") and not html.find("dl-source")


def test_notices_are_shown(aid: Answer) -> None:
    assert shown(replace(aid, notices=("the model is down",))).find("dl-notice") == ["the model is down"]


def test_what_is_not_confirmed_is_folded_apart_from_the_answer(aid: Answer) -> None:
    said = ("The Senate approved it.", "It comes in three parts.")
    for given in (aid, replace(aid, abstained=True, citations=(), text="The articles do not say.")):
        html = shown(replace(given, unconfirmed=said))
        (details,) = html.elements("dl-unconfirmed")
        assert "open" not in details and html.find("summary")[-1] == export.UNCONFIRMED
        assert html.find("dl-unconfirmed") == [export.UNCONFIRMED + "".join(said)]
        assert not set(said) & set(html.find("dl-answer"))
        (copy,) = [e["data-copy"] for e in html.elements("dl-action") if "data-copy" in e]
        assert "Senate" not in copy
    assert not shown(aid).find("dl-unconfirmed")


def test_stand_alone_question_is_shown_where_it_differs(aid: Answer) -> None:
    assert not shown(aid, f"  {AID} ").find("dl-understood")
    (said,) = shown(replace(aid, question=CALL_ALONE), "How did he describe it?").find("dl-understood")
    assert said == f"Understood as: {CALL_ALONE}"


def test_votes_and_notes(aid: Answer) -> None:
    def pressed(turn: Turn) -> list[str]:
        return [e["aria-pressed"] for e in Parsed(render.turn(turn)).elements("dl-action") if "aria-pressed" in e]

    assert pressed(Turn(AID, aid)) == ["false", "false"]
    assert pressed(Turn(AID, aid, vote="up")) == ["true", "false"]
    assert not shown(aid).find("dl-note")
    down = Parsed(render.turn(Turn(AID, aid, vote="down", note="wrong year")))
    assert "wrong year" in down.text and "do not say this" in down.text
    assert "do not say this" not in render.turn(Turn(AID, aid, vote="up"))


def test_copy_holds_the_answer_with_its_citations(aid: Answer) -> None:
    (copy,) = [e["data-copy"] for e in shown(aid).elements("dl-action") if "data-copy" in e]
    assert copy == f"US $310 million [1]\n\n[1] {aid.citations[0].title}: “{AID_QUOTE}”"


def test_draft_is_marked_as_unchecked() -> None:
    html = Parsed(render.pending("a" * 16, AID, "310 mil", "Searching…"))
    assert html.find("dl-draft") == ["310 mil"] and "checking" in html.find("dl-status")[0]
    assert Parsed(render.pending("a" * 16, AID, "", "Searching…")).find("dl-status") == ["Searching…"]


def test_meta_line_sums_up(aid: Answer) -> None:
    assert shown(aid).find("dl-meta") == ["fake-1.5b · 1.6 s"]
    assert shown(replace(aid, model="none", timings={"retrieve": 0.01})).find("dl-meta") == ["under 0.1 s"]
    assert shown(replace(aid, usage=Usage(1, 1200, 34))).find("dl-meta") == ["fake-1.5b · 1.6 s · 1 call, 1,234 tokens"]
    assert shown(replace(aid, model="extractive")).find("dl-meta") == ["answered by quoting · 1.6 s"]
    assert "2 calls" in shown(replace(aid, usage=Usage(2, 1, 1))).find("dl-meta")[0]


def test_empty_library_says_how_to_fill_it() -> None:
    html = Parsed(render.welcome(0, ["never shown"]))
    assert "library is empty" in html.text and "never shown" not in html.text
    assert ["data-add" in e for e in html.elements("button")] == [True]
    assert not Parsed(render.welcome(0, [], can_add=False)).elements("button")
    assert "Try one" not in render.welcome(3, [])


def test_masthead_counts() -> None:
    assert "1 article ·" in Parsed(render.masthead(1, "m")).text
    assert "100,000 articles ·" in Parsed(render.masthead(100_000, "m")).text


def test_line_about_chosen_articles() -> None:
    assert Parsed(render.chosen_note(1)).text == "Only 1 chosen article"
    assert Parsed(render.chosen_note(12)).text == "Only 12 chosen articles"
    assert render.chosen_note(0) == ""


@pytest.mark.parametrize("tag", ["h2", "textarea"])
def test_what_a_reader_types_decides_its_own_direction(minister: Answer, tag: str) -> None:
    page = render.turn(Turn(MINISTER, minister))
    opening = page.split(f"<{tag}", 1)[1].split(">", 1)[0]
    assert 'dir="auto"' in opening
    assert '<p class="dl-draft" dir="auto">' in render.draft("كلف الجسر", "")


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("The bridge cost 4 million.", "ltr"),
        ("كلف الجسر 4 ملايين.", "rtl"),
        ("הגשר עלה ארבעה מיליון.", "rtl"),
        ("(AFP) - كلف الجسر الجديد في المدينة أربعة ملايين يورو.", "rtl"),
        ("اسم الشركة الجديدة Harborough Bridge Company.", "rtl"),
        ("The name of the newspaper is الأهرام, as everyone in the whole city knows.", "ltr"),
        ("12 — 2024", "ltr"),
        ("", "ltr"),
    ],
)
def test_what_articles_say_runs_as_its_letters_do(text: str, runs: str) -> None:
    said = text or "."
    document = make_document(f"{said}\n\n{said}\n", "a.txt")
    given = make_answer(AID, f"{said} [1]", [citation(1, document, said, 0.9)])
    html = shown(given)
    for name in ("dl-answer", "dl-source", "dl-title", "dl-quote", "dl-tip"):
        assert [element["dir"] for element in html.elements(name)] == [runs], name
    passages = shown(make_answer(AUSTRALIA, "No.", related=(related(document, said),)))
    assert [passages.elements(name)[0]["dir"] for name in ("dl-title", "dl-quote")] == [runs, runs]
    page = Parsed(article(document))
    assert [page.elements(name)[0]["dir"] for name in ("dl-headline", "dl-text")] == [runs, runs]
