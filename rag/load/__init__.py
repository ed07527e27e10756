"""Read files and web pages into `Document`s, and split these into passages."""
