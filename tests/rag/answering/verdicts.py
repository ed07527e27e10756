"""An article, its sentences as evidence, and a check that every verdict must pass."""

from __future__ import annotations

import re
from typing import Any

from rag import Evidence, Span
from rag.answering.checks import Checked, check
from rag.answering.verify import Verdict, verdict_of
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


def sound(one: Checked) -> bool:
    """Return whether nothing speaks against a statement: most of its words are said, and no other check fails."""
    names = one.signals.get("asked_names", 0.0)
    others = [value for name, value in one.signals.items() if name not in ("unsaid", "asked_names")]
    return one.signals.get("unsaid", 0.0) <= 0.4 and names < 1 and not any(others)


def verdict(question: str, draft: Draft, shown: list[Evidence], text: str, **more: Any) -> Verdict:
    """Return what is left of a draft where every statement that a check speaks against is dropped."""
    found = check(question, draft, shown, lambda _: text, **more)
    return verdict_of([(one.text, one.found) for one in found if sound(one)])


def checked(question: str, said: str, evidence: list[Evidence] | None = None, text: str = ARTICLE.text) -> Verdict:
    """Check, and assert everything that must hold for every verdict."""
    shown = EVIDENCE if evidence is None else evidence
    found = verdict(question, Draft(said, "fake"), shown, text)
    markers = [int(m) for m in re.findall(r"\[(\d+)\]", found.text)]
    assert list(dict.fromkeys(markers)) == [c.marker for c in found.citations] == list(range(1, len(set(markers)) + 1))
    for c in found.citations:
        assert text[c.start : c.end] == c.quote
        assert (c.quote, c.start) in {(e.text, e.start) for e in shown}
        assert 0 <= c.support <= 1
    assert found.abstained == (not found.citations)
    assert found.text.strip()
    return found


def quotes(verdict: Verdict) -> list[str]:
    return [c.quote for c in verdict.citations]
