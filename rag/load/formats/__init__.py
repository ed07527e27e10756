"""Readers for file formats, one module per family; `rag.load.formats.kinds` says which module reads what."""
