"""Model weights: the hashes of the official files, and the sources that they are fetched from."""
