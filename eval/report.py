"""Reports of runs: a self-contained HTML page, Markdown, or a table in the terminal."""

from eval.page import html
from eval.plain import markdown, print_summary

__all__ = ["html", "markdown", "print_summary"]
