"""The interface in OpenAI's form, through OpenAI's own client and LlamaIndex's."""

from __future__ import annotations

import asyncio

import openai
import pytest
from api_client import HOST, Client
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike
from samples import AID, AID_QUOTE, AUSTRALIA, CALL, MINISTER, citation, make_answer

from rag import Engine
from ui.api.openai import Message, conversation, text_of
from ui.server.access import Access


def asked(client: Client, *messages: str, **options: object) -> openai.types.chat.ChatCompletion:
    turns = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(messages)]

    async def done() -> openai.types.chat.ChatCompletion:
        async with openai.AsyncOpenAI(
            base_url=f"{HOST}/v1", api_key="none", http_client=client.http(), max_retries=0
        ) as api:
            return await api.chat.completions.create(**{"model": "dateline", "messages": turns} | options)  # type: ignore

    return asyncio.run(done())


def test_an_answer_carries_its_sources(client: Client) -> None:
    done = asked(client, AID, temperature=0.2)
    text = done.choices[0].message.content or ""
    assert text.startswith("310 million [1]\n\nSources:\n- [1] ") and AID_QUOTE in text
    assert done.citations[0]["quote"] == AID_QUOTE  # type: ignore[attr-defined]
    assert done.choices[0].finish_reason == "stop"
    assert done.usage and done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > 0


def test_a_refusal_has_no_sources(client: Client) -> None:
    done = asked(client, AUSTRALIA)
    assert "Sources:" not in str(done.choices[0].message.content) and done.citations == []  # type: ignore[attr-defined]


def test_a_stream_makes_the_same_text(client: Client) -> None:
    async def streamed() -> tuple[str, object]:
        text, citations = "", None
        async with openai.AsyncOpenAI(base_url=f"{HOST}/v1", api_key="none", http_client=client.http()) as api:
            messages = [{"role": "user", "content": AID}]
            stream = await api.chat.completions.create(model="dateline", messages=messages, stream=True)  # type: ignore
            async for chunk in stream:
                text += chunk.choices[0].delta.content or ""
                citations = getattr(chunk, "citations", citations)
        return text, citations

    text, citations = asyncio.run(streamed())
    done = asked(client, AID)
    assert text == done.choices[0].message.content and citations == done.citations  # type: ignore[attr-defined]


def test_earlier_messages_are_referred_to(client: Client) -> None:
    done = asked(client, MINISTER, "Marcelo Ebrard [1]\n\nSources:\n- [1] x", CALL)
    assert "cordial" in str(done.choices[0].message.content)


def test_parts_and_system_messages() -> None:
    question = {"role": "user", "content": [{"type": "text", "text": "A?"}, {"type": "image_url", "image_url": {}}]}
    messages = [{"role": "system", "content": "x"}, question, {"role": "assistant", "content": None}, question]
    assert conversation([Message.model_validate(m) for m in messages]) == ("A?", [("A?", "")])


def test_filters_come_as_an_extra_field(client: Client) -> None:
    done = asked(client, AID, extra_body={"filters": {"sources": ["nowhere"]}})
    assert "nowhere" in str(done.choices[0].message.content)


def test_errors_are_those_that_the_client_knows(client: Client, engine: Engine) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="empty"):
        asked(client, " ")
    with pytest.raises(openai.UnprocessableEntityError, match="last message"):
        asked(client, AID, "an answer")
    with pytest.raises(openai.NotFoundError, match="no such model"):
        asked(client, AID, model="gpt-4")
    with pytest.raises(openai.AuthenticationError, match="password"):
        asked(Client(engine, Access(password="x")), AID)
    assert asked(Client(engine, Access(password="none")), AID)


def test_the_models_are_listed(client: Client) -> None:
    assert [m["id"] for m in client.get("/v1/models").json()["data"]] == ["dateline"]
    assert client.get("/v1/models/dateline").status_code == 200
    assert client.get("/v1/models/x").json()["error"]["code"] == "not-found"


def test_llama_index_asks_it(client: Client) -> None:
    async def done() -> str:
        llm = OpenAILike(
            model="dateline",
            api_base=f"{HOST}/v1",
            api_key="none",
            is_chat_model=True,
            async_http_client=client.http(),
            max_retries=0,
        )
        message = [ChatMessage(role="user", content=AID)]
        whole = (await llm.achat(message)).message.content
        parts = [part.delta or "" async for part in await llm.astream_chat(message)]
        assert "".join(parts) == whole
        return str(whole)

    assert "Sources:" in asyncio.run(done())


def test_the_text_holds_no_markup(engine: Engine) -> None:
    document = engine.document(engine.sources()[0].id)
    quote = document.text[:20]
    text = "![x](http://evil.example/?q=1) <img src=x> [a](javascript:b) [1] 3 < 4"
    shown = text_of(make_answer("Q?", text, [citation(1, document, quote, 0.9)]))
    assert "](" not in shown and "![" not in shown and " <img" not in shown and "3 < 4" in shown
