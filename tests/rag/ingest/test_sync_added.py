"""Articles that are added one at a time."""

from __future__ import annotations

import pytest
from syncs import library, rows

from rag import Engine

pytestmark = pytest.mark.long


def test_metadata_of_an_added_file_is_kept(engine: Engine) -> None:
    raw = b"<html><head><title>Storm</title><meta name='author' content='Jo Lie'></head><body><article><p>%s</p>"
    raw %= b"The storm hit the coast in March and went on for three days without an end. " * 5
    assert engine.add("page.html", raw, "upload/page.html").added == ("page.html",)
    [entry] = [entry for entry in engine.sources() if entry.source == "page.html"]
    assert (entry.title, entry.author) == ("Storm", "Jo Lie")
    assert engine.add("page.html", raw, "upload/page.html").unchanged == ("page.html",)


def test_an_added_table_is_replaced_as_a_whole(engine: Engine) -> None:
    assert len(engine.add("list.jsonl", rows(3).encode(), "upload/list").added) == 3
    report = engine.add("list.jsonl", rows(2, "another row").encode(), "upload/list")
    assert len(report.replaced) == 2
    assert len([name for name in library(engine) if name.startswith("list")]) == 2


def test_empty_text_is_not_added(engine: Engine) -> None:
    report = engine.add("a", " \n")
    assert report.failed[0][0] == "a" and engine.counts()[0] == 3


def test_adding_a_large_file_ends_after_the_batch_at_hand_when_it_is_told_to(engine: Engine) -> None:
    rows = "".join(f"Catch {n},The boat landed {n} crates of cod on day {n} of the season.\n" for n in range(2000))
    table = f"title,text\n{rows}".encode()
    before = engine.counts()[0]
    engine.add("catches.csv", table, "upload:catches.csv", stopped=lambda: True)
    some = engine.counts()[0] - before
    assert 0 < some < 1000
    engine.add("catches.csv", table, "upload:catches.csv")
    assert engine.counts()[0] - before == 2000
