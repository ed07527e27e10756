"""Passages beside a refusal: near ones are shown, the others are not."""

from __future__ import annotations

from dataclasses import replace

from parsed import Parsed
from samples import AUSTRALIA, CORDIAL, make_answer, related

from rag import Engine
from ui.chat import render
from ui.chat.related import near


def test_only_near_passages_are_shown(seeds_engine: Engine) -> None:
    (document,) = [seeds_engine.document(s.id) for s in seeds_engine.sources() if s.source.startswith("000")]
    passage = related(document, CORDIAL)
    close, far = replace(passage, score=1.1), replace(passage, score=0.4)
    assert near([far, close, far]) == (close,)
    html = Parsed(render.answer("t1", AUSTRALIA, make_answer(AUSTRALIA, "No.", related=(close, far))))
    assert html.find("dl-quote") == [CORDIAL] and "Related passages" in html.text
    html = Parsed(render.answer("t1", AUSTRALIA, make_answer(AUSTRALIA, "No.", related=(far,))))
    assert html.find("dl-quote") == [] and "Related" not in html.text
