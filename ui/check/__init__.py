"""Check a text: each sentence with what the articles say of it."""
