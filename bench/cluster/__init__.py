"""Start everything that a library for many machines needs on this one, use it, break it, and compare."""
