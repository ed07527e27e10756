"""An article, its sentences as evidence, and a check that every verdict must pass."""

from __future__ import annotations

import re

from rag import Evidence, Span
from rag.answering.verify import Verdict, verify
from rag.load.files import make_document
from rag.load.passages import sentences
from rag.types import Draft

AID = "Vice President Kamala Harris recently announced US $310 million in additional aid for the Northern Triangle."
CALL = 'Mexican foreign minister Marcelo Ebrard said the phone call between the two leaders was "cordial."'
TOLL = "More than 186,000 Mexicans have died from the coronavirus, the third highest tally in the world."
CAMPS = "Thousands of Central Americans had to wait in often squalid camps in northern Mexico."
ARTICLE = make_document(f"{AID} {CALL}\r\n\r\n{TOLL} {CAMPS}", "a.txt")
MINISTER = "Who is Mexico's foreign minister?"
HOW_MUCH = "How much additional aid did Harris announce?"


def evidence_of(text: str = ARTICLE.text) -> list[Evidence]:
    document = make_document(text, "a.txt")
    passage = Span(0, len(text))
    return [
        Evidence(rank, "a.txt", "Title", text[s.start : s.end], s.start, s.end, 1, 1, 1, document.id, passage)
        for rank, s in enumerate(sentences(text), 1)
    ]


EVIDENCE = evidence_of()


def checked(question: str, said: str, evidence: list[Evidence] | None = None, text: str = ARTICLE.text) -> Verdict:
    """Verify, and assert everything that must hold for every verdict."""
    shown = EVIDENCE if evidence is None else evidence
    verdict = verify(question, Draft(said, "fake"), shown, lambda _: text)
    markers = [int(m) for m in re.findall(r"\[(\d+)\]", verdict.text)]
    assert (
        list(dict.fromkeys(markers)) == [c.marker for c in verdict.citations] == list(range(1, len(set(markers)) + 1))
    )
    for c in verdict.citations:
        assert text[c.start : c.end] == c.quote
        assert (c.quote, c.start) in {(e.text, e.start) for e in shown}
        assert 0 <= c.support <= 1
    assert verdict.abstained == (not verdict.citations)
    assert verdict.text.strip()
    return verdict


def quotes(verdict: Verdict) -> list[str]:
    return [c.quote for c in verdict.citations]
