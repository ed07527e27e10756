"""One module for each family of file formats; `rag.formats.kinds` says which reads what."""
