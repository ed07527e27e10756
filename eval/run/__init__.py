"""Run every question through every system, score the answers and write them down."""
