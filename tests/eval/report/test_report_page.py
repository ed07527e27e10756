"""The page: everything is in it, nothing is fetched, and untrusted text stays text."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reports import HOSTILE, NAIVE, RUN, Page, flat
from runs import record, run

from eval.records import Run
from eval.report import html, markdown

pytestmark = pytest.mark.long

ADDRESS = re.compile(r"(?:https?:)?//[\w.]", re.IGNORECASE)


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
