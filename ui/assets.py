"""Text files that travel with this package: styles and scripts."""

from __future__ import annotations

from importlib import resources

STYLES = ("style.css", "chat.css", "library.css", "quality.css")
SCRIPTS = ("page.js",)


def package_text(name: str) -> str:
    """Return a text file that travels with this package."""
    return (resources.files("ui") / "static" / name).read_text(encoding="utf-8")


def head_html() -> str:
    """Return what goes into the page's head: the styles, and the script that sets light or dark before it is painted.

    As `css` of Gradio the styles would be rewritten with prefixes.
    """
    styles = "".join(f"<style>{package_text(name)}</style>" for name in STYLES)
    return styles + "".join(f"<script>{package_text(name)}</script>" for name in SCRIPTS)
