"""Format figures and untrusted text for people."""

from __future__ import annotations

import re

from eval.score.metrics import find

# Characters that move a terminal's cursor, colour its text or change the writing direction, and lone surrogates, which
# cannot be written to a file.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
# Markdown syntax, and characters that let GitHub make links.
_MARKDOWN = re.compile(r"[\\`*_\[\]|~#$]|:(?=//)|(?<=www)\.|@(?=\S*\.)", re.IGNORECASE)


def label(name: str) -> str:
    """Return a metric's name for people; for a metric of another version, use the name in its run file."""
    metric = find(name)
    return metric.label if metric else one_line(name).replace("_", " ").capitalize()


def number(name: str, value: float | None) -> str:
    """Return a metric's value with its unit."""
    if value is None:
        return "–"
    metric = find(name)
    unit = metric.unit if metric else "share"
    if unit == "seconds":
        return f"{value:.2f} s"
    return f"{value:,.2f}".removesuffix(".00") if unit == "count" else f"{value:.3f}"


def bare(name: str, value: float | None) -> str:
    """Return a metric's value without its unit."""
    return number(name, value).removesuffix(" s")


def percent(value: float) -> str:
    """Return a share as a whole percentage."""
    return f"{100 * value:.0f}\u00a0%"


def clean(text: str) -> str:
    """Return untrusted text with every control character replaced with U+FFFD, except line feeds and tabs."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return untrusted text on one line, without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def shorten(text: str, length: int) -> str:
    """Return at most `length` characters of a text."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def markdown(text: str) -> str:
    """Return untrusted text on one line, escaped so that Markdown and HTML in it show as text, also in tables."""
    plain = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\g<0>", plain)
