"""Files and web pages to `Document`s, and their passages."""
