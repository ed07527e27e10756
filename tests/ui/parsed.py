"""Reads HTML back, so that tests see what a browser would."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser


class Parsed(HTMLParser):
    """The tags, ids, attributes and texts of some HTML; every element must be closed."""

    VOID = frozenset({"img", "br", "hr", "input", "meta", "link"})

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._open: list[tuple[str, set[str], int]] = []
        self._texts: list[tuple[str, set[str], str]] = []
        self._elements: list[tuple[str, set[str], dict[str, str]]] = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        classes = set(found.get("class", "").split())
        self.tags[tag] += 1
        self.attributes += found.items()
        self.ids += [found["id"]] if "id" in found else []
        self._elements.append((tag, classes, found))
        if tag not in self.VOID:
            self._open.append((tag, classes, len(self.text)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        opened, classes, start = self._open.pop()
        assert opened == tag
        self._texts.append((tag, classes, self.text[start:]))

    def handle_data(self, data: str) -> None:
        self.text += data

    def find(self, name: str) -> list[str]:
        """Return the texts of the elements that are or have the class `name`."""
        return [text for tag, classes, text in self._texts if name == tag or name in classes]

    def elements(self, name: str) -> list[dict[str, str]]:
        """Return the attributes of the elements that are or have the class `name`."""
        return [found for tag, classes, found in self._elements if name == tag or name in classes]
