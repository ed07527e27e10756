"""Conversations as files: complete, self-contained, and nothing in them is read as markup."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from parsed import Parsed
from samples import AID, AID_QUOTE, CALL, CALL_ALONE, CORDIAL, MINISTER, citation, make_answer

from rag import Answer
from rag.load.files import make_document
from ui.chat import export
from ui.chat.conversations import Conversation, Turn
from ui.chat.export import exported
from ui.chat.timeline import events

FIRST = make_document(f"First\n\nBefore. {CORDIAL} After.", "a.txt")
SECOND = make_document(f"Second\n\n{AID_QUOTE}", "b_c.txt")
NASTY = '<script>alert(1)</script> **b** [a](javascript:b) `c` <img src=x onerror=alert(1)> # h | "q"'


@pytest.fixture
def conversation() -> Conversation:
    minister = make_answer(MINISTER, "Marcelo Ebrard [1]", [citation(1, FIRST, CORDIAL, 0.9)])
    call = make_answer(
        CALL_ALONE,
        "“Cordial” [1]. And US $310 million [2], says [1].",
        [citation(1, FIRST, CORDIAL, 0.9), citation(2, SECOND, AID_QUOTE, 0.5)],
        notices=("The model was slow.",),
    )
    none = make_answer("Where?", "The articles do not say.")
    turns = [Turn(MINISTER, minister), Turn(CALL, call, vote="up", note="good"), Turn("Where?", none)]
    return Conversation([*turns, Turn("Broken?", problem="It failed.")], started="2026-01-02T03:04:05+00:00")


def test_markdown_has_every_turn_with_footnotes(conversation: Conversation) -> None:
    assert export.to_markdown(conversation).split("\n\n") == [
        f"# {MINISTER}",
        f"## {MINISTER}",
        "Marcelo Ebrard [^1-1]",
        f"[^1-1]: First (a.txt): “{CORDIAL}”",
        f"## {CALL}",
        f"*Understood as: {CALL_ALONE}*",
        "“Cordial” [^2-1]. And US $310 million [^2-2], says [^2-1].",
        "*The model was slow.*",
        f"[^2-1]: First (a.txt): “{CORDIAL}”",
        rf"[^2-2]: Second (b\_c.txt): “{AID_QUOTE}”",
        "## Where?",
        "The articles do not say.",
        "## Broken?",
        "*It failed.*\n",
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("# no heading", r"\# no heading"),
        ("1. no list", r"1\. no list"),
        ("- no list", r"\- no list"),
        ("3.5 million", r"3\.5 million"),
        ("<b> [a](b) `c` *d* _e_ a|b ~f~ &lt; \\", r"\<b\> \[a\](b) \`c\` \*d\* \_e\_ a\|b \~f\~ \&lt; \\"),
        ("two\n\n# lines", "two # lines"),
    ],
)
def test_markdown_is_escaped(text: str, written: str) -> None:
    assert export.to_markdown(Conversation([Turn(text, problem="p")])).split("\n\n")[1] == f"## {written}"


COURSE = "12 Jul 2024: It opened [1].\n3 Aug 2024: It closed – again [2] [1]."


def course(text: str = COURSE) -> Answer:
    return make_answer(
        "How has it changed?", text, [citation(1, FIRST, CORDIAL, 1.0), citation(2, SECOND, AID_QUOTE, 1.0)]
    )


def test_course_of_events_is_one_dated_line_for_each() -> None:
    turn = Turn("How has it changed?", course())
    lines = "- 12 Jul 2024: It opened [^1-1].\n- 3 Aug 2024: It closed – again [^1-2] [^1-1]."
    assert export.to_markdown(Conversation([turn])).split("\n\n")[2] == lines
    copied = export.markdown_answer(turn).splitlines()
    assert copied[:2] == ["- 12 Jul 2024: It opened [1].", "- 3 Aug 2024: It closed – again [2] [1]."]
    html = Parsed(export.to_html(Conversation([turn])).removeprefix("<!doctype html>"))
    assert html.find("time") == ["12 Jul 2024", "3 Aug 2024"]
    assert html.find("li")[0] == "12 Jul 2024: It opened 1."


def test_lines_of_an_answer_stay_lines() -> None:
    parts = export.to_markdown(Conversation([Turn("How has it changed?", course("First [1].\n# Second [2]."))])).split(
        "\n\n"
    )
    assert parts[2:4] == ["First [^1-1].", r"\# Second [^1-2]."]


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        (COURSE, ["12 Jul 2024", "3 Aug 2024"]),
        ("- 2024-07-12 – It opened [1].\n- 2024-08: It closed [2].", ["2024-07-12", "2024-08"]),
        ("٣ يوليو 2024: افتتح الجسر [1].\n٤ يوليو 2024: أغلق [2].", ["٣ يوليو 2024", "٤ يوليو 2024"]),
        ("12 Jul 2024: It opened [1].", []),  # one line is no course
        ("12 Jul 2024: It opened [1].\nIt closed [2].", []),
        ("12 Jul 2024: It opened [1].\n3 Aug 2024: It closed [9].", []),  # no such source
        ("Its cost: 2,000 [1].\nIts length: 1500 metres [2].", []),
        ("", []),
    ],
)
def test_only_dated_and_cited_lines_are_a_course_of_events(text: str, dates: list[str]) -> None:
    assert [date for date, _ in events(course(text))] == dates


def test_json_holds_answers_with_offsets(conversation: Conversation) -> None:
    data = json.loads(export.to_json(conversation))
    assert data["title"] == MINISTER and len(data["turns"]) == 4
    answered = data["turns"][1]
    assert answered["question"] == CALL and answered["answer"]["question"] == CALL_ALONE
    assert [answered["vote"], answered["note"]] == ["up", "good"]
    cited = answered["answer"]["citations"][1]
    assert SECOND.text[cited["start"] : cited["end"]] == cited["quote"] == AID_QUOTE
    assert data["turns"][3] == {
        "question": "Broken?",
        "answer": None,
        "problem": "It failed.",
        "vote": None,
        "note": None,
    }


def test_page_to_print_has_footnotes_and_loads_nothing(conversation: Conversation) -> None:
    text = export.to_html(conversation)
    html = Parsed(text.removeprefix("<!doctype html>"))
    assert html.find("h2") == [MINISTER, CALL, "Where?", "Broken?"]
    assert html.find("sup") == ["1", "2", "3", "2"]  # numbered through, one number for one source of an answer
    assert len(html.elements("li")) == 3 and AID_QUOTE in html.find("li")[2]
    links = {e["href"].removeprefix("#") for e in html.elements("a")}
    assert links <= set(html.ids) and len(html.ids) == len(set(html.ids))
    assert not html.tags.keys() & {"script", "img", "link", "iframe"}
    assert "http" not in text.replace('http-equiv="', "") and "default-src 'none'" in text


def test_what_is_not_confirmed_is_a_block_of_its_own(conversation: Conversation) -> None:
    given = conversation.turns[0].answer
    assert given
    said = ("The king resigned.", f"{NASTY}\n\n# It is so.")
    one = Conversation([Turn(MINISTER, replace(given, unconfirmed=said)), conversation.turns[2]])
    parts = export.to_markdown(one).split("\n\n")
    assert parts[2] == "Marcelo Ebrard [^1-1]"
    lines = parts[3].split("\n")
    assert lines[:3] == [f"> *{export.UNCONFIRMED}*", ">", "> - The king resigned."] and len(lines) == 4
    assert lines[3].startswith(r"> - \<script\>")
    html = Parsed(export.to_html(one).removeprefix("<!doctype html>"))
    assert html.find("aside") == [export.UNCONFIRMED + "".join(said)]
    assert html.find("main")[0].index("Marcelo Ebrard") < html.find("main")[0].index("The king")
    assert not html.tags.keys() & {"script", "img", "strong"}
    answered = json.loads(export.to_json(one))["turns"][0]["answer"]
    assert answered["text"] == "Marcelo Ebrard [1]" and answered["unconfirmed"] == list(said)
    assert export.UNCONFIRMED not in export.to_markdown(conversation) + export.to_html(conversation)
    assert not one.mentions(["king"]) and "king" not in str(one.history)


def test_hostile_text_stays_text(conversation: Conversation) -> None:
    given = conversation.turns[0].answer
    assert given
    cited = replace(given.citations[0], title=NASTY, source=NASTY, quote=NASTY)
    hostile = Conversation([Turn(NASTY, replace(given, text=f"{NASTY} [1]", citations=(cited,), notices=(NASTY,)))])
    html = Parsed(export.to_html(hostile).removeprefix("<!doctype html>"))
    assert not html.tags.keys() & {"script", "img", "strong"}
    assert html.find("h2") == [NASTY] and html.text.count(NASTY) == 6  # question, answer, notice, title, source, quote
    markdown = export.to_markdown(hostile)
    assert "<script" not in markdown.replace("\\<", "") and "[a](" not in markdown.replace("\\]", "")


def test_file_is_named_after_the_conversation(conversation: Conversation) -> None:
    conversation.name = "../Aid: a / b?"
    files = [exported(conversation, kind) for kind in ("markdown", "json", "html")]
    assert [f and f["name"] for f in files] == ["Aid-a-b.md", "Aid-a-b.json", "Aid-a-b.html"]
    assert [f and f["mime"] for f in files] == ["text/markdown", "application/json", "text/html"]
    assert exported(conversation, "exe") is None
    conversation.name = "???"
    named = exported(conversation, "json")
    assert named and named["name"] == "conversation.json"


def test_copy_of_a_failure_is_the_message() -> None:
    assert export.markdown_answer(Turn(AID, problem="It failed.")) == "It failed."
