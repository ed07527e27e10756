"""The library on disk: documents in SQLite, and Chroma and the lexical index derived from them."""
