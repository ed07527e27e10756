"""Conversations: what is kept in a browser comes back, and what is corrupt does no harm."""

from __future__ import annotations

import copy
import gc
import json
from typing import Any

import pytest
from parsed import Parsed
from samples import AID, AID_QUOTE, AUSTRALIA, MINISTER, citation, make_answer, related

from rag.load.files import make_document
from ui.chat import conversations
from ui.chat.conversations import Book, Conversation, Turn, open_book
from ui.chat.sidebar import sidebar

DOCUMENT = make_document(f"Title\n\n{AID_QUOTE} After.", "a.txt")


@pytest.fixture
def book() -> Book:
    aid = Turn(AID, make_answer(AID, "US $310 million [1]", [citation(1, DOCUMENT, AID_QUOTE, 0.9)]), vote="up")
    refused = Turn(AUSTRALIA, make_answer(AUSTRALIA, "Not said.", related=(related(DOCUMENT, "After."),)))
    return Book([Conversation([aid, refused]), Conversation([Turn(MINISTER, problem="Stopped.")], name="Who")])


def stored(book: Book) -> dict[str, Any]:
    data = json.loads(json.dumps(book.stored(book.conversations[0].id)))  # as a browser gives it back
    return data | {"reader": "0" * 32}  # of another process: the book in memory is not known there


def test_what_was_stored_comes_back(book: Book) -> None:
    again, current = open_book(stored(book))
    assert again is not book
    assert again.conversations == book.conversations
    assert current == book.conversations[0].id


def test_evidence_is_not_kept(book: Book) -> None:
    given = make_answer(AID, "x", evidence=(related(DOCUMENT, "After."),))
    turn = Turn(AID, given)
    assert turn.answer and turn.answer.evidence == () and given.evidence


@pytest.mark.parametrize(
    "corrupt",
    [
        None,
        "text",
        [],
        {"conversations": "x", "reader": 7, "current": []},
        {"conversations": [None, 7, {}, {"turns": "x"}, {"turns": [{"asked": 5}]}]},
        {"reader": "../../etc", "conversations": {"a": 1}},
    ],
)
def test_corrupt_content_is_an_empty_book(corrupt: object) -> None:
    book, current = open_book(corrupt)
    assert book.conversations == [] and current == ""
    assert len(book.reader) == 32


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("id",), '"><script>'),
        (("turns", 0, "id"), "x onclick=1"),
        (("turns", 0, "vote"), "sideways"),
        (("turns", 0, "answer", "citations", 0, "start"), "one"),
        (("turns", 0, "answer"), {"text": "half an answer"}),
        (("turns",), []),
    ],
)
def test_only_the_corrupt_conversation_is_left_out(book: Book, path: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(stored(book))
    inner = data["conversations"][0]
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    again, _ = open_book(data)
    assert again.conversations == book.conversations[1:]


def test_fields_of_another_version_do_no_harm(book: Book) -> None:
    data = copy.deepcopy(stored(book))
    data["conversations"][0]["colour"] = "red"
    data["conversations"][0]["turns"][0]["answer"]["later"] = 1
    del data["conversations"][0]["turns"][0]["note"]
    assert open_book(data)[0].conversations == book.conversations


def test_oldest_go_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = [Turn("q" * 1000, problem="p") for _ in range(5)]
    book = Book([Conversation([turn]) for turn in turns])
    monkeypatch.setattr(conversations, "MOST_CHARS", 4000)
    kept = book.stored("")["conversations"]
    assert [c["id"] for c in kept] == [c.id for c in book.conversations[:3]]
    assert len(book.conversations) == 5  # in this session nothing is lost


def test_tabs_of_one_browser_share_the_book(book: Book) -> None:
    first, _ = open_book(book.stored(""))
    first.conversations[0].name = "Renamed in the first tab"
    second, _ = open_book(book.stored(""))
    assert second is first
    assert open_book(None)[0] is not first
    reader = first.reader
    del first, second
    gc.collect()
    assert ("", reader) not in conversations._books


def test_nobody_gets_the_book_of_another(book: Book) -> None:
    first, _ = open_book(book.stored(""), "anna")
    again, _ = open_book({"reader": first.reader}, "anna")
    other, _ = open_book({"reader": first.reader}, "ben")
    assert again is first and other is not first and other.conversations == []


def test_history_is_what_follow_ups_need(book: Book) -> None:
    assert book.conversations[0].history == [(AID, "US $310 million"), (AUSTRALIA, "Not said.")]
    assert book.conversations[1].history == []  # nothing was answered


def test_title_is_the_name_or_the_first_question(book: Book) -> None:
    assert [c.title for c in book.conversations] == [AID, "Who"]
    assert Conversation().title == "New conversation"
    assert Conversation([Turn("word " * 100)]).title == ("word " * 14).strip()[:69] + "…"


def test_search_reads_names_questions_and_answers(book: Book) -> None:
    first, second = book.conversations
    assert book.search("") == [first, second]
    assert book.search("310 HARRIS") == [first]
    assert book.search("who") == [second]
    assert book.search("nothing like it") == []


def test_put_and_remove(book: Book) -> None:
    first, second = book.conversations
    book.put(second)
    assert book.conversations == [second, first]
    book.remove(first)
    assert book.conversations == [second] and book.find(first.id) is None and book.find(second.id) is second


def test_sidebar_lists_and_marks_the_open_one(book: Book) -> None:
    first, _ = book.conversations
    html = Parsed(sidebar(book.conversations, first))
    assert html.find("dl-open") == [AID, "Who"]
    assert [e.get("aria-current") for e in html.elements("dl-open")] == ["true", None]
    assert len(html.elements("details")) == 2  # a menu for each
    assert {e.get("data-kind") for e in html.elements("dl-link")} == {"markdown", "json", "html", None}


def test_sidebar_offers_undo_and_says_when_nothing_is_found(book: Book) -> None:
    gone = book.conversations[0]
    assert f"Deleted “{AID}”. Undo" in Parsed(sidebar([], Conversation(), deleted=gone)).text
    assert "No conversation" in Parsed(sidebar([], gone, search="x")).text
    assert "stay in this browser" in Parsed(sidebar([], gone)).text


@pytest.mark.parametrize("nasty", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_sidebar_is_escaped(nasty: str) -> None:
    conversation = Conversation([Turn("q")], name=nasty)
    html = Parsed(sidebar([conversation], conversation, deleted=conversation))
    assert not html.tags.keys() & {"script", "img"}
    assert html.find("dl-open") == [nasty] and html.elements("input")[0]["value"] == nasty


def test_no_more_is_read_from_a_browser_than_it_may_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book([Conversation([Turn("What about it?" + "x" * 1000, problem="Stopped.")]) for _ in range(5)])
    kept = stored(book)
    monkeypatch.setattr(conversations, "MOST_CHARS", 3500)
    again, _ = open_book(kept)
    assert len(again.conversations) == 2


def test_follow_ups_are_given_the_beginning_of_what_was_said() -> None:
    turn = Turn("What?", make_answer("q" * 10_000, "a" * 10_000))
    [(question, text)] = Conversation([turn]).history
    assert (len(question), len(text)) == (4000, 4000)
