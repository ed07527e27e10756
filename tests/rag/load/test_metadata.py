"""Titles without the site's name, bylines without dates and repetitions."""

from __future__ import annotations

import pytest

from rag.load.metadata import byline, plain_title


@pytest.mark.parametrize(
    ("title", "site", "headings", "plain"),
    [
        ("Bridge opens | Harbour Post", "Harbour Post", (), "Bridge opens"),
        ("Bridge opens - Harbour Post", "The Harbour Post", (), "Bridge opens"),
        ("Bridge opens – harbourpost.com", "Harbour Post", (), "Bridge opens"),
        ("Bridge opens — HARBOUR POST", "harbourpost.example", (), "Bridge opens — HARBOUR POST"),
        ("Bridge opens — HARBOUR POST", "harbourpost.com", (), "Bridge opens"),
        ("Harbour Post | Bridge opens on Monday", "Harbour Post", (), "Bridge opens on Monday"),
        ("Bridge opens | Local | Harbour Post", "Harbour Post", ("Bridge opens",), "Bridge opens"),
        ("Bridge opens | Local | Harbour Post", "Harbour Post", (), "Bridge opens | Local"),
        ("Bridge opens • Harbour Post", "Harbour Post - News from the coast", (), "Bridge opens"),
        ("Bridge opens|Harbour Post", "Harbour Post", (), "Bridge opens"),
        ("NEWS WEB EASY|橋の再建が始まる予定だと市長", "NEWS WEB EASY", (), "橋の再建が始まる予定だと市長"),
        ("Bridge opens - Harbour Post", "", ("Bridge opens",), "Bridge opens"),
        ("Vote - the mayor stays", "Harbour Post", ("The mayor stays",), "Vote - the mayor stays"),
        ("Bridge opens - and closes again", "Harbour Post", (), "Bridge opens - and closes again"),
        ("Well-known mayor resigns", "known", (), "Well-known mayor resigns"),
        ("Wind park of Steinheim | EnBW", "Wind park of Steinheim", (), "Wind park of Steinheim | EnBW"),
        ("Harbour Post", "Harbour Post", (), "Harbour Post"),
        ("", "Harbour Post", (), ""),
    ],
)
def test_titles(title: str, site: str, headings: tuple[str, ...], plain: str) -> None:
    assert plain_title(title, site, headings) == plain


@pytest.mark.parametrize(
    ("names", "language", "line"),
    [
        (["Ada Kern", "Monday", "February 3"], "en", "Ada Kern"),
        (["Ada Kern", "ADA KERN"], "en", "Ada Kern"),
        (["ADA KERN", "Ada Kern"], "en", "Ada Kern"),
        (["ada kern", "Ada Kern", "Omar Saleh"], "", "Ada Kern; Omar Saleh"),
        (["Ada Kern", " Omar Saleh "], "en", "Ada Kern; Omar Saleh"),
        (["Ada Kern", "3. Februar 2025"], "de", "Ada Kern"),
        (["Ada Kern", "Montag"], "de-DE", "Ada Kern"),
        (["Ada Kern", "lundi", "3 février 2025"], "fr", "Ada Kern"),
        (["Ada Kern", "2025-02-03", "10:30 am"], "en", "Ada Kern"),
        (["Ada Kern", "2025年2月3日"], "ja", "Ada Kern"),
        (["April Roach", "May Lund"], "en", "April Roach; May Lund"),
        (["René Höß", "RENE HOSS", "Rene Höß"], "de", "René Höß"),
        (["ADA KERN"], "en", "ADA KERN"),
        (["Reuters", "Ada Kern"], "xx", "Reuters; Ada Kern"),
        (["", " "], "en", ""),
    ],
)
def test_bylines(names: list[str], language: str, line: str) -> None:
    assert byline(names, language) == line
