"""A deterministic engine behind the real interface: canned answers over the shipped articles, no model, no store."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

from rag import Answer, Citation, Document, Evidence, Place, RagError, Span

SEEDS = Path(__file__).parents[2] / "seeds"
AID = "How much additional aid did Harris announce for the region?"
AID_QUOTE = (
    "Harris recently announced US $310 million in additional aid for the region, which has been hit hard by the "
    "coronavirus pandemic and recent hurricanes."
)
MINISTER = "Who is Mexico's foreign minister?"
CALL = "How did he describe the call?"
CALL_ALONE = "How did Marcelo Ebrard describe the call?"
AUSTRALIA = "What is the capital of Australia?"
FAILS = "Please fail"
SLOW = "Please be slow"
HOSTILE = "What does the hostile article say?"
HOSTILE_TITLE = "<img src=x onerror=\"alert('title')\"> **bold** <script>alert('script')</script>"
HOSTILE_QUOTE = (
    "<script>alert(1)</script> [click](javascript:alert(2)) ${alert(3)} {{value}} <b id='injected'>b</b> "
    + "W" * 10_000
)

CORDIAL = 'Mexican foreign minister Marcelo Ebrard said the phone call between the two leaders was "cordial."'
TWEET = (
    'Mexican Foreign Minister Marcelo Ebrard tweeted: "There will be extensive bilateral cooperation and a very good '
    'relationship between the presidents of Mexico and the United States."'
)

# question: (answer, [(start of the file name, quote, support), ...])
ANSWERS: dict[str, tuple[str, list[tuple[str, str, float]]]] = {
    AID: ("US $310 million [1]", [("003", AID_QUOTE, 0.97)]),
    MINISTER: ("Marcelo Ebrard [1][2]", [("000", CORDIAL, 0.93), ("001", TWEET, 0.61)]),
    CALL_ALONE: ('He said it was "cordial." [1]', [("000", CORDIAL, 0.88)]),
    HOSTILE: (f"It says <b>this</b> and **that** [1] and [99]: {HOSTILE_QUOTE}", [("hostile", HOSTILE_QUOTE, 0.4)]),
}


@dataclass(frozen=True)
class Source:
    """What `Engine.sources` gives for an article."""

    id: str
    source: str
    title: str
    passages: int
    added: str = "2026-01-01T00:00:00Z"


def document(source: str, text: str, title: str = "") -> Document:
    """Return a document as the engine would have loaded it."""
    return Document(sha256(text.encode()).hexdigest(), source, title or text.splitlines()[0][:90], text)


class FakeEngine:
    """Streams word by word with `pace` seconds between words; counts the streams that were opened and closed."""

    def __init__(self, pace: float = 0.0, hostile: bool = False, seeds: bool = True) -> None:
        """Read the shipped articles, and write a hostile one if asked to."""
        self.pace = pace
        self.settings = SimpleNamespace(llm="local")
        self.opened = self.closed = 0
        self.warmed = threading.Event()
        paths = sorted(SEEDS.glob("*.txt")) if seeds else []
        articles = [document(p.name, p.read_bytes().decode()) for p in paths]
        if hostile:
            text = f"{HOSTILE_TITLE}\n\nA harmless sentence. {HOSTILE_QUOTE} <i>After.</i>"
            articles.append(document("hostile-<b>.txt", text, HOSTILE_TITLE))
        self._documents = {d.id: d for d in articles}

    def warm_up(self) -> None:
        """Note that it happened."""
        self.warmed.set()

    def sources(self) -> tuple[Source, ...]:
        """Return the articles."""
        return tuple(Source(d.id, d.source, d.title, 7) for d in self._documents.values())

    def document(self, document_id: str) -> Document:
        """Return one article."""
        try:
            return self._documents[document_id]
        except KeyError:
            raise RagError(f"no article {document_id[:8]}; see rag sources") from None

    def stream(self, question: str) -> Iterator[str | Answer]:
        """Yield the words of the canned answer, then the answer; a question without one is abstained from."""
        self.opened += 1
        try:
            if question == FAILS:
                raise RagError("the model <b>went away</b>; start it again")
            text, quotes = ANSWERS.get(question, ("The articles do not say.", []))
            if question == SLOW:
                text = "word " * 1000
            for word in re.findall(r"\S+\s*", text):
                time.sleep(self.pace if question != SLOW else 0.02)
                yield word
            yield self._answer(question, text, quotes)
        finally:
            self.closed += 1

    def _answer(self, question: str, text: str, quotes: list[tuple[str, str, float]]) -> Answer:
        timings = {"retrieve": 0.04, "answer": 1.21, "verify": 0.31, "total": 1.56}
        citations = tuple(self._citation(n, *quote) for n, quote in enumerate(quotes, 1))
        return Answer(question, text, not citations, citations, self._evidence(), "fake-1.5b", timings, "0" * 16)

    def _citation(self, marker: int, name: str, quote: str, support: float) -> Citation:
        found = next(d for d in self._documents.values() if d.source.startswith(name))
        start = found.text.index(quote)
        end = start + len(quote)
        after = found.text.find("\n", end + 100)  # some whole paragraphs around it
        passage = Span(max(0, found.text.rfind("\n", 0, start - 200) + 1), after if after > 0 else len(found.text))
        also = tuple(
            Place(d.id, d.source, d.title, d.text.index(quote), d.text.index(quote) + len(quote))
            for d in self._documents.values()
            if d.id != found.id and quote in d.text
        )
        return Citation(marker, found.source, found.title, quote, start, end, support, found.id, passage, also)

    def _evidence(self) -> tuple[Evidence, ...]:
        evidence = []
        for rank, d in enumerate(list(self._documents.values())[:4], 1):
            start = d.text.index("\n") + 1
            start += len(d.text[start:]) - len(d.text[start:].lstrip())
            end = d.text.index(".", start + 60) + 1
            span = Span(start, end)
            text = d.text[start:end]
            evidence.append(Evidence(rank, d.source, d.title, text, start, end, 0.3, 0.2, 0.4, d.id, span))
        return tuple(evidence)


class FakeChat:
    """Makes the one follow-up it knows stand-alone."""

    def __init__(self, engine: FakeEngine, history: list[tuple[str, str]]) -> None:
        """Remember what was said."""
        self._engine, self._history = engine, history

    def stream(self, question: str) -> Iterator[str | Answer]:
        """Answer, as `rag.Chat` does."""
        asked_before = any("minister" in q for q, _ in self._history)
        yield from self._engine.stream(CALL_ALONE if question == CALL and asked_before else question)
