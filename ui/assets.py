"""Load the text files shipped with this package: styles and scripts."""

from __future__ import annotations

from importlib import resources

STYLES = ("style.css", "account.css", "chat.css", "check.css", "library.css", "quality.css")
SCRIPTS = ("account.js", "page.js")


def package_text(name: str) -> str:
    """Return the text of a file shipped with this package."""
    return (resources.files("ui") / "static" / name).read_text(encoding="utf-8")


def head_html() -> str:
    """Return the content of the page's head: the styles, and the script that sets light or dark before the first paint.

    Gradio would rewrite the styles with prefixes if they were passed as `css`.
    """
    styles = "".join(f"<style>{package_text(name)}</style>" for name in STYLES)
    return styles + "".join(f"<script>{package_text(name)}</script>" for name in SCRIPTS)
