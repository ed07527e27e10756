"""One module for each family of file formats; `rag.load.formats.kinds` says which reads what."""
