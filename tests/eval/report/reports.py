"""Runs to report on, text that reports must escape, and a parser that reads a page as a browser would."""

from __future__ import annotations

from html.parser import HTMLParser

from rich.console import Console
from runs import record, run

from eval.records import Run
from eval.report import print_summary

HOSTILE = (
    "</p></style><script>alert(1)</script><img src=x onerror=alert(2)>\"' {{ 7*7 }} $x$ | `c` **b** [l](http://e.test)"
)
VOID = {"meta", "br", "input", "img", "link"}
MIXED = (
    record("right", "two boats", confidence=0.9, first=0.4, tokens=100),
    record("wrong", "three boats", kind="wh", confidence=0.6, total=2.0),
    record("needless", None, kind="list", confidence=0.2),
    record("due", None, kind="off_topic", due=True),
    record("undue", "ten boats", kind="off_topic", due=True, support=0.4),
)
RUN = run(*MIXED)
NAIVE = run(
    *(record(r.question.id, "ten boats", kind=r.question.kind, due=r.question.must_refuse) for r in MIXED),
    system="naive",
)


class Page(HTMLParser):
    """Parses a page as a browser would: its elements with their attributes, and the text outside of styles."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def attributes(self, name: str) -> list[str]:
        return [value for _, found in self.elements if (value := found.get(name)) is not None]


def terminal(*runs: Run, width: int = 100) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        print_summary(runs, console)
    return captured.get()


def flat(text: str) -> str:
    return " ".join(text.split())
