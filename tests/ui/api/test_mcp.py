"""The Model Context Protocol, through the SDK's own client: in this process, over HTTP and over standard input."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from api_client import HOST, Client
from commands import environment
from fakes import ROOT, FakeEmbedding, make_engine
from mcp import Client as McpClient
from mcp import MCPError, StdioServerParameters
from samples import AID, AID_QUOTE

from rag import Engine
from ui.api.mcp import build_mcp, desk_of
from ui.server.access import Access

TOOLS = {"ask", "search", "check", "list_articles", "read_article"}


def within(engine: Engine, work: Callable[[McpClient], Awaitable[Any]]) -> Any:
    async def done() -> Any:
        async with McpClient(build_mcp(desk_of(engine))) as client:
            return await work(client)

    return asyncio.run(done())


def called(engine: Engine, tool: str, **arguments: Any) -> Any:
    return within(engine, lambda client: client.call_tool(tool, arguments))


def text(result: Any) -> str:
    return str(result.content[0].text)


def test_tools_only_read(engine: Engine) -> None:
    tools = within(engine, lambda client: client.list_tools()).tools
    assert {tool.name for tool in tools} == TOOLS
    for tool in tools:
        assert tool.annotations.read_only_hint, tool
        assert tool.output_schema and tool.description, tool


def test_ask(engine: Engine) -> None:
    done = called(engine, "ask", question=AID)
    assert "310 million" in text(done) and AID_QUOTE in text(done)
    assert done.structured_content["citations"][0]["quote"] == AID_QUOTE
    assert "nowhere" in text(called(engine, "ask", question=AID, sources=["nowhere"]))


def test_search_and_check(engine: Engine) -> None:
    hits = called(engine, "search", question=AID, limit=2).structured_content["hits"]
    assert len(hits) == 2 and hits[0]["text"] == AID_QUOTE
    report = called(engine, "check", text="Harris announced US $310 million in additional aid.")
    assert report.structured_content["items"][0]["verdict"] == "supported" and "supported" in text(report)


def test_articles_are_listed_and_read(engine: Engine) -> None:
    sources = engine.sources()
    first = called(engine, "list_articles", limit=2).structured_content
    rest = called(engine, "list_articles", cursor=first["next"]).structured_content
    assert [a["id"] for a in first["documents"] + rest["documents"]] == [s.id for s in sources]
    assert rest["next"] is None
    assert text(called(engine, "read_article", document_id=sources[0].id)) == engine.document(sources[0].id).text


def test_articles_are_resources(engine: Engine) -> None:
    listed = within(engine, lambda client: client.list_resources()).resources
    assert [r.name for r in listed] == [s.source for s in engine.sources()]
    read = within(engine, lambda client: client.read_resource(str(listed[0].uri)))
    assert read.contents[0].text == engine.document(engine.sources()[0].id).text


def test_a_resource_that_is_gone(engine: Engine) -> None:
    async def read(client: McpClient) -> None:
        with pytest.raises(MCPError, match="no article"):
            await client.read_resource("article://none")

    within(engine, read)


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("ask", {"question": " "}, "the question is empty"),
        ("ask", {"question": AID, "since": "soon"}, "is no date"),
        ("check", {"text": ""}, "the text is empty"),
        ("list_articles", {"cursor": "x"}, "not a cursor"),
        ("read_article", {"document_id": "none"}, "no article"),
    ],
)
def test_errors_are_told(engine: Engine, tool: str, arguments: dict[str, Any], told: str) -> None:
    done = called(engine, tool, **arguments)
    assert done.is_error and told in text(done)


def test_over_http(engine: Engine) -> None:
    async def done() -> str:
        api = Client(engine)
        async with api.api.router.lifespan_context(api.api):
            return text(await over_http(api, lambda client: client.call_tool("ask", {"question": AID})))

    assert "310 million" in asyncio.run(done())


async def over_http(api: Client, work: Callable[[McpClient], Awaitable[Any]], **headers: str) -> Any:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    transport = httpx2.ASGITransport(app=api.app)
    async with (
        httpx2.AsyncClient(transport=transport, base_url=HOST, headers=headers) as http,
        McpClient(streamable_http_client(f"{HOST}/mcp", http_client=http)) as client,
    ):
        return await work(client)


def test_over_http_with_a_password(engine: Engine) -> None:
    async def done() -> Any:
        api = Client(engine, Access(password="x"))
        async with api.api.router.lifespan_context(api.api):
            return await over_http(api, lambda client: client.list_tools(), authorization="Bearer x")

    assert {tool.name for tool in asyncio.run(done()).tools} == TOOLS


@pytest.mark.long
def test_over_standard_input(tmp_path: Path) -> None:
    async def done() -> tuple[Any, Any]:
        command = ["-m", "rag", "mcp", "--store", str(tmp_path / "store")]
        server = StdioServerParameters(command=sys.executable, args=command, env=environment(), cwd=str(ROOT))
        async with McpClient(server) as client:
            return await client.list_tools(), await client.call_tool("list_articles", {})

    documents = {"a.txt": "The pier\n\nHarborough opened a pier.\n"}
    make_engine(tmp_path, documents=documents, embedding=FakeEmbedding("all-MiniLM-L6-v2")).close()
    tools, listed = asyncio.run(done())
    assert {tool.name for tool in tools.tools} == TOOLS
    assert [a["source"] for a in listed.structured_content["documents"]] == ["a.txt"]
