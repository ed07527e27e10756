"""Model weights: which bytes are the official ones, and how each source is asked for them."""
