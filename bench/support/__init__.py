"""What several benchmarks share: endpoints, baselines, stores to damage, and tables."""
