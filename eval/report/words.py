"""Figures and untrusted text as people read them."""

from __future__ import annotations

import re

# What moves a terminal's cursor, colours it, or turns the direction of writing; and halves of characters, which no file
# takes.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_SECONDS = ("latency", "first_token")
# What Markdown reads, and what GitHub makes addresses of.
_MARKDOWN = re.compile(r"[\\`*_\[\]|~#$]|:(?=//)|(?<=www)\.|@(?=\S*\.)", re.IGNORECASE)

LABELS = {
    "correct": "Correct",
    "correct_answerable": "Answered right",
    "refused_of_must_refuse": "Refused where due",
    "over_refusal": "Refused needlessly",
    "abstention_precision": "Refusal precision",
    "abstention_recall": "Refusal recall",
    "abstention_f1": "Refusal F1",
    "exact_match": "Exact match",
    "token_f1": "Token F1",
    "gold_recall": "Gold answer recall",
    "evidence_recall@1": "Evidence recall@1",
    "evidence_recall@3": "Evidence recall@3",
    "evidence_recall@5": "Evidence recall@5",
    "reciprocal_rank": "MRR",
    "ndcg@10": "nDCG@10",
    "citation_precision": "Citation precision",
    "citation_recall": "Citation recall",
    "citation_support": "Citation support",
    "offset_validity": "Quotes verbatim",
    "claims_right@0.9": "Right at support ≥ 0.9",
    "aurc": "Area under risk-coverage",
    "latency_p50": "Time, median",
    "latency_p95": "Time, 95th percentile",
    "first_token_p50": "First word, median",
    "tokens": "Prompt tokens",
    "latency": "Time",
    "first_token": "First word",
}

DEFINITIONS = {
    "correct_answerable": "Share of the questions that the articles answer whose answer holds what a right one must.",
    "exact_match": "Share of those whose answer is an accepted one but for case, punctuation and articles (SQuAD).",
    "token_f1": "Words shared with the nearest accepted answer: harmonic mean of precision and recall (SQuAD).",
    "gold_recall": "Share of an accepted answer's words that the answer holds.",
    "refused_of_must_refuse": "Share of the questions that the articles do not answer that were refused.",
    "over_refusal": "Share of the questions that the articles answer that were refused.",
    "abstention_precision": "Share of refusals that were due; recall is the share of due refusals made.",
    "aurc": "Mean share of wrong answers when only the most confident count, from one to all; refused ones count last, "
    "as wrong.",
    "citation_precision": "Share of cited sentences that state needed evidence, over answered questions.",
    "citation_recall": "Share of needed evidence that a cited sentence states, over answered questions.",
    "citation_support": "Share of an answer's words that stand in the quotes cited for them.",
    "offset_validity": "Share of quotes that are the article's text, character for character, at their offsets.",
    "claims_right@0.9": "Share of claims shown with a support of 0.9 or more that stand in a right answer.",
    "evidence_recall@1": "Share of needed evidence in the first k of the ranking.",
    "reciprocal_rank": "One over the rank of the first needed evidence, on average.",
    "ndcg@10": "Discounted gain of the needed evidence in the first ten, as a share of the best possible.",
    "latency_p50": "Seconds from the question to the checked answer, models warm.",
    "first_token_p50": "Seconds to the model's first word.",
    "tokens": "Tokens of all prompts that a question cost, median.",
    "judge_correct": "What a model as judge says; agreement and Cohen's kappa hold it against the rules used here.",
}


def label(name: str) -> str:
    """Return a figure's or score's name for people."""
    return LABELS.get(name) or one_line(name).replace("_", " ").capitalize()


def number(name: str, value: float | None) -> str:
    """Return a figure's value with its unit: seconds, tokens or a share."""
    if value is None:
        return "–"
    if name.startswith(_SECONDS):
        return f"{value:.2f} s"
    return f"{value:,.0f}" if name == "tokens" else f"{value:.3f}"


def percent(value: float) -> str:
    """Return a share in whole percent."""
    return f"{100 * value:.0f}\u00a0%"


def clean(text: str) -> str:
    """Return untrusted text with every control character made visible as U+FFFD, but for line feeds and tabs."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return untrusted text on one line, without what a terminal would obey."""
    return " ".join(_CONTROL.sub(" ", text).split())


def shorten(text: str, length: int) -> str:
    """Return at most `length` characters of a text."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def markdown(text: str) -> str:
    """Return untrusted text on one line such that Markdown and the HTML in it read as they stand, in tables too."""
    plain = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\g<0>", plain)
