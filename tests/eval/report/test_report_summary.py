"""What reports say in Markdown and in the terminal, and the words, rows and verdicts that all of them share."""

from __future__ import annotations

import re

import pytest
from reports import MIXED, NAIVE, RUN, Page, flat, terminal
from runs import record, run

from eval.records import Run
from eval.report import html, markdown
from eval.report.summary import definitions, headline, names, rows, standfirst
from eval.report.view import items, pieces, verdict
from eval.report.words import markdown as escaped
from eval.report.words import shorten

pytestmark = pytest.mark.long


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


def test_what_is_shared_is_defined_once_at_the_first_figure_there_is() -> None:
    found = dict(definitions(rows([RUN])))
    assert "Refusal precision" in found and "Refusal recall" not in found
    assert found["Evidence recall@1"] and "Evidence recall@3" not in found
    # Without a refusal there is no precision of refusals; what the recall is must be said all the same.
    never = run(record("a"), record("b", "three", due=True))
    assert dict(definitions(rows([never])))["Refusal recall"] == found["Refusal precision"]
