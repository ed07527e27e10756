"""Bring files into the store: find what is new or changed, read it, embed it and write it."""
