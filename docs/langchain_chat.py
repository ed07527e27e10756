"""Ask a running `rag chat` through LangChain: `pip install langchain-openai`, then `python docs/langchain_chat.py`.

DATELINE_URL is the server's address, by default http://127.0.0.1:7860; RAG_PASSWORD is its password, if it has one.
"""

from __future__ import annotations

import os
import sys

from langchain_openai import ChatOpenAI

QUESTION = "How much additional aid did Harris announce for the region?"


def model() -> ChatOpenAI:
    """Return Dateline as a chat model of LangChain."""
    url = os.environ.get("DATELINE_URL", "http://127.0.0.1:7860")
    return ChatOpenAI(
        model="dateline",
        base_url=f"{url.rstrip('/')}/v1",
        api_key=os.environ.get("RAG_PASSWORD", "none"),
        extra_body={"filters": {"since": ""}},  # which articles to search; all
    )


def main() -> None:
    """Print the answer as it comes, then a follow-up's answer at once."""
    chat = model()
    question = " ".join(sys.argv[1:]) or QUESTION
    said = ""
    for piece in chat.stream(question):
        said += str(piece.content)
        print(piece.content, end="", flush=True)
    print("\n")
    print(chat.invoke([("user", question), ("assistant", said), ("user", "Are you sure?")]).content)


if __name__ == "__main__":
    main()
