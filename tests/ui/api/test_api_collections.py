"""Collections over HTTP and MCP: the field `collection` says which library is asked, read or changed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from api_client import Client
from mcp import Client as McpClient

from rag import Engine
from ui.api.mcp import build_mcp, desk_of
from ui.server.access import Access

RULING = ("ruling.txt", b"A ruling\n\nThe court of Harborough fined the builder 310 euros.\n")
QUESTION = {"question": "How much was the builder fined?"}
IN_COURT = {"collection": "court"}


@pytest.fixture
def court(own: Client) -> Client:
    """A client of a store whose second collection has one article."""
    done = own.post("/v1/documents", files=[("files", RULING)], data=IN_COURT)
    assert done.json()["results"][0]["state"] == "added"
    return own


def names(client: Client, **params: str) -> list[str]:
    return [entry["source"] for entry in client.get("/v1/documents", params=params).json()["documents"]]


def test_they_are_listed(court: Client) -> None:
    found = court.get("/v1/collections").json()
    assert found == {"collections": [{"name": "default"}, {"name": "court"}], "own": "default"}
    assert names(court) == names(court, collection="default") == ["a.txt"]
    assert names(court, collection="Court") == ["ruling.txt"]


def test_questions_stay_in_one(court: Client) -> None:
    assert court.post("/v1/answer", QUESTION).json()["citations"] == []
    assert "310" in court.post("/v1/answer", QUESTION | IN_COURT).json()["text"]
    assert "310" in court.post("/v1/answer", QUESTION | IN_COURT | {"stream": True}).text
    hits = court.post("/v1/search", QUESTION | IN_COURT).json()["hits"]
    assert {hit["source"] for hit in hits} == {"ruling.txt"}
    text = {"text": "The court of Harborough fined the builder 310 euros."}
    assert court.post("/v1/check", text).json()["items"][0]["verdict"] == "not found"
    assert court.post("/v1/check", text | IN_COURT).json()["items"][0]["verdict"] == "supported"


def test_openai_form(court: Client) -> None:
    body = {"messages": [{"role": "user", "content": QUESTION["question"]}]}
    assert "310" in court.post("/v1/chat/completions", body | IN_COURT).text
    assert "310" not in court.post("/v1/chat/completions", body).text


def test_articles_are_read_and_removed_in_one(court: Client) -> None:
    for client_data in ({}, IN_COURT):
        assert court.post("/v1/documents", files=[("files", ("both.txt", b"Both have this text."))], data=client_data)
    (entry,) = (d for d in court.get("/v1/documents").json()["documents"] if d["source"] == "both.txt")
    path = f"/v1/documents/{entry['id']}"
    assert court.send("DELETE", path, params=IN_COURT).status_code == 204
    assert court.get(path).status_code == 200 and court.get(path, params=IN_COURT).status_code == 404
    assert names(court) == ["a.txt", "both.txt"] and names(court, collection="court") == ["ruling.txt"]


@pytest.mark.parametrize("name", ["curt", "../court", "a b", "\x00", "é"])
def test_an_unknown_one_is_a_problem_of_one_line(court: Client, name: str) -> None:
    wanted = {"collection": name}
    for done in (
        court.post("/v1/answer", QUESTION | wanted),
        court.post("/v1/answer", QUESTION | wanted | {"stream": True}),
        court.post("/v1/search", QUESTION | wanted),
        court.post("/v1/check", {"text": "A pier."} | wanted),
        court.get("/v1/documents", params=wanted),
        court.get("/v1/documents/x", params=wanted),
        court.send("DELETE", "/v1/documents/x", params=wanted),
    ):
        detail = done.json()["detail"]
        assert done.status_code == 422 and "\n" not in detail
        assert ("there are default, court" if name == "curt" else "cannot be the name of a collection") in detail
    assert court.get("/v1/collections").json()["collections"] == [{"name": "default"}, {"name": "court"}]


def test_an_upload_with_the_same_key_to_another_one_is_another_upload(court: Client) -> None:
    key = {"Idempotency-Key": "one"}
    assert court.post("/v1/documents", files=[("files", RULING)], headers=key).status_code == 200
    again = court.post("/v1/documents", files=[("files", RULING)], data=IN_COURT, headers=key)
    assert again.status_code == 422


def test_a_read_only_server_makes_none(own_engine: Engine) -> None:
    client = Client(own_engine, Access(read_only=True))
    done = client.post("/v1/documents", files=[("files", RULING)], data=IN_COURT)
    assert done.status_code == 403 and own_engine.collections() == ("default",)


def test_tools_take_one(court: Client, own_engine: Engine) -> None:
    async def called(name: str, **arguments: Any) -> str:
        async with McpClient(build_mcp(desk_of(own_engine))) as client:
            return str((await client.call_tool(name, arguments)).content[0].text)

    def call(name: str, **arguments: Any) -> str:
        return asyncio.run(called(name, **arguments))

    assert "310" in call("ask", **QUESTION, **IN_COURT) and "310" not in call("ask", **QUESTION)
    assert "ruling.txt" in call("search", **QUESTION, **IN_COURT)
    assert "ruling.txt" in call("list_articles", **IN_COURT) and "a.txt" in call("list_articles")
    article = call("list_articles", **IN_COURT).split()[0]
    assert "310 euros" in call("read_article", document_id=article, **IN_COURT)
    assert "there are default, court" in call("ask", **QUESTION, collection="curt")
