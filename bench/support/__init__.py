"""Code shared by several benchmarks: endpoints, baselines, stores to damage, and tables."""
