"""Reports: everything is in them, nothing is fetched, and untrusted text stays text."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from runs import record, run

from eval.records import Run
from eval.report import html, markdown, print_summary
from eval.report.summary import definitions, headline, names, rows, standfirst
from eval.report.view import items, pieces, verdict
from eval.report.words import markdown as escaped
from eval.report.words import shorten

HOSTILE = (
    "</p></style><script>alert(1)</script><img src=x onerror=alert(2)>\"' {{ 7*7 }} $x$ | `c` **b** [l](http://e.test)"
)
ADDRESS = re.compile(r"(?:https?:)?//[\w.]", re.IGNORECASE)
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
    """What a browser would make of the page: its elements with their attributes, and the text outside of styles."""

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


def test_page_holds_everything() -> None:
    page = Page(html([RUN]))
    assert page.open == [], "an element is not closed"
    text = flat(page.text)
    for r in RUN.records:
        assert r.question.id in text and r.question.turns[-1] in text
    for said in ("two boats", "three boats", "ten boats", "The articles do not say.", "Two boats left the harbour."):
        assert said in text
    for words in ("right", "wrong", "needlessly refused", "rightly refused", "should have refused", "verbatim"):
        assert words in text
    for known in ("0123456789abcdef", "d" * 64, "fake-embedding", "boats, dev · 2 January 2026"):
        assert known in text
    assert text.index("three boats") < text.index("· right"), "what went wrong comes first"
    assert len([found for _, found in page.elements if found.get("class") == "plot"]) == 5


def test_page_loads_nothing() -> None:
    source = html([RUN, NAIVE])
    page = Page(source)
    assert not ADDRESS.search(source)
    assert not {tag for tag, _ in page.elements} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
    }
    assert all(address.startswith("#") for name in ("href", "src", "action") for address in page.attributes(name))
    assert not [name for _, found in page.elements for name in found if name.startswith("on") or name == "style"]
    assert "url(http" not in source and "@import" not in source


def test_page_allows_its_own_style_and_nothing_else() -> None:
    source = html([RUN])
    [style] = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    [policy] = [v for v in Page(source).attributes("content") if "default-src" in v]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_ids_are_unique_and_links_lead_to_them() -> None:
    page = Page(html([RUN, NAIVE]))
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    links = page.attributes("href")
    assert len(links) > 5 and {link[1:] for link in links} <= set(ids)


def test_same_runs_same_page() -> None:
    assert html([RUN, NAIVE]) == html([RUN, NAIVE])
    assert markdown([RUN]) == markdown([RUN])


def test_systems_stand_side_by_side() -> None:
    text = flat(Page(html([RUN, NAIVE])).text)
    # dateline: right and due; of five. naive answers everything with ten boats.
    assert "dateline handles 40 % of 5 questions right, naive 0 %" in text
    assert "where they differ2" in text and "wrong in any5" in text and "right in all0" in text


@pytest.fixture
def hostile() -> Run:
    found = record(
        HOSTILE, HOSTILE, kind=HOSTILE, answers=[HOSTILE, "x"], question=HOSTILE, quote=HOSTILE, title=HOSTILE
    )
    return run(
        found, record("b", None, due=True, question=HOSTILE), system=HOSTILE, model=HOSTILE, data=HOSTILE, llm=HOSTILE
    )


def test_hostile_text_is_text_in_the_page(hostile: Run) -> None:
    page = Page(html([hostile, RUN]))
    assert page.open == []
    plain = Page(html([RUN, NAIVE]))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in plain.elements}
    assert {name for _, found in page.elements for name in found} <= {
        name for _, found in plain.elements for name in found
    }
    assert page.text.count(HOSTILE) > 5, "shown as it stands"
    assert "49" not in re.findall(r"\{\{ 7\*7 \}\}|\b49\b", page.text)


def test_control_characters_are_shown_in_the_page() -> None:
    page = html([run(record("a", "\x1b[31mred\x00\u202e \ud800", question="a\nb"))])
    assert not set(page) & set("\x1b\x00\u202e\ud800") and "\ufffd[31mred" in page
    page.encode("utf-8")


def test_hostile_text_is_text_in_markdown(hostile: Run) -> None:
    text = markdown([hostile, run(*hostile.records[:1], system="naive")])
    assert "<" not in text and "http://" not in text
    bare = re.sub(r"\\.", "", text)  # without what is escaped
    assert "`" not in bare and "[" not in bare and "**b" not in bare and "$" not in bare
    for line in bare.splitlines():
        if line.startswith("|"):
            assert line.count("|") in (3, 4), "a cell has not broken its table"
    assert not any(line.startswith(("    ", "> ", "1.")) for line in text.splitlines())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("US $310 million [1]", r"US \$310 million \[1\]"),
        ("a|b\n# c", r"a\|b \# c"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("see https://e.test, WWW.e.test or a@e.test", r"see https\://e.test, WWW\.e.test or a\@e.test"),
        ("nDCG@10 at 12:30", "nDCG@10 at 12:30"),
        ("\\`x`", r"\\\`x\`"),
    ],
)
def test_markdown_is_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_markdown_holds_figures_and_what_went_wrong() -> None:
    text = markdown([RUN, NAIVE])
    assert "| Answered right | 0.333 (0.000 to 1.000, 3) | 0.000 (0.000 to 0.000, 3) |" in text
    assert "## What went wrong: 5 of 5 questions" in text
    assert "  - dateline, needlessly refused: The articles do not say." in text
    assert "  - naive, should have refused: ten boats \\[1\\]" in text
    assert f"| SHA-256 of the data | {'d' * 64} | {'d' * 64} |" in text


def test_markdown_of_many_wrong_answers_ends() -> None:
    text = markdown([run(*(record(f"q{n}", "three") for n in range(203)))])
    assert text.count("dateline, wrong") == 200 and "- and 3 more" in text


def test_summary_in_the_terminal() -> None:
    text = terminal(RUN)
    assert "dateline handles 40 % of 5 questions right" in flat(text)
    assert "Of 3 questions that the articles answer, it answers 1 right and refuses 1." in flat(text)
    assert "0.333 (0.000 to 1.000, 3)" in text and "Wrong: 3" in text
    assert "wrong: three boats [1]" in text and "wanted: a refusal: the articles do not say" in text


def test_terminal_too_narrow_for_intervals_has_the_values() -> None:
    text = terminal(RUN, NAIVE, width=70)
    assert re.search(r"Answered right +0\.333 +0\.000", text) and " to 1.000" not in text
    assert max(map(len, text.splitlines())) <= 70


def test_hostile_text_is_text_in_the_terminal() -> None:
    text = terminal(
        run(record("\x1b[2J", "[bold]loud[/bold] \x1b]0;title\x07\u202e", question="a\x1b[31m\nb", kind="[red]k"))
    )
    assert "[bold]loud[/bold]" in text and "[red]k" in text
    assert not set(text) & set("\x1b\x07\u202e")


@pytest.mark.parametrize(
    "made",
    [
        run(),
        run(record("a")),
        run(record("a", None, due=True)),
        run(record("a", None), record("b", None)),
        run(record("a", answers=()), record("b", answers=())),  # for retrieval alone
        run(record("a", ""), record("b", "", due=True)),  # failed
        run(record("a", kind="$\\frac{", total=0.0), record("b", total=0.0)),
    ],
    ids=["nothing", "one", "one refused", "all refused", "ranking", "failed", "equal times"],
)
def test_small_and_odd_runs(made: Run) -> None:
    for runs in ([made], [made, RUN]):
        page = Page(html(runs))
        assert page.open == []
        assert markdown(runs) and terminal(*runs)
        for r in made.records:
            assert r.question.id in page.text


def test_ranking_alone_is_headed_as_such() -> None:
    made = run(record("a", answers=()), record("b", answers=()))
    assert headline([made]) == "2 questions, ranked"
    assert standfirst([made]).startswith("Only the ranking is scored")
    assert "nDCG@10" in Page(html([made])).text


def test_names_of_runs() -> None:
    assert names([RUN, NAIVE]) == ["dateline", "naive"]
    small = run(llm="local:small")
    assert names([RUN, small]) == ["dateline local", "dateline local:small"]
    assert names([RUN, run(settings_hash="ffffffff00000000")]) == ["dateline 01234567", "dateline ffffffff"]
    assert names([RUN, RUN]) == ["dateline", "dateline (2)"]


def test_wrong_ones_first() -> None:
    assert [item.question.id for item in items([RUN])] == ["wrong", "needless", "undue", "right", "due"]
    both = [(item.question.id, item.wrong, item.differs) for item in items([RUN, NAIVE])]
    assert both == [
        ("wrong", 2, False),
        ("needless", 2, False),
        ("undue", 2, False),
        ("right", 1, True),
        ("due", 1, True),
    ]


def test_same_id_of_other_data_is_another_question() -> None:
    assert len(items([RUN, run(*RUN.records, data_hash="e" * 64)])) == 10


def test_best_value_is_marked() -> None:
    found = {row.metric.name: row.best for members in rows([RUN, NAIVE]).values() for row in members}
    assert found["correct_answerable"] == {0} and found["over_refusal"] == {1}
    assert found["offset_validity"] == set(), "equal in all"
    assert not any(row.best for members in rows([RUN]).values() for row in members)


def test_what_is_shared_is_defined_once_at_the_first_figure_there_is() -> None:
    found = dict(definitions(rows([RUN])))
    assert "Refusal precision" in found and "Refusal recall" not in found
    assert found["Evidence recall@1"] and "Evidence recall@3" not in found
    # Without a refusal there is no precision of refusals; what the recall is must be said all the same.
    never = run(record("a"), record("b", "three", due=True))
    assert dict(definitions(rows([never])))["Refusal recall"] == found["Refusal precision"]


def test_verdicts() -> None:
    found = [(verdict(r).words, verdict(r).right) for r in MIXED]
    assert found == [
        ("right", True),
        ("wrong", False),
        ("needlessly refused", False),
        ("rightly refused", True),
        ("should have refused", False),
    ]
    assert verdict(record("a", answers=())).right is None


def test_pieces_of_an_answer() -> None:
    cited = record("a").answer.citations
    assert pieces("Two [1], and [2].", cited) == [("Two ", None), ("[1]", 1), (", and [2].", None)]
    assert pieces("", cited) == []


def test_shorten() -> None:
    assert shorten("four", 4) == "four" and shorten("fives", 4) == "fiv…"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_page_in_a_browser(tmp_path: Path, browser: Any, hostile: Run, scheme: str, width: int) -> None:
    """No request, no complaint about the policy, no sideways scrolling; filters and details work by keyboard."""
    file = tmp_path / "report.html"
    file.write_text(html([RUN, NAIVE, hostile]), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    noted: list[str] = []
    page.on("console", lambda message: noted.append(message.text))
    page.on("request", lambda request: noted.append(request.url))
    page.goto(file.as_uri())
    assert noted == [file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(250, 248, 244)", "dark": "rgb(23, 22, 20)"}[scheme]

    shown = "[...document.querySelectorAll('.q')].filter(q => q.getClientRects().length).length"
    everything = page.evaluate(shown)
    page.focus("#show-wrong")
    page.keyboard.press("ArrowRight")
    assert 0 < page.evaluate(shown) < everything
    page.focus("#show-wrong")
    page.keyboard.press("Space")
    page.focus(".q.is-wrong summary >> nth=0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelectorAll('.q[open]').length") == 1
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(tmp_path: Path, browser: Any, scheme: str) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    file = tmp_path / "report.html"
    file.write_text(html([RUN, NAIVE]), encoding="utf-8")
    context = browser.new_context(bypass_csp=True, color_scheme=scheme)  # axe itself is a script
    page = context.new_page()
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    found = axe.run(page)["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
    context.close()
