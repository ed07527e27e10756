"""The interface for programs and the page are served together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import gradio as gr
import pytest
from api_client import TOKEN
from mcp import Client as McpClient
from samples import AID, sample_chat
from visitor import Visitor, asked

from rag import Engine
from ui import build, serve
from ui.api.app import build_api

pytestmark = [pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"), pytest.mark.long]


@pytest.fixture
def url(engine: Engine) -> Iterator[str]:
    page: gr.Blocks = build(engine, chat=sample_chat)
    with serve(page, api=build_api(engine), token=TOKEN) as url:
        yield url


def test_both_answer(url: str, engine: Engine) -> None:
    with Visitor(url) as visitor:
        visitor.open().join(visitor.event("dl-box", "submit"), asked(AID))
        assert "310 million" in str(list(visitor.listen()))
        assert visitor.http.post("/v1/answer", json={"question": AID}).json()["text"].startswith("310 million")
        figures = visitor.http.get("/metrics").text
        assert 'dateline_questions_total{channel="chat"}' in figures and "\ndateline_lag 0.0\n" in figures
        assert visitor.http.get("/v1/none").headers["content-type"] == "application/problem+json"
        lines: list[str] = []
        with visitor.http.stream("POST", "/v1/answer", json={"question": AID, "stream": True}) as stream:
            lines.extend(stream.iter_lines())
        assert "event: answer" in lines

    async def called() -> bool:
        async with McpClient(f"{url}mcp") as client:
            return "310 million" in str((await client.call_tool("ask", {"question": AID})).content)

    assert asyncio.run(called())
