"""Remove from an HTML tree what the page itself hides from its readers."""

from __future__ import annotations

import re
from typing import Any

_HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE)
_MOST = 0.5  # of a page's paragraphs: what holds more than this is shown by a script
_KEPT = frozenset("html body head".split())


def drop_hidden(root: Any) -> None:
    """Remove the elements that are hidden by an attribute or their own style, but not one with most of the text.

    Args:
        root: The page, a tree of lxml's HTML elements.
    """
    total = _paragraph_chars(root)
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if _is_hidden(element) and _paragraph_chars(element) <= _MOST * total:
            element.drop_tree()
        else:
            waiting.extend(child for child in element if isinstance(child.tag, str))


def _is_hidden(element: Any) -> bool:
    if element.tag in _KEPT or element.getparent() is None:
        return False
    by_attribute = "hidden" in element.attrib and element.get("hidden").strip().lower() != "until-found"
    return by_attribute or bool(_HIDDEN.search(element.get("style") or ""))


def _paragraph_chars(element: Any) -> int:
    return sum(len("".join(paragraph.itertext()).strip()) for paragraph in element.iter("p"))
