"""Questions for answer models and the shipped articles, and checks that every answer must pass."""

from __future__ import annotations

import json
from pathlib import Path

from llama_index.core.base.llms.types import ChatMessage

from rag import Answer, Engine, ModelError

AID = "How much additional aid did Harris announce for the region?"
AID_QUOTE = (
    "Harris recently announced US $310 million in additional aid for the region, which has been hit hard by the "
    "coronavirus pandemic and recent hurricanes."
)
MINISTER = "Who is Mexico's foreign minister?"
REPLIES = {AID: "US $310 million", MINISTER: "Marcelo Ebrard"}
KEY = "sk-very-secret-1234"
LONG = "Write the numbers from 1 to 500, one per line."  # about 1,800 tokens, which take most of a minute on two cores


def assert_receipts(engine: Engine, answer: Answer) -> None:
    """Assert everything that must hold for every answer."""
    for c in answer.citations:
        document = engine.document(c.document_id)
        assert document.text[c.start : c.end] == c.quote
        assert (document.source, document.title) == (c.source, c.title)
        assert c.passage.start <= c.start < c.end <= c.passage.end <= len(document.text)
        assert 0 <= c.support <= 1
        assert f"[{c.marker}]" in answer.text
        for place in c.also:
            twin = engine.document(place.document_id)
            # Files with the same text are one article under several names.
            names = next((s.source, *s.copies) for s in engine.sources() if s.id == place.document_id)
            assert place.source in names and 0 <= place.start < place.end <= len(twin.text)
    for rank, e in enumerate(answer.evidence, 1):
        assert e.rank == rank
        assert engine.document(e.document_id).text[e.start : e.end] == e.text
    assert [c.marker for c in answer.citations] == list(range(1, 1 + len(answer.citations)))
    assert answer.abstained == (not answer.citations)
    assert answer.text.strip() and answer.settings_hash == engine.settings.hash
    assert 0 <= answer.timings["total"] < 600
    json.dumps(answer.to_dict())


def say(text: str) -> list[ChatMessage]:
    return [ChatMessage(role="user", content=text)]


def no_weights(name: str) -> Path:
    raise ModelError(f"no weights of {name}; run: rag models pull {name}")


def find_weights(name: str) -> Path:
    return Path("/weights") / f"{name.replace(':', '-')}.gguf"


def assert_fell_back(answer: Answer) -> None:
    """Assert that the answer is the best sentence, cited, with a one-line notice that says why."""
    assert not answer.abstained and answer.model == "extractive"
    assert "310 million" in answer.text and answer.citations[0].source.startswith("003")
    [notice] = answer.notices
    assert "\n" not in notice and KEY not in notice and "llm" in notice
