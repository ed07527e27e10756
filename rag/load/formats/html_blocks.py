"""Repair what would mislead the search for a page's main text: an article in several blocks, paragraphs of links."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

_LINKED = 0.8  # of a paragraph's characters: with more in links, it points to other pages
_MOST = 0.5  # of a page's paragraphs: if links hold more than this, its text is linked
_TOLD = 200  # characters of a block's own paragraphs; a caption or a comment has fewer


def drop_links(root: Any) -> None:
    """Remove the paragraphs that are hardly more than links ("Read more: …"), unless most paragraphs are.

    Args:
        root: The page, a tree of lxml's HTML elements.
    """
    chars = {paragraph: _chars(paragraph) for paragraph in root.iter("p")}
    links = [p for p, total in chars.items() if total and sum(map(_chars, p.iter("a"))) >= _LINKED * total]
    if sum(chars[paragraph] for paragraph in links) <= _MOST * sum(chars.values()):
        for paragraph in links:
            paragraph.drop_tree()


def join_blocks(root: Any) -> None:
    """Move the paragraphs of an article that is divided into like blocks, with advertisements between, into the first.

    The search for the main text takes one element, and would lose the rest. Blocks are alike if they and all elements
    around them, up to the same `article`, have the same names and classes.

    Args:
        root: The page, a tree of lxml's HTML elements.
    """
    for article in root.iter("article"):
        alike: dict[tuple[tuple[str, str], ...], list[Any]] = defaultdict(list)
        for block in article.iter("div", "section"):
            if sum(_chars(child) for child in block if child.tag == "p") >= _TOLD:
                alike[_way(block, article)].append(block)
        for first, *others in alike.values():
            for other in others:
                first.extend(list(other))


def _way(block: Any, article: Any) -> tuple[tuple[str, str], ...]:
    """Return the names and classes of a block and of the elements around it, up to the article."""
    way = []
    while block is not article:
        way.append((block.tag, block.get("class") or ""))
        block = block.getparent()
    return tuple(way)


def _chars(element: Any) -> int:
    return len("".join("".join(element.itertext()).split()))
