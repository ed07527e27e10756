"""Passages to ranked sentences, and the few of them that are evidence."""
