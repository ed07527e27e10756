"""What the tests of the web chat ask, and a real engine that answers it the same way each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fakes import FakeLLM, make_engine

from rag import Answer, Chat, Citation, Document, Engine, Evidence, Filters, Place, RagError, Span

AID = "How much additional aid did Harris announce for the region?"
AID_QUOTE = (
    "Harris recently announced US $310 million in additional aid for the region, which has been hit hard by the "
    "coronavirus pandemic and recent hurricanes."
)
MINISTER = "Who is Mexico's foreign minister?"
CALL = "How did he describe the call?"
CALL_ALONE = "How did Marcelo Ebrard describe the phone call?"
CORDIAL = 'Mexican foreign minister Marcelo Ebrard said the phone call between the two leaders was "cordial."'
AUSTRALIA = "What is the capital of Australia?"
SLOW = "How long is the slow answer about Mexico?"
FAILS = "Please fail"
COURSE = "What happened in the talks, in order?"
COURSE_DATES = ["12 Jul 2024", "3 Aug 2024", "October 2024"]
HOSTILE = "What does the hostile article say?"
HOSTILE_TITLE = "<img src=x onerror=\"alert('title')\"> **bold** <script>alert('script')</script>"
HOSTILE_QUOTE = (
    "<script>alert(1)</script> [click](javascript:alert(2)) ${alert(3)} {{value}} <b id='injected'>b</b> "
    + "W" * 10_000
)
HOSTILE_NAME = "hostile-<b>.txt"
# By the first of these that stands in the prompt's last message.
REPLIES = {
    CALL: CALL_ALONE,
    CALL_ALONE: 'He said the phone call was "cordial."',
    AID: "310 million",
    MINISTER: "Marcelo Ebrard",
    SLOW: "word " * 2000,
}


class SampleChat(Chat):
    """Fails where it is asked to, and says what the hostile article says; everything else goes the real way."""

    def stream(self, question: str, filters: Filters | None = None) -> Iterator[str | Answer]:
        if question == FAILS:
            raise RagError("the model <b>went away</b>; start it again")
        if question == HOSTILE:
            text = f"It says <b>this</b> and **that** [1] and [99]: {HOSTILE_QUOTE}"
            document = next(self.engine.document(s.id) for s in self.engine.sources() if s.source == HOSTILE_NAME)
            yield text
            yield make_answer(question, text, [citation(1, document, HOSTILE_QUOTE, 0.4)])
        elif question == COURSE:
            document = next(d for s in self.engine.sources() if CORDIAL in (d := self.engine.document(s.id)).text)
            lines = (f"{date}: {CORDIAL} [{n}]" for n, date in enumerate(COURSE_DATES, 1))
            yield make_answer(question, "\n".join(lines), [citation(n, document, CORDIAL, 1.0) for n in (1, 2, 3)])
        else:
            yield from super().stream(question, filters)


def sample_chat(engine: Engine, history: list[tuple[str, str]]) -> SampleChat:
    """Return a conversation with the samples' engine."""
    return SampleChat(engine, history)


def sample_engine(folder: Path, *, hostile: bool = False, model: FakeLLM | None = None, **options: Any) -> Engine:
    """Return an engine over the shipped articles, with a hostile one among them if asked for.

    It answers all it can: what the calibrated scores of a fake embedding would refuse says nothing about the page.
    """
    engine = make_engine(folder, model=model or FakeLLM(replies=REPLIES), **({"caution": 0.0} | options))
    if hostile:
        engine.add(HOSTILE_NAME, f"{HOSTILE_TITLE}\n\nA harmless sentence. {HOSTILE_QUOTE} <i>After.</i>\n")
    return engine


def citation(marker: int, document: Document, quote: str, support: float, also: Sequence[Place] = ()) -> Citation:
    """Return a citation of `quote` where it stands in the document."""
    start = document.text.index(quote)
    span = Span(start, start + len(quote))
    return Citation(
        marker, document.source, document.title, quote, span.start, span.end, support, document.id, span, tuple(also),
        document.date or None, document.publisher or None,
    )  # fmt: skip


def related(document: Document, quote: str, rank: int = 1) -> Evidence:
    """Return a passage that answers nothing."""
    start = document.text.index(quote)
    span = Span(start, start + len(quote))
    return Evidence(
        rank, document.source, document.title, quote, span.start, span.end, 1.3, 0.5, 0.4, document.id, span,
        date=document.date or None, publisher=document.publisher or None,
    )  # fmt: skip


def make_answer(question: str, text: str, citations: Sequence[Citation] = (), **fields: Any) -> Answer:
    """Return a checked answer; without citations it is an abstention."""
    timings = {"retrieve": 0.04, "generate": 1.21, "verify": 0.31, "total": 1.56}
    given: dict[str, Any] = {
        "question": question,
        "text": text,
        "abstained": not citations,
        "citations": tuple(citations),
        "evidence": (),
        "model": "fake-1.5b",
        "timings": timings,
        "settings_hash": "0" * 16,
    }
    return Answer(**(given | fields))
