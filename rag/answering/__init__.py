"""Turns a question and its evidence into a checked, cited answer."""
