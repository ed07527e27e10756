"""The store on disk: documents in SQLite, with Chroma and the lexical index derived from them."""
