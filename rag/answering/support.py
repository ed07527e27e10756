"""Select the sentences that may support a claim, let the judge read them, and say how likely they do support it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rag.language.words import content_terms, fold, names, numbers, same_name, split_sentences
from rag.protocols import Judge, Reading

# A claim that is at least this likely supported counts as supported.
SUPPORTED = 0.5
_CLEARLY = 0.7  # from here on a claim is contradicted, and no other sentences are read for it
_WORDS = 110  # of evidence that the judge reads at once, as in its training
_MOST_CITED = 3
_LEAST, _MOST = 1e-4, 1 - 1e-4  # probabilities of the judge beyond these count as these
_QUOTED = re.compile(r"[\"“]([^\"“”]{12,})[\"”]")
_WEIGHTS = Path(__file__).with_name("support.json")


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim to judge.

    Args:
        text: The claim, without markers.
        question: The question that it answers; None if it stands alone.
        before: What was claimed just before it, if it cannot be understood without that.
    """

    text: str
    question: str | None = None
    before: str = ""

    @property
    def whole(self) -> str:
        """The claim as it is read: after what it needs to be understood."""
        return f"{self.before} {self.text}".strip()


@dataclass(frozen=True, slots=True)
class Judged:
    """How likely a claim is supported and how likely contradicted, and the signals behind that.

    `cited` are the numbers of the sentences that have most of the claim's words, among those that the judge read.
    """

    probability: float
    contradicted: float
    cited: tuple[int, ...]
    signals: Mapping[str, float]


def judged(
    judge: Judge,
    claims: Sequence[Claim],
    found: Sequence[Sequence[str]],
    order: Sequence[Sequence[int]],
    without: Collection[str] = (),
) -> list[Judged]:
    """Return for each claim how likely its sentences support it.

    The judge first reads the sentences that together have most of the claim's words. Where these do not support it, it
    also reads the best ones, unless they clearly contradict it.

    Args:
        judge: The judge.
        claims: What to judge.
        found: For each claim, the sentences that may support it, as they follow one another.
        order: For each claim, the numbers of its sentences, best first.
        without: Signals that do not count.

    Raises:
        ModelError: The judge cannot be used.
    """
    nearest = [_nearest(claim, texts) for claim, texts in zip(claims, found, strict=True)]
    best = _judged_on(judge, claims, found, nearest, without)
    left = [n for n, one in enumerate(best) if one.probability < SUPPORTED and one.contradicted < _CLEARLY]
    first = {n: _first(found[n], order[n]) for n in left}
    again = [n for n, chosen in first.items() if chosen != nearest[n]]
    others = _judged_on(
        judge, [claims[n] for n in again], [found[n] for n in again], [first[n] for n in again], without
    )
    for n, other in zip(again, others, strict=True):
        best[n] = max(best[n], other, key=lambda one: one.probability)
    return best


def supported_by(judge: Judge, claim: str, evidence: Sequence[str], question: str | None = None) -> float:
    """Return how likely evidence supports every sentence of a claim; see `rag.support`."""
    texts = [" ".join(s.split()) for text in evidence for s in split_sentences(text) if s.strip()]
    claims = [Claim(" ".join(s.split()), question) for s in split_sentences(claim) if s.strip()]
    if not texts or not claims:
        return 0.0
    shared = [[len(_met(set(content_terms(c.text)), text)) for text in texts] for c in claims]
    order = [sorted(range(len(texts)), key=lambda n, met=met: -met[n]) for met in shared]  # type: ignore[misc]
    return min(one.probability for one in judged(judge, claims, [texts] * len(claims), order))


def probability(signals: Mapping[str, float], without: Collection[str] = ()) -> float:
    """Return how likely a claim with these signals is supported: a logistic regression fitted by `train.support`.

    Args:
        signals: Values by name.
        without: Names that do not count.
    """
    weights = _weights()
    counted = {name: value for name, value in signals.items() if name not in without}
    total = weights["intercept"] + sum(weights["terms"][name] * value for name, value in counted.items())
    return float(1 / (1 + math.exp(-total)))


def given_prior(likely: float, right: float) -> float:
    """Return how likely a claim is supported, where a share of `right` of such claims is.

    Args:
        likely: The probability where half of the claims are supported, as for `probability`.
        right: The share that is supported, between 0 and 1.
    """
    return likely * right / (likely * right + (1 - likely) * (1 - right))


def signals(claim: Claim, evidence: str, supported: float) -> dict[str, float]:
    """Return the signals for a claim: the judge's score, and the exact checks that fail.

    `judge` is the logarithm of the odds of support. The others are shares of the claim's numbers, names and quotations
    that occur neither in the evidence nor in the question.
    """
    likely = min(max(supported, _LEAST), _MOST)
    given = f"{evidence} {claim.question or ''} {claim.before}"
    figures, known = numbers(given), set(content_terms(given))
    quoted = [" ".join(fold(part).split()).rstrip(" .,") for part in _QUOTED.findall(claim.text)]
    said = " ".join(fold(evidence).split())
    return {
        "judge": math.log(likely / (1 - likely)),
        "numbers": _lacking(sorted(numbers(claim.text)), lambda number: number in figures),
        "names": _lacking(names(claim.text), lambda name: any(same_name(name, term) for term in known)),
        "quotations": _lacking(quoted, lambda quotation: quotation in said),
    }


def _lacking(wanted: Sequence[str], has: Callable[[str], bool]) -> float:
    return sum(not has(item) for item in wanted) / len(wanted) if wanted else 0.0


def _judged_on(
    judge: Judge,
    claims: Sequence[Claim],
    found: Sequence[Sequence[str]],
    chosen: Sequence[Sequence[int]],
    without: Collection[str],
) -> list[Judged]:
    read = [" ".join(texts[i] for i in some) for texts, some in zip(found, chosen, strict=True)]
    judgements = judge.judge(
        [Reading(c.text, text, c.question or "", c.before) for c, text in zip(claims, read, strict=True)]
    )
    results = []
    for claim, texts, some, text, judgement in zip(claims, found, chosen, read, judgements, strict=True):
        seen = signals(claim, text, judgement.supported if text else 0.0)
        results.append(Judged(probability(seen, without), judgement.contradicted, _cited(claim, texts, some), seen))
    return results


def _nearest(claim: Claim, texts: Sequence[str]) -> list[int]:
    """Return the sentences that together have most of a claim's words, in the order given."""
    left = set(content_terms(claim.whole))
    chosen: list[int] = []
    room = _WORDS
    while rest := [n for n in range(len(texts)) if n not in chosen]:
        best = max(rest, key=lambda n: (len(_met(left, texts[n])), -n))
        met, length = _met(left, texts[best]), len(texts[best].split())
        if chosen and (not met or length > room):
            break
        chosen.append(best)
        left -= met
        room -= length
    return sorted(chosen)


def _first(texts: Sequence[str], order: Sequence[int]) -> list[int]:
    """Return the best sentences, as many as the judge reads at once, in the order given."""
    kept: list[int] = []
    room = _WORDS
    for n in order:
        room -= len(texts[n].split())
        if room < 0 and kept:
            break
        kept.append(n)
    return sorted(kept)


def _cited(claim: Claim, texts: Sequence[str], read: Sequence[int]) -> tuple[int, ...]:
    """Return the few of the sentences read that have most of the claim's words."""
    left = set(content_terms(claim.text))
    chosen: list[int] = []
    while len(chosen) < min(_MOST_CITED, len(read)):
        best = max((n for n in read if n not in chosen), key=lambda n: (len(_met(left, texts[n])), -n))
        met = _met(left, texts[best])
        if chosen and not met:
            break
        chosen.append(best)
        left -= met
    return tuple(sorted(chosen))


def _met(wanted: set[str], text: str) -> set[str]:
    terms = set(content_terms(text))
    return {w for w in wanted if w in terms or any(same_name(w, t) for t in terms)}


def signal_names() -> list[str]:
    """Return the signals that the regression uses."""
    return sorted(_weights()["terms"])


@lru_cache(maxsize=1)
def _weights() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_WEIGHTS.read_text(encoding="utf-8"))
    return found
