"""Reports of runs: a self-contained HTML page, Markdown, or a table in the terminal."""

from eval.report.page import html
from eval.report.plain import markdown, print_summary

__all__ = ["html", "markdown", "print_summary"]
