"""Identify the language of an article, from what it declares or else from its text."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any

_SURE = 0.9
_LEAST_LETTERS = 40  # a headline made of names is not enough evidence
_SAMPLES = (400, 2000)  # characters; the longer sample takes more time, so it is used only in doubt
_LETTER = re.compile(r"[^\W\d_]")
_THREE = (
    "ara:ar bul:bg ces:cs cze:cs dan:da deu:de ger:de ell:el gre:el eng:en est:et fin:fi fra:fr fre:fr heb:he hin:hi "
    "hrv:hr hun:hu ind:id ita:it jpn:ja kor:ko lav:lv lit:lt nld:nl dut:nl nor:no pol:pl por:pt ron:ro rum:ro rus:ru "
    "slk:sk slv:sl spa:es srp:sr swe:sv tha:th tur:tr ukr:uk urd:ur vie:vi zho:zh chi:zh"
)
_CODES = dict(entry.split(":") for entry in _THREE.split())
_lock = threading.Lock()


def code(declared: str) -> str:
    """Return the ISO 639-1 code of a declared language such as `en-GB` or `eng`; empty when there is none."""
    match = re.match(r"([A-Za-z]{2,3})(?:[-_]|$)", declared.strip())
    if not match:
        return ""
    primary = match[1].lower()
    return primary if len(primary) == 2 else _CODES.get(primary, "")


def detect(text: str) -> str:
    """Return the ISO 639-1 code of the language a text is in; empty unless it is clear."""
    for size in _SAMPLES:
        # The middle of an article is usually prose, even if it starts with a list of names.
        start = max(0, (len(text) - size) // 2)
        sample = text[start : start + size]
        if len(_LETTER.findall(sample)) < _LEAST_LETTERS:
            return ""
        with _lock:  # loading takes half a second, once
            name, probability = _identifier().classify(sample)
        if probability >= _SURE or size >= len(text):
            break
    return name if probability >= _SURE and len(name) == 2 else ""


@cache
def _identifier() -> Any:
    # Imported here because the model is several megabytes and only reading files needs it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
