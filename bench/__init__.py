"""Benchmarks with their baselines; each module prints one table. See README.md."""
